"""What generated code says about shapes: comments behind its lines, and sentences in its docstrings."""

from collections.abc import Iterator, Sequence

from archc.lower.body import plain
from archc.lower.classes import Class, whole_ratio
from archc.lower.names import Plain, comment, literal
from archc.tensor import Product, Tensor, Type


def comments(entry: Class) -> tuple[str, ...]:
    """Return what to say behind each move of a class: the shape that comes out, where it is not the one that came in."""
    return tuple(comment(_comment(entry, place)) for place in range(len(entry.bodies[0].moves)))


def batched(kind: Tensor) -> str:
    """Return the type of a tensor with its batch axis, as `[batch, 3, 32*h, 32*w]`."""
    sample = str(kind)
    opening = sample.rindex("[") + 1
    return f"{sample[:opening]}batch{', ' if kind.dims else ''}{sample[opening:]}"


def nested(kind: Type) -> str:
    """Return the form of a result whose tuples are nested, with `{}` for each tensor; empty where it is flat."""
    if not isinstance(kind, Product) or not any(isinstance(item, Product) for item in kind.items):
        return ""
    return ", ".join(_form(item) for item in kind.items)


def annotation(kind: Type) -> str:
    """Return the annotation of what a network of this output type returns."""
    if not isinstance(kind, Product):
        return "Tensor"
    return f"tuple[{', '.join(annotation(item) for item in kind.items) or '()'}]"


def specialisation(entry: Class, all_classes: tuple[Class, ...]) -> str:
    """Return for which arguments of its block a class stands; empty where it is the block's only class."""
    others = [other for other in all_classes if other.wanted == entry.wanted and other is not entry]
    if not others:
        return ""
    own = dict(_constant(entry))
    different = [name for name in own if any(dict(_constant(other)).get(name) != own[name] for other in others)]
    return ", ".join(f"{name} = {own[name]}" for name in different)


def _constant(entry: Class) -> Iterator[tuple[str, str]]:
    for name, value in entry.arguments[0].items():
        same = all(name in given and literal(given[name]) == literal(value) for given in entry.arguments)
        if same and not isinstance(value, str):
            yield name, str(value)


def _form(kind: Type) -> str:
    if not isinstance(kind, Product):
        return "{}"
    items = [_form(item) for item in kind.items]
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _comment(entry: Class, place: int) -> str:
    moves = [body.moves[place] for body in entry.bodies]
    if any(len(move.types) != 1 for move in moves) or all(_same(move.source, move.types[0]) for move in moves):
        return ""
    shapes = [move.types[0].sizes for move in moves]
    if len({len(shape) for shape in shapes}) != 1:
        return ""
    axes: list[str] = []
    for column in zip(*shapes, strict=True):
        axes.append(_axis(entry, [plain(size) for size in column], axes))
    return f"[{', '.join(axes)}]" if all(axes) else ""


def _same(source: Tensor | None, result: Tensor) -> bool:
    return source is not None and source.dims == result.dims


def _axis(entry: Class, column: Sequence[Plain], taken: Sequence[str]) -> str:
    """Return what to call an axis that has these sizes in the instances: a number, or a name of the block's own."""
    same = len({literal(value) for value in column}) == 1
    if same and (isinstance(column[0], int) or len(column) == 1):
        return str(column[0])
    names = [name for name in entry.arguments[0] if name not in taken]
    for name in [*names, *entry.arguments[0]]:
        if all(
            literal(given.get(name)) == literal(value) for given, value in zip(entry.arguments, column, strict=True)
        ):
            return name
    for parameter in entry.parameters:
        ratio = whole_ratio(column, parameter.column)
        if ratio is not None:
            times, by = ratio
            return f"{times}*{parameter.name}" if times > 1 else f"{parameter.name}/{by}" if by > 1 else parameter.name
    return str(column[0]) if same else ""
