"""Graph to Python source: a file that stands alone, with the blocks, loops and names of the program."""

import re
from collections.abc import Iterator, Mapping

from archc.graph import Graph, OpNode
from archc.lower.body import Body
from archc.lower.classes import Class, Keep, New, classes, holes, needs
from archc.lower.forward import Frame, forward
from archc.lower.guard import CHECK, check, takes
from archc.lower.layout import WIDTH, statement
from archc.lower.names import GLOBALS, MODULE_ATTRIBUTES, Plain, identifier, prose
from archc.lower.shapes import annotation, batched, comments, nested, specialisation
from archc.lower.weights import attributes, lent, weights
from archc.lower.writing import fill, write
from archc.ops import find, support
from archc.tensor import leaves


def to_python(graph: Graph) -> str:
    """Return a Python file with the class of `graph`, which needs torch and nothing else.

    Raises CompileError (A0701) where a weight's shape depends on a size of the input that is not known.
    """
    weights(graph)
    found = classes(graph)
    body = [block for entry in found for block in _class(entry, found)]
    definitions = support(sorted({need for entry in found for need in needs(entry)}))
    text = "\n\n\n".join([*([definitions] if definitions else []), *body])
    return f"{_docstring(0, _module_doc(graph))}\n\n{_imports(text)}\n\n\n{text}\n"


def class_name(graph: Graph) -> str:
    """Return the name of the class that `to_python` gives a network."""
    return identifier(graph.name.rsplit(".", 1)[-1], GLOBALS)


# ---------------------------------------------------------------- the file
def _module_doc(graph: Graph) -> tuple[str, ...]:
    first = f"{graph.name}, written by archc."
    note = "Shapes in comments are those of one sample; every tensor has a batch axis in front."
    return first, "", note


def _imports(text: str) -> str:
    plain = [line for word, line in (("math", "import math"), ("torch", "import torch")) if _uses(text, rf"\b{word}\.")]
    functional = ["import torch.nn.functional as F"] if _uses(text, r"\bF\.") else []
    names = ", ".join(name for name in ("Tensor", "nn") if _uses(text, rf"\b{name}\b"))
    torch_lines = [*[line for line in plain if "torch" in line], *functional, f"from torch import {names}"]
    return "\n".join([*(f"{line}\n" for line in plain if line == "import math"), *torch_lines])


def _uses(text: str, pattern: str) -> bool:
    code = re.sub(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*', "", text)
    return re.search(pattern, code) is not None


def _docstring(indent: int, lines: tuple[str, ...]) -> str:
    pad = " " * indent
    cleaned = prose(lines)
    if len(cleaned) == 1:
        end = " " if cleaned[0].endswith('"') else ""
        return f'{pad}"""{cleaned[0]}{end}"""'
    return "\n".join([f'{pad}"""{cleaned[0]}', *(f"{pad}{line}".rstrip() for line in cleaned[1:]), f'{pad}"""'])


# ---------------------------------------------------------------- one class
def _class(entry: Class, all_classes: tuple[Class, ...]) -> Iterator[str]:
    outermost = entry is all_classes[-1]
    graph = entry.bodies[0].graph
    names = _Names(entry)
    parts = ["\n".join(_init(entry, names))] if entry.keeps or entry.parameters else []
    if outermost:
        inputs = names.inputs
        parts.append("\n".join(check(graph, entry.name, inputs, names.solved, entry.bodies[0].sizes)))
    parts.append("\n".join(_forward(entry, names, outermost=outermost)))
    doc = _docstring(4, _class_doc(entry, all_classes))
    yield f"class {entry.name}(nn.Module):\n{doc}\n\n" + "\n\n".join(parts)


def _class_doc(entry: Class, all_classes: tuple[Class, ...]) -> tuple[str, ...]:
    graph = entry.bodies[0].graph
    docs = graph.docs or (_about(entry, last=entry is all_classes[-1]),)
    special = specialisation(entry, all_classes)
    if entry is all_classes[-1]:
        outs = ", ".join(batched(leaf) for leaf in leaves(graph.type))
        return (*docs, "", f"Takes {takes(graph, _Names(entry).inputs)} and gives {outs}.")
    return (*docs, "", f"This is the one for {special}.") if special else tuple(docs)


def _about(entry: Class, *, last: bool) -> str:
    if entry.wanted in ("Stage", "Repeat"):
        over = f" over {', '.join(entry.arguments[0])}" if entry.arguments[0] else ""
        return f"One turn of a loop{over}."
    return f"The {'model' if last else 'block'} {entry.wanted}."


class _Names:
    """The names inside one class: its inputs, what is lent to it, its submodules and its stored numbers."""

    def __init__(self, entry: Class) -> None:
        body: Body = entry.bodies[0]
        taken = {*GLOBALS, "self"}
        self.inputs = _distinct([item.name for item in body.graph.inputs], taken)
        self.lent = dict(zip(body.graph.borrowed, _distinct(body.graph.borrowed, taken), strict=True))
        handed = dict(zip(body.sizes, _distinct(body.sizes, taken), strict=True))
        open_sizes = [name for name in body.graph.variables if name not in handed]
        self.sizes: Mapping[str, str] = handed
        self.solved = {**handed, **dict(zip(open_sizes, _distinct(open_sizes, taken), strict=True))}
        self.attributes = attributes(body.graph)
        fields = {*MODULE_ATTRIBUTES, *self.attributes.values()}
        stored = [item.name for item in entry.parameters if item.name in entry.used]
        self.stored = dict(zip(stored, _distinct(stored, fields), strict=True))


def _distinct(names: Mapping[str, str] | list[str] | tuple[str, ...], taken: set[str]) -> tuple[str, ...]:
    found = []
    for name in names:
        found.append(identifier(name, taken))
        taken.add(found[-1])
    return tuple(found)


# ---------------------------------------------------------------- __init__
def _init(entry: Class, names: _Names) -> list[str]:
    parameters = "".join(f", {item.name}: {_kind(item.column)}" for item in entry.parameters)
    lines = [*_signature(f"__init__(self{parameters})", "None"), "        super().__init__()"]
    lines += [f"        self.{field} = {name}" for name, field in names.stored.items()]
    plain = {item.name: item.name for item in entry.parameters}
    for keep in entry.keeps:
        lines += statement(8, f"self.{names.attributes[keep.key]} = {_kept(keep, plain)}")
    return lines


def _signature(call: str, result: str) -> list[str]:
    text = f"    def {call} -> {result}:"
    if len(text) <= WIDTH:
        return [text]
    name, inside = call.rstrip(")").split("(", 1)
    if 8 + len(inside) <= WIDTH:
        return [f"    def {name}(", f"        {inside}", f"    ) -> {result}:"]
    return [f"    def {name}(", *(f"        {part}," for part in _parameters(inside)), f"    ) -> {result}:"]


def _parameters(text: str) -> list[str]:
    return re.split(r", (?![^\[]*\])", text)


def _kind(column: tuple[Plain, ...]) -> str:
    kinds = {_annotation(value) for value in column}
    if kinds == {"int", "float"}:
        return "float"
    return " | ".join(sorted(kinds, key=lambda kind: (kind == "None", kind)))


def _annotation(value: Plain) -> str:
    if isinstance(value, tuple):
        inner = sorted({_annotation(item) for item in value})
        return f"tuple[{' | '.join(inner)}, ...]" if inner else "tuple[()]"
    return "None" if value is None else type(value).__name__


def _kept(keep: Keep, names: Mapping[str, str]) -> str:
    if not keep.steps:
        return _new(keep.new[0], names, {})
    container = "nn.ParameterList" if keep.weight else "nn.ModuleList"
    if keep.count is None and keep.rows is None:
        return f"{container}([{', '.join(_new(new, names, {}) for new in keep.new)}])"
    new = keep.new[0]
    if keep.rows is not None:
        loops = _row_names(keep, new, names)
        made = _new(new, names, dict(zip(keep.varying, loops, strict=True)))
        return f"{container}({made} for {', '.join(loops)} in {write(keep.rows, names)})"
    assert keep.count is not None, keep
    turns = {place: _growing(write(new.values[place], names), write(by, names)) for place, by in keep.growth}
    variable = "i" if turns else "_"
    return f"{container}({_new(new, names, turns)} for {variable} in range({write(keep.count, names)}))"


def _row_names(keep: Keep, new: New, names: Mapping[str, str]) -> tuple[str, ...]:
    asked = _asked(new)
    return _distinct([asked[place] for place in keep.varying], {*GLOBALS, "self", *names})


def _growing(start: str, by: str) -> str:
    times = "i" if by == "1" else f"{by if ' ' not in by else f'({by})'} * i"
    return times if start == "0" else f"{start} + {times}"


def _asked(new: New) -> tuple[str, ...]:
    return tuple(item.name for item in new.head.parameters) if isinstance(new.head, Class) else holes(new.head)


def _new(new: New, names: Mapping[str, str], special: Mapping[int, str]) -> str:
    """Return the call that builds a submodule; `special` gives the source of some arguments by their number."""
    asked = _asked(new)
    if not isinstance(new.head, Class):
        texts = {asked[place]: text for place, text in special.items()}
        return fill(new.head, dict(zip(asked, new.values, strict=True)), texts, names)
    values = [special.get(place) or write(value, names) for place, value in enumerate(new.values)]
    flags = [place for place, value in enumerate(values) if value in ("True", "False")]
    plain = 0 if len(values) > 3 else flags[0] if flags else len(values)
    values[plain:] = [f"{name}={value}" for name, value in zip(asked[plain:], values[plain:], strict=True)]
    return f"{new.head.name}({', '.join(values)})"


# ---------------------------------------------------------------- forward
def _forward(entry: Class, names: _Names, *, outermost: bool) -> list[str]:
    body = entry.bodies[0]
    graph = body.graph
    parameters = [f"{name}: Tensor" for name in names.inputs]
    parameters += [f"{name}: {_lent_kind(body, key)}" for key, name in names.lent.items()]
    if not outermost:
        parameters += [f"{name}: int" for name in names.sizes.values()]
    result = annotation(graph.type) if outermost else _flat_annotation(len(body.results))
    lines = _signature(f"forward(self{''.join(f', {item}' for item in parameters)})", result)
    if outermost:
        sizes = "".join(f"{name}, " for name in names.sizes.values())[:-2]
        lines += statement(8, f"{f'{sizes} = ' if sizes else ''}self.{CHECK}({', '.join(names.inputs)})")
    stored = {name: f"self.{field}" for name, field in names.stored.items()}
    frame = Frame(names.attributes, stored, names.inputs, names.lent, names.sizes, comments(entry))
    return [*lines, *forward(entry, frame, nested(graph.type) if outermost else "")]


def _flat_annotation(results: int) -> str:
    return "Tensor" if results == 1 else f"tuple[{', '.join(['Tensor'] * results)}]"


def _lent_kind(body: Body, key: str) -> str:
    if any(move.loop is not None and move.loop.name == key for move in body.moves):
        return "nn.ModuleList"
    node = lent(body.graph, key)
    alone = isinstance(node, OpNode) and any(not weight.name for weight in find(node.op).weights(node))
    return "Tensor" if alone else "nn.Module"
