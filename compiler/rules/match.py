"""A declared input type against the type that flows in -> values for the sizes that it names."""

from collections.abc import Sequence

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr, format_type
from archc.grammar.source import Span
from archc.names.mentions import names_of, solvable
from archc.names.scoping import PATTERNS
from archc.rules.conditions import axes, rank_hint
from archc.rules.operands import operands, origin_of, short
from archc.rules.qualify import require
from archc.rules.session import Blame, Known, Refusal, Session, Witness
from archc.rules.solve import Matching, bind, for_example, is_free, refuse, solve
from archc.rules.static import evaluate
from archc.shapes import has_run
from archc.sizes.prove import equal
from archc.sizes.size import Size
from archc.tensor import Dim, Power, Product, Run, Tensor, Type, Variable
from archc.values import UNKNOWN, Env, Flow, Need, Shape, Value, flow


def match(
    session: Session, pattern: s.TypeExpr, value: Flow, env: Env, blame: Blame
) -> tuple[dict[str, Value], tuple[Known, ...]]:
    """Return `env`'s own names and those that `pattern` binds when it is laid over `value`, with their origins.

    Raises Refusal on another rank, size or number of inputs, and on sizes that cannot be solved.
    """
    matching = Matching(session, env, dict(env.names), blame)
    _type(matching, pattern, value)
    solve(matching)
    for tag, kind in matching.tags:
        require(session, (tag,), kind, blame)
    return matching.names, tuple(matching.known)


def _type(matching: Matching, pattern: s.TypeExpr, value: Flow) -> None:
    if not isinstance(pattern, s.TypePower) and isinstance(value.type, Product) and len(value.type.items) == 1:
        value = parts_of(value)[0]  # (T) is T
    match pattern:
        case s.TypeVariable(name):
            _variable(matching, name, value)
        case s.TypeQualified(qualifier, inner):
            _type(matching, inner, value)
            matching.tags.append((qualifier, value.type))
        case _ if value.type == UNKNOWN:
            _anything(matching, pattern)
        case s.TypeTuple(items):
            _tuple(matching, items, value)
        case s.TypePower(base, exponent):
            _power(matching, base, exponent, value)
        case s.TypeList(element, dims):
            _tensor(matching, element, dims, value)
        case s.TypeName(_, name) if (alias := _alias(matching, pattern)) is not None:
            _type(matching, alias, value)
        case s.TypeName(_, name):
            _tensor(matching, pattern, (), value)
        case _:
            text = f"{matching.blame.subject} takes {format_type(pattern)}, and networks take tensors and tuples"
            raise refuse(matching, "A0501", text)


def _alias(matching: Matching, pattern: s.TypeName) -> s.TypeExpr | None:
    if pattern.name in ("Id", "Float", "Int", "Bool"):
        return None
    found = (
        matching.session.scopes.member(matching.env.module, pattern.module, pattern.name)
        if pattern.module
        else matching.session.scopes.find(matching.env.module, pattern.name)
    )
    return found.declaration.type if found is not None and not pattern.arguments else None


def _variable(matching: Matching, name: str, value: Flow) -> None:
    bound = matching.names.get(name)
    if bound is None:
        matching.names[name] = value.type
    elif isinstance(bound, (Tensor, Product, Power, Variable)):
        _same(matching, bound, value.type, name)


def _same(matching: Matching, wanted: Type, found: Type, name: str) -> None:
    """Require two types to be equal, axis by axis."""
    if UNKNOWN in (wanted, found) or wanted == found:
        return
    alike = isinstance(wanted, Tensor) and isinstance(found, Tensor) and wanted.kind == found.kind
    if isinstance(wanted, Tensor) and isinstance(found, Tensor) and alike and len(wanted.dims) == len(found.dims):
        for one, other in zip(wanted.dims, found.dims, strict=True):
            _equal_dims(matching, one, other, f"{wanted} and {found} differ")
        return
    if matching.session.flexible and _may_agree(wanted, found):
        return
    if isinstance(wanted, Product) and isinstance(found, Product) and len(wanted.items) == len(found.items):
        for part, against in zip(wanted.items, found.items, strict=True):
            _same(matching, part, against, name)
        return
    raise refuse(matching, "A0207", f"{wanted} and {found} differ; both are `{name}`")


def _may_agree(one: Type, other: Type) -> bool:
    return isinstance(one, Tensor) and isinstance(other, Tensor) and (has_run(one.dims) or has_run(other.dims))


def _equal_dims(matching: Matching, one: Dim, other: Dim, message: str) -> None:
    if one == other:
        return
    if isinstance(one, Run) or isinstance(other, Run):
        if matching.session.flexible:
            return
        raise refuse(matching, "A0207", message)
    need = Need("A0207", matching.blame.subject, f"{one} == {other}", matching.blame.got, matching.blame.span)

    def complain(witness: Witness | None) -> Diagnostic:
        return refuse(matching, "A0207", message + for_example(witness)).diagnostic

    matching.session.require(equal(one, other), need, complain, equation=True)


def _anything(matching: Matching, pattern: s.TypeExpr) -> None:
    """Bind every free name of `pattern` to something fresh: the input can be of any type."""
    session = matching.session
    for name, kind in names_of(pattern).items():
        if not is_free(matching, name):
            continue
        fresh = session.new_name(name)
        if kind == "size":
            session.context = session.context.invent(fresh)
            matching.names[name] = Size.var(fresh)
        else:
            matching.names[name] = UNKNOWN if kind == "type" else Shape((Run(fresh, Size.var(fresh)),))


def _tuple(matching: Matching, items: Sequence[s.TypeItem], value: Flow) -> None:
    if len(items) == 1 and not isinstance(value.type, Product):
        return _type(matching, items[0].type, value)
    if not isinstance(value.type, Product) or len(value.type.items) != len(items):
        count = len(value.type.items) if isinstance(value.type, Product) else 1
        text = f"{matching.blame.subject} takes {len(items)} inputs, and {count} {'comes' if count == 1 else 'come'} in"
        raise refuse(matching, "A0209", text, "" if count > 1 else _fork(matching, items, value.type))
    for item, part in zip(items, parts_of(value), strict=True):
        _type(matching, item.type, part)
    return None


def _fork(matching: Matching, items: Sequence[s.TypeItem], value: Type) -> str:
    """Return how one tensor becomes the inputs of what takes several."""
    rows = all(isinstance(item.type, s.TypeList) and len(item.type.dims) == 2 for item in items)
    if isinstance(value, Tensor) and len(value.dims) == 2 and rows:
        arms = [f"linear({value.dims[-1]})"] * len(items)
    else:
        arms = ["id", *"fghijk"][: len(items)]
    if matching.blame.span.source is not None and matching.blame.span.source.name == "input":
        return f"({', '.join(f'{item.label}: ' * bool(item.label) + str(value) for item in items)})"
    return f"({', '.join(arms)}) -> {short(matching.blame.span)}, where each gets the input"


def embedded(ids: Tensor) -> str:
    """Return how token ids become numbers."""
    return f"embedding({ids.bound or 'vocab'}, d) before it" if ids.kind == "Id" else ""


def parts_of(value: Flow) -> tuple[Flow, ...]:
    """Return the items of a tuple in flight."""
    if value.parts:
        return value.parts
    assert isinstance(value.type, Product), value
    return tuple(flow(item) for item in value.type.items)


def _power(matching: Matching, base: s.TypeExpr, exponent: "s.Number | s.Ref", value: Flow) -> None:
    if isinstance(value.type, Power):
        _type(matching, base, flow(value.type.item))
        matching.pending.append((exponent, value.type.count, None))
        return
    if not isinstance(value.type, Product):
        text = f"{matching.blame.subject} takes a tuple of equal types, and one value comes in"
        hint = f"(id, f) -> {matching.blame.subject}, where both get the input and f is what changes it"
        raise refuse(matching, "A0209", text, hint)
    parts = parts_of(value)
    matching.pending.append((exponent, Size.of(len(parts)), None))
    for part in parts:
        try:
            _type(matching, base, part)
            solve(matching)
        except Refusal as refusal:
            if refusal.diagnostic.code not in ("A0207", "A0202", "A0201"):
                raise
            shapes = " and ".join(str(entry.type) for entry in (parts[0], part))
            when = refusal.diagnostic.message.partition(", for example")
            text = f"the operands of {matching.blame.subject} differ: {shapes}{when[1]}{when[2]}"
            raise operands(matching.blame, text, parts[0], part) from None


def _tensor(
    matching: Matching, element: s.TypeExpr | None, dims: Sequence["s.Expr | s.DimRange | s.DimRest"], value: Flow
) -> None:
    actual = value.type
    if not isinstance(actual, Tensor):
        is_tuple = isinstance(actual, (Product, Power))
        count = f" of {len(actual.items)}" if isinstance(actual, Product) else ""
        what = f"a tuple{count} comes in" if is_tuple else f"`{actual}` may be of any type"
        hint = "put `-> add` or `-> concat` before it, which make one tensor of a tuple" if is_tuple else ""
        if isinstance(actual, Product) and actual.labels and actual.labels[0]:
            hint = f"{actual.labels[0]} -> {short(matching.blame.span)}"
        raise refuse(matching, "A0209", f"{matching.blame.subject} takes one tensor, and {what}", hint)
    _element(matching, element, actual)
    rest = next((place for place, dim in enumerate(dims) if isinstance(dim, s.DimRest)), None)
    if rest is None:
        _axes(matching, dims, actual.dims, value.origins)
        return
    before, after = dims[:rest], dims[rest + 1 :]
    available = actual.dims
    if (
        len(available) < len(before) + len(after)
        or has_run(available[:rest])
        or has_run(available[len(available) - len(after) :])
    ):
        if matching.session.flexible and has_run(available):
            for dim in dims:
                _fresh_dim(matching, dim)
            return
        raise _rank(matching, dims, actual)
    stop = len(available) - len(after)
    _axes(matching, before, available[:rest], value.origins[:rest])
    _axes(matching, after, available[stop:], value.origins[stop:])
    _rest(matching, dims[rest], Shape(available[rest:stop]), value.origins[rest:stop])


def _fresh_dim(matching: Matching, dim: "s.Expr | s.DimRange | s.DimRest") -> None:
    kind = s.TypeList(None, (dim,))
    _anything(matching, kind)


def _rest(
    matching: Matching, dim: "s.Expr | s.DimRange | s.DimRest", shape: Shape, origins: Sequence[Span | None]
) -> None:
    assert isinstance(dim, s.DimRest)
    if dim.value is None:
        return
    if isinstance(dim.value, s.Ref) and dim.value.name not in matching.names:
        matching.names[dim.value.name] = shape
        whole = origins[0] if origins and all(origin == origins[0] for origin in origins) else None
        matching.known.append(origin_of(dim.value.name, shape, whole))
        return
    if any(name not in matching.names for name in solvable(dim.value)):
        text = f"..{format_expr(dim.value)} cannot be solved for its run of axes"
        raise refuse(matching, "A0307", text, "write `..x` on the input side")
    bound = evaluate(matching.session, dim.value, Env(matching.env.module, matching.names))
    if isinstance(bound, Shape):
        same = f"..{format_expr(dim.value)} is {bound} here, and {shape} comes in"
        if len(bound.dims) != len(shape.dims):
            if not (matching.session.flexible and (has_run(bound.dims) or has_run(shape.dims))):
                raise refuse(matching, "A0207", same)
            return
        for one, other in zip(bound.dims, shape.dims, strict=True):
            _equal_dims(matching, one, other, same)


def _element(matching: Matching, element: s.TypeExpr | None, actual: Tensor) -> None:
    name = element.name if isinstance(element, s.TypeName) else "Float"
    if isinstance(element, s.TypeVariable) or (name == "Int" and actual.kind == "Id"):
        return
    if name != actual.kind:
        words = {"Id": "token ids", "Float": "numbers (Float)"}
        text = f"{matching.blame.subject} takes {words.get(name, name)}; it gets {words.get(actual.kind, actual.kind)}"
        raise refuse(matching, "A0210", text, embedded(actual))
    if name == "Id" and isinstance(element, s.TypeName) and element.arguments and actual.bound is not None:
        bound = element.arguments[0].value
        if isinstance(bound, s.TypeVariable):
            matching.ids.append(s.Ref(bound.name, bound.span))
            matching.pending.append((matching.ids[-1], actual.bound, None))
        elif isinstance(bound, s.TypeLiteral) and isinstance(bound.value, s.Number):
            matching.ids.append(bound.value)
            matching.pending.append((bound.value, actual.bound, None))


def _axes(
    matching: Matching,
    dims: Sequence["s.Expr | s.DimRange | s.DimRest"],
    actual: Sequence[Dim],
    origins: Sequence[Span | None],
) -> None:
    if has_run(actual) and matching.session.flexible:
        for dim in dims:
            _fresh_dim(matching, dim)
        return
    if len(dims) != len(actual) or has_run(actual):
        raise _rank(matching, dims, Tensor(tuple(actual)))
    for place, (dim, size) in enumerate(zip(dims, actual, strict=True)):
        origin = origins[place] if place < len(origins) else None
        assert isinstance(size, Size)
        if isinstance(dim, s.Ref) and is_free(matching, dim.name):
            bind(matching, dim.name, size, origin)
        elif not isinstance(dim, (s.DimRange, s.DimRest)):
            matching.pending.append((dim, size, origin))


def _rank(matching: Matching, dims: Sequence["s.Expr | s.DimRange | s.DimRest"], actual: Tensor) -> Refusal:
    wanted = format_type(s.TypeList(None, tuple(dims)))
    subject = matching.blame.subject
    got = matching.blame.got if isinstance(matching.blame.got, Tensor) else actual
    if has_run(got.dims):
        hint = f"sign the block with the axes it needs, as in {wanted}"
        return refuse(matching, "A0208", f"the axes of {got} are not known one by one", hint)
    least = sum(not isinstance(dim, s.DimRest) for dim in dims)
    most = None if any(isinstance(dim, s.DimRest) for dim in dims) else least
    text = f"{subject} takes {axes(least, most)}; {got} has {len(got.dims)}"
    return refuse(matching, "A0201", text, rank_hint(subject, len(got.dims)) or _reshaped(subject, least, most, got))


def _reshaped(subject: str, least: int, most: int | None, got: Tensor) -> str:
    """Return the op that gives a tensor of another number of axes to what needs one or two."""
    if subject in PATTERNS:
        return f"name all {len(got.dims)} axes"
    if most == 1:
        return "put `flatten` before it"
    if (least, most) == (2, 2) and len(got.dims) == 3:
        return "put rearrange([c, h, w] -> [h*w, c]) before it, which makes rows of an image"
    return ""
