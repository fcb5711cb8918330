"""Ops that only move values about (id, clone, each, par, first, second), and those with a rule of their own."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_type
from archc.grammar.limits import exceeded
from archc.graph import Pattern
from archc.names.mentions import solvable
from archc.rules.arguments import bind
from archc.rules.emission import emit
from archc.rules.instantiate import parts
from archc.rules.match import embedded, match, parts_of
from archc.rules.operands import operands
from archc.rules.session import Blame, Exhausted, Refusal, Session, Site
from archc.rules.static import evaluate
from archc.shapes import Undetermined, axis_index, get, put
from archc.sizes.prove import equal
from archc.sizes.size import Size
from archc.tensor import Power, Product, Tensor, Type
from archc.values import UNKNOWN, Applied, Closure, Env, Flow, Items, Need, Shape, Value, bundle, flow, show

Apply = Callable[..., Flow]
Rule = Callable[[Session, dict[str, Value], Flow, Blame, Site, Apply], Flow]


def _id(_: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    return into


def _clone(session: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    count = values["n"]
    assert isinstance(count, Size)
    known = count.constant
    if known is None:
        return flow(Power(into.type, count))
    if known > session.limits.repeats:
        raise Exhausted(exceeded(session.limits, "repeats", message=f"clone({known}) is too much", span=site.span))
    session.count_step(site.span, known * parts(into.type))
    return bundle((into,) * known)


def _pair(session: Session, into: Flow, blame: Blame) -> tuple[Flow, ...]:
    if into.type == UNKNOWN:
        return (into, into)
    if not isinstance(into.type, Product) or len(into.type.items) != 2:
        count = len(into.type.items) if isinstance(into.type, Product) else 1
        text = f"{blame.subject} takes 2 inputs, and {count} {'comes' if count == 1 else 'come'} in"
        raise Refusal(blame.diagnostic("A0209", text))
    return parts_of(into)


def _first(session: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    return _pair(session, into, blame)[0]


def _second(session: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    return _pair(session, into, blame)[1]


def _par(session: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    one, other = _pair(session, into, blame)
    return bundle((apply(session, values["f"], one, site.span), apply(session, values["g"], other, site.span)))


def _each(session: Session, values: dict[str, Value], into: Flow, blame: Blame, site: Site, apply: Apply) -> Flow:
    if into.type == UNKNOWN:
        return into
    if isinstance(into.type, Power):
        return flow(Power(apply(session, values["f"], flow(into.type.item), site.span).type, into.type.count))
    if not isinstance(into.type, Product):
        raise Refusal(blame.diagnostic("A0209", "each takes a tuple of equal types, and one value comes in"))
    return bundle(tuple(apply(session, values["f"], part, site.span) for part in parts_of(into)))


STRUCTURAL: Mapping[str, Rule] = {
    "id": _id, "clone": _clone, "first": _first, "second": _second, "par": _par, "each": _each,
}  # fmt: skip


# ---------------------------------------------------------------- concat and split
def _concat(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    values, blame = _bound(session, applied, into, site)
    axis = values["axis"]
    assert isinstance(axis, Size)
    if into.type == UNKNOWN:
        return flow(UNKNOWN)
    if isinstance(into.type, Power) and isinstance(into.type.item, Tensor):
        joined = _multiplied(into.type.item, into.type.count, axis, blame)
        return emit(session, applied.definition, dict(values), into, joined, site)
    if not isinstance(into.type, Product):
        text = "concat joins the tensors of a tuple, and one tensor comes in"
        raise Refusal(blame.diagnostic("A0209", text, "(id, f) -> concat, where f makes more of the input"))
    into = bundle(tuple(map(_alone, parts_of(into))), into.type.labels)
    assert isinstance(into.type, Product)
    tensors = [part for part in into.type.items if isinstance(part, Tensor)]
    if len(tensors) != len(into.type.items) or not tensors:
        return (
            flow(UNKNOWN)
            if session.flexible
            else _refuse(blame, "A0209", "concat joins tensors; a tuple is among its operands")
        )
    try:
        output = _joined(session, parts_of(into), tensors, axis, blame)
    except IndexError:
        return _refuse(blame, "A0214", f"there is no axis {axis} in {tensors[0]}")
    except Undetermined as error:
        if session.flexible:
            return flow(UNKNOWN)
        return _refuse(blame, "A0208", f"{error} of {tensors[0]} is hidden in a run of axes")
    return emit(session, applied.definition, dict(values), into, output, site)


def _alone(value: Flow) -> Flow:
    """Return the item of a tuple of one: (T) is T."""
    while isinstance(value.type, Product) and len(value.type.items) == 1:
        value = parts_of(value)[0]
    return value


def _multiplied(tensor: Tensor, count: Size, axis: Size, blame: Blame) -> Type:
    shape = Shape(tensor.dims)
    try:
        return _tensor(put(shape, axis, get(shape, axis) * count), tensor)
    except IndexError:
        raise Refusal(blame.diagnostic("A0214", f"there is no axis {axis} in {tensor}")) from None
    except Undetermined as error:
        raise Refusal(blame.diagnostic("A0208", f"{error} of {tensor} is hidden in a run of axes")) from None


def _refuse(blame: Blame, code: str, text: str, hint: str = "") -> Flow:
    raise Refusal(blame.diagnostic(code, text, hint))


def _tensor(shape: Shape, like: Tensor) -> Type:
    return Tensor(shape.dims, like.kind, like.bound)


def _joined(session: Session, parts: Sequence[Flow], tensors: list[Tensor], axis: Size, blame: Blame) -> Tensor:
    first = Shape(tensors[0].dims)
    at = axis_index(first, axis)
    total = get(first, axis)
    for part, tensor in zip(parts[1:], tensors[1:], strict=True):
        if (tensor.kind, tensor.bound) != (tensors[0].kind, tensors[0].bound):
            _refuse(
                blame, "A0210", f"concat joins tensors of one kind; {tensors[0]} and {tensor} hold different things"
            )
        if len(tensor.dims) != len(first.dims):
            text = f"concat joins tensors of as many axes; {tensors[0]} and {tensor} come in"
            raise operands(blame, text, parts[0], part)
        total = total + get(Shape(tensor.dims), axis)
        for place, (one, other) in enumerate(zip(first.dims, tensor.dims, strict=True)):
            if place != at and one != other:
                text = f"concat joins axis {axis}, and axis {place} of its operands differs: {one} and {other}"
                found = operands(blame, text, parts[0], part, but=at).diagnostic
                _equal(session, one, other, blame, found)
    return Tensor((*first.dims[:at], total, *first.dims[at + 1 :]), tensors[0].kind, tensors[0].bound)


def only_numbers(kind: Type, blame: Blame) -> None:
    """Raise Refusal where ids are among what is added or multiplied: the result would be no id."""
    items = kind.items if isinstance(kind, Product) else (kind.item,) if isinstance(kind, Power) else ()
    for item in items:
        only_numbers(item, blame)
    if isinstance(kind, Tensor) and kind.kind != "Float":
        text = f"{blame.subject} computes with numbers (Float), and {kind} is among its operands"
        raise Refusal(blame.diagnostic("A0210", text, embedded(kind)))


def _equal(session: Session, one: object, other: object, blame: Blame, found: Diagnostic) -> None:
    """Require two sizes to be equal; raise Refusal with `found` otherwise."""
    if not isinstance(one, Size) or not isinstance(other, Size):
        if not session.flexible:
            raise Refusal(found)
        return
    need = Need(found.code, blame.subject, f"{one} == {other}", blame.got, blame.span)
    session.require(equal(one, other), need, lambda _: found, equation=True)


def _split(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    values, blame = _bound(session, applied, into, site)
    axis, sizes = values["axis"], values["sizes"]
    assert isinstance(axis, Size) and isinstance(sizes, Items)
    if isinstance(into.type, Product) and len(into.type.items) == 1:
        into = parts_of(into)[0]  # (T) is T
    if not isinstance(into.type, Tensor):
        return flow(UNKNOWN) if into.type == UNKNOWN else _refuse(blame, "A0209", "split takes one tensor")
    shape = Shape(into.type.dims)
    parts = [entry for entry in sizes.values if isinstance(entry, Size)]
    total = Size.of(0)
    for part in parts:
        total = total + part
    try:
        whole = get(shape, axis)
        types = tuple(_tensor(put(shape, axis, part), into.type) for part in parts)
    except IndexError:
        return _refuse(blame, "A0214", f"there is no axis {axis} in {into.type}")
    except Undetermined as error:
        return _refuse(blame, "A0208", f"{error} of {into.type} is hidden in a run of axes")
    text = f"split takes sizes that add up to the axis, {whole}; {show(sizes)} adds up to {total}"
    _equal(session, total, whole, blame, blame.diagnostic("A0205", text))
    names = {**values, "s": shape}
    return emit(session, applied.definition, dict(values), into, Product(types), site, names)


def _bound(session: Session, applied: Applied, into: Flow, site: Site) -> tuple[dict[str, Value], Blame]:
    declaration = applied.definition.declaration
    assert isinstance(declaration.type, s.TypeArrow)
    values = bind(session, declaration, applied.arguments, site.span, Env(0, {}), evaluate)
    return values, Blame(declaration.name, format_type(declaration.type.source), into.type, site.span)


# ---------------------------------------------------------------- patterns
def _pattern(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    """The pattern is the type: a name in scope means that size, any other is an axis of the input."""
    name = applied.definition.name
    values, _ = _bound(session, applied, into, site)
    left, right, env = _sides(values["p"], name, site)
    known = {key: value for key, value in env.names.items() if isinstance(value, Size)}
    wanted: s.TypeExpr = _side_type(left)
    blame = Blame(name, format_type(wanted), into.type, site.span)
    names, _ = match(session, wanted, into, Env(env.module, known), blame)
    scope = Env(env.module, names)
    sizes: dict[str, Size] = {}
    lefts = tuple(_factors(session, operand, scope, sizes, blame) for operand in left)
    _check_right(name, lefts, right, known)
    rights = _factors(session, right, scope, sizes, blame)
    _check_counts(name, lefts, rights, blame)
    pattern = Pattern(lefts, rights, tuple(sorted(sizes.items())))
    dims = []
    for axis in rights:
        size = Size.of(1)
        for factor in axis:
            size = size * sizes[factor]
        dims.append(size)
    kind = into.type.kind if isinstance(into.type, Tensor) else "Float"
    return emit(session, applied.definition, {**values, "p": pattern}, into, Tensor(tuple(dims), kind), site)


def _sides(value: Value, name: str, site: Site) -> tuple[tuple[s.List, ...], s.List, Env]:
    if isinstance(value, Closure) and isinstance(value.expr, s.Pipe) and len(value.expr.stages) == 2:
        left, right = value.expr.stages
        operands = left.items if isinstance(left, s.Tuple) else (left,)
        lists = tuple(item for item in operands if isinstance(item, s.List))
        if len(lists) == len(operands) and isinstance(right, s.List):
            return lists, right, value.env
    hint = "einsum(([n, k], [k, m]) -> [n, m])" if name == "einsum" else f"{name}([c, h, w] -> [h*w, c])"
    raise Refusal(Diagnostic("A0104", f"{name} takes a pattern of axes on both sides of `->`", site.span, hint=hint))


def _side_type(operands: tuple[s.List, ...]) -> s.TypeExpr:
    types = []
    for operand in operands:
        for item in operand.items:
            if isinstance(item, s.Spread):
                raise Refusal(
                    Diagnostic("A0307", "a pattern names every axis", item.span, hint="[c, h, w] instead of [c, ..x]")
                )
        types.append(
            s.TypeList(None, tuple(item for item in operand.items if not isinstance(item, s.Spread)), operand.span)
        )
    return types[0] if len(types) == 1 else s.TypeTuple(tuple(s.TypeItem("", kind) for kind in types))


def _factors(
    session: Session, operand: s.List, env: Env, sizes: dict[str, Size], blame: Blame
) -> tuple[tuple[str, ...], ...]:
    axes = []
    for item in operand.items:
        assert not isinstance(item, s.Spread)
        names = []
        for factor in _product(item):
            if isinstance(factor, s.Number) and factor.text == "1":
                continue
            value = evaluate(session, factor, env)
            if not isinstance(value, Size):
                raise Refusal(Diagnostic("A0104", f"an axis is a whole number; this is {show(value)}", factor.span))
            name = factor.name if isinstance(factor, s.Ref) else str(value)
            sizes[name] = value
            names.append(name)
        axes.append(tuple(names))
    return tuple(axes)


def _product(expr: s.Expr) -> tuple[s.Expr, ...]:
    if isinstance(expr, s.Binary) and expr.operator == "*":
        return (*_product(expr.left), *_product(expr.right))
    return (expr,)


def _check_right(
    name: str, lefts: tuple[tuple[tuple[str, ...], ...], ...], right: s.List, known: Mapping[str, Size]
) -> None:
    have = {factor for operand in lefts for axis in operand for factor in axis}
    for item in right.items:
        if isinstance(item, s.Spread):
            raise Refusal(Diagnostic("A0307", "a pattern names every axis", item.span))
        for entry in solvable(item):
            if entry not in have and not (name == "broadcast" and entry in known):
                hint = "broadcast adds axes of known size" if name != "broadcast" else f"let {entry} be a parameter"
                raise Refusal(
                    Diagnostic("A0211", f"`{entry}` is on the right of the pattern only", item.span, hint=hint)
                )


def _check_counts(
    name: str, lefts: tuple[tuple[tuple[str, ...], ...], ...], rights: tuple[tuple[str, ...], ...], blame: Blame
) -> None:
    """Require every factor on the right as often as on the left; reduce may drop some, broadcast add some."""
    have = Counter(factor for operand in lefts for axis in operand for factor in axis)
    have = Counter(set(have)) if name == "einsum" else have
    wanted = Counter(factor for axis in rights for factor in axis)
    lost, new = sorted(have - wanted), sorted(wanted - have)
    if name in ("rearrange", "broadcast") and lost:
        hint = blame.span.text.replace(name, "reduce", 1) if name == "rearrange" and not new else ""
        text = f"{name} keeps every axis; {' and '.join(lost)} {'is' if len(lost) == 1 else 'are'} lost"
        raise Refusal(blame.diagnostic("A0211", text, hint if len(hint) < 60 else ""))
    if new and name != "broadcast":
        text = f"`{new[0]}` stands more often on the right of the pattern than on its left"
        raise Refusal(blame.diagnostic("A0211", text, "broadcast adds axes of known size"))


_PATTERNS = dict.fromkeys(("rearrange", "reduce", "broadcast", "einsum"), _pattern)
RULES: Mapping[str, Callable[[Session, Applied, Flow, Site], Flow]] = {"concat": _concat, "split": _split, **_PATTERNS}
"""Ops of std whose type no signature can say, by name."""
ARITHMETIC = ("add", "mul", "sub")
"""Ops of std that take operands of any one type, so long as it holds numbers."""
