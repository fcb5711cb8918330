"""A declared input type against the type that flows in -> values for the sizes that it names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archc.conditions import rank_hint
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr, format_type
from archc.grammar.source import NOWHERE, Span
from archc.mentions import names_of, solvable
from archc.operands import operands, short
from archc.prove import at_least, divides, equal
from archc.session import Blame, Known, Refusal, Session, Witness
from archc.shapes import has_run
from archc.sizes import Size, exact
from archc.static import evaluate
from archc.tensor import Dim, Power, Product, Run, Tensor, Type, Variable
from archc.values import UNKNOWN, Env, Flow, Need, Shape, Value, flow

MARK = "?"


@dataclass(slots=True)
class _Matching:
    """One match: `names` grows, `pending` holds axes that wait for other names."""

    session: Session
    env: Env
    names: dict[str, Value]
    blame: Blame
    pending: list[tuple[s.Expr, Size, Span | None]] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)


def match(
    session: Session, pattern: s.TypeExpr, value: Flow, env: Env, blame: Blame
) -> tuple[dict[str, Value], tuple[Known, ...]]:
    """Return `env`'s own names and those that `pattern` binds when it is laid over `value`, with their origins.

    Raises Refusal on another rank, size or number of inputs, and on sizes that cannot be solved.
    """
    matching = _Matching(session, env, dict(env.names), blame)
    _type(matching, pattern, value)
    _solve(matching)
    return matching.names, tuple(matching.known)


def _refuse(matching: _Matching, code: str, message: str, hint: str = "") -> Refusal:
    known = (*matching.blame.known, *matching.known)
    blame = Blame(matching.blame.subject, matching.blame.needs, matching.blame.got, matching.blame.span, known)
    return Refusal(blame.diagnostic(code, message, hint))


def _type(matching: _Matching, pattern: s.TypeExpr, value: Flow) -> None:
    if not isinstance(pattern, s.TypePower) and isinstance(value.type, Product) and len(value.type.items) == 1:
        value = parts_of(value)[0]  # (T) is T
    match pattern:
        case s.TypeVariable(name):
            _variable(matching, name, value)
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
            raise _refuse(matching, "A0501", text)


def _alias(matching: _Matching, pattern: s.TypeName) -> s.TypeExpr | None:
    if pattern.name in ("Id", "Float", "Int", "Bool"):
        return None
    found = (
        matching.session.scopes.member(matching.env.module, pattern.module, pattern.name)
        if pattern.module
        else matching.session.scopes.find(matching.env.module, pattern.name)
    )
    return found.declaration.type if found is not None and not pattern.arguments else None


def _variable(matching: _Matching, name: str, value: Flow) -> None:
    bound = matching.names.get(name)
    if bound is None:
        matching.names[name] = value.type
    elif isinstance(bound, (Tensor, Product, Power, Variable)):
        _same(matching, bound, value.type, name)


def _same(matching: _Matching, wanted: Type, found: Type, name: str) -> None:
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
    raise _refuse(matching, "A0207", f"{wanted} and {found} differ; both are `{name}`")


def _may_agree(one: Type, other: Type) -> bool:
    return isinstance(one, Tensor) and isinstance(other, Tensor) and (has_run(one.dims) or has_run(other.dims))


def _equal_dims(matching: _Matching, one: Dim, other: Dim, message: str) -> None:
    if one == other:
        return
    if isinstance(one, Run) or isinstance(other, Run):
        if matching.session.flexible:
            return
        raise _refuse(matching, "A0207", message)
    need = Need("A0207", matching.blame.subject, f"{one} == {other}", matching.blame.got, matching.blame.span)

    def refuse(witness: Witness | None) -> Diagnostic:
        return _refuse(matching, "A0207", message + _for(witness)).diagnostic

    matching.session.require(equal(one, other), need, refuse, equation=True)


def _for(witness: Witness | None) -> str:
    return (
        f", for example when {', '.join(f'{name} = {value}' for name, value in sorted(witness.items()))}"
        if witness
        else ""
    )


def _anything(matching: _Matching, pattern: s.TypeExpr) -> None:
    """Bind every free name of `pattern` to something fresh: the input can be of any type."""
    session = matching.session
    for name, kind in names_of(pattern).items():
        if name in matching.names:
            continue
        fresh = session.new_name(name)
        if kind == "size":
            session.context = session.context.declare(fresh)
            matching.names[name] = Size.var(fresh)
        else:
            matching.names[name] = UNKNOWN if kind == "type" else Shape((Run(fresh, Size.var(fresh)),))


def _tuple(matching: _Matching, items: Sequence[s.TypeItem], value: Flow) -> None:
    if len(items) == 1 and not isinstance(value.type, Product):
        return _type(matching, items[0].type, value)
    if not isinstance(value.type, Product) or len(value.type.items) != len(items):
        count = len(value.type.items) if isinstance(value.type, Product) else 1
        text = f"{matching.blame.subject} takes {len(items)} inputs, and {count} {'comes' if count == 1 else 'come'} in"
        raise _refuse(
            matching, "A0209", text, "" if count > 1 else "(a, b) -> ... gives the same input to each of a and b"
        )
    for item, part in zip(items, parts_of(value), strict=True):
        _type(matching, item.type, part)
    return None


def parts_of(value: Flow) -> tuple[Flow, ...]:
    """Return the items of a tuple in flight."""
    if value.parts:
        return value.parts
    assert isinstance(value.type, Product), value
    return tuple(flow(item) for item in value.type.items)


def _power(matching: _Matching, base: s.TypeExpr, exponent: "s.Number | s.Ref", value: Flow) -> None:
    if isinstance(value.type, Power):
        _type(matching, base, flow(value.type.item))
        matching.pending.append((exponent, value.type.count, None))
        return
    if not isinstance(value.type, Product):
        text = f"{matching.blame.subject} takes a tuple of equal types, and one value comes in"
        raise _refuse(matching, "A0209", text, "(a, b) -> ... gives the same input to each of a and b")
    parts = parts_of(value)
    matching.pending.append((exponent, Size.of(len(parts)), None))
    for part in parts:
        try:
            _type(matching, base, part)
            _solve(matching)
        except Refusal as refusal:
            if refusal.diagnostic.code not in ("A0207", "A0202", "A0201"):
                raise
            shapes = " and ".join(str(entry.type) for entry in (parts[0], part))
            when = refusal.diagnostic.message.partition(", for example")
            text = f"the operands of {matching.blame.subject} differ: {shapes}{when[1]}{when[2]}"
            raise operands(matching.blame, text, parts[0], part) from None


def _tensor(
    matching: _Matching, element: s.TypeExpr | None, dims: Sequence["s.Expr | s.DimRange | s.DimRest"], value: Flow
) -> None:
    actual = value.type
    if not isinstance(actual, Tensor):
        what = f"a tuple, {actual}" if isinstance(actual, (Product, Power)) else f"`{actual}`, which may be of any type"
        raise _refuse(matching, "A0209", f"{matching.blame.subject} takes one tensor; it gets {what}")
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
    _rest(matching, dims[rest], Shape(available[rest:stop]))


def _fresh_dim(matching: _Matching, dim: "s.Expr | s.DimRange | s.DimRest") -> None:
    kind = s.TypeList(None, (dim,))
    _anything(matching, kind)


def _rest(matching: _Matching, dim: "s.Expr | s.DimRange | s.DimRest", shape: Shape) -> None:
    assert isinstance(dim, s.DimRest)
    if dim.value is None:
        return
    if isinstance(dim.value, s.Ref) and dim.value.name not in matching.names:
        matching.names[dim.value.name] = shape
        return
    if any(name not in matching.names for name in solvable(dim.value)):
        text = f"..{format_expr(dim.value)} cannot be solved for its run of axes"
        raise _refuse(matching, "A0307", text, "write `..x` on the input side")
    bound = evaluate(matching.session, dim.value, Env(matching.env.module, matching.names))
    if isinstance(bound, Shape):
        same = f"..{format_expr(dim.value)} is {bound} and {shape}"
        if len(bound.dims) != len(shape.dims):
            if not (matching.session.flexible and (has_run(bound.dims) or has_run(shape.dims))):
                raise _refuse(matching, "A0207", same)
            return
        for one, other in zip(bound.dims, shape.dims, strict=True):
            _equal_dims(matching, one, other, same)


def _element(matching: _Matching, element: s.TypeExpr | None, actual: Tensor) -> None:
    name = element.name if isinstance(element, s.TypeName) else "Float"
    if isinstance(element, s.TypeVariable) or (name == "Int" and actual.kind == "Id"):
        return
    if name != actual.kind:
        words = {"Id": "token ids", "Float": "numbers (Float)"}
        text = f"{matching.blame.subject} takes {words.get(name, name)}; it gets {words.get(actual.kind, actual.kind)}"
        raise _refuse(
            matching, "A0210", text, "embedding(vocab, d) turns ids into vectors" if actual.kind == "Id" else ""
        )
    if name == "Id" and isinstance(element, s.TypeName) and element.arguments and actual.bound is not None:
        bound = element.arguments[0].value
        if isinstance(bound, s.TypeVariable):
            matching.pending.append((s.Ref(bound.name, bound.span), actual.bound, None))
        elif isinstance(bound, s.TypeLiteral) and isinstance(bound.value, s.Number):
            matching.pending.append((bound.value, actual.bound, None))


def _axes(
    matching: _Matching,
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
        if isinstance(dim, s.Ref) and dim.name not in matching.names:
            _bind(matching, dim.name, size, origin)
        elif not isinstance(dim, (s.DimRange, s.DimRest)):
            matching.pending.append((dim, size, origin))


def _bind(matching: _Matching, name: str, size: Size, origin: Span | None) -> None:
    matching.names[name] = size
    source = f"from {short(origin)}" if origin is not None and origin.source else ""
    matching.known.append(Known(name, size, source, origin or NOWHERE))


def _rank(matching: _Matching, dims: Sequence["s.Expr | s.DimRange | s.DimRest"], actual: Tensor) -> Refusal:
    wanted = format_type(s.TypeList(None, tuple(dims)))
    subject = matching.blame.subject
    got = matching.blame.got if isinstance(matching.blame.got, Tensor) else actual
    if has_run(got.dims):
        text = f"{subject} needs {wanted}; of {got} the axes are not known one by one"
        return _refuse(matching, "A0208", text, f"sign the block with the axes it needs, as in {wanted}")
    least = sum(not isinstance(dim, s.DimRest) for dim in dims)
    more = "or more " if any(isinstance(dim, s.DimRest) for dim in dims) else ""
    text = f"{subject} needs {least} {more}{'axis' if least == 1 and not more else 'axes'}; {got} has {len(got.dims)}"
    flat = "flatten before it" if subject == "linear" else ""
    return _refuse(matching, "A0201", text, rank_hint(subject) or flat)


def _solve(matching: _Matching) -> None:
    """Solve what waits, each axis for its one unknown name; then compare the axes whose names are all known."""
    while matching.pending:
        waiting, matching.pending = matching.pending, []
        for expr, size, origin in waiting:
            if not _solve_one(matching, expr, size, origin):
                matching.pending.append((expr, size, origin))
        if len(matching.pending) == len(waiting):
            expr = waiting[0][0]
            text = f"{format_expr(expr)} cannot be solved for one name"
            raise _refuse(matching, "A0307", text, "give one of its names as a parameter")


def _solve_one(matching: _Matching, expr: s.Expr, size: Size, origin: Span | None) -> bool:
    free = [name for name in solvable(expr) if name not in matching.names]
    if len(free) > 1:
        return False
    session = matching.session
    if not free:
        wanted = evaluate(session, expr, Env(matching.env.module, matching.names))
        if not isinstance(wanted, Size):
            raise _refuse(matching, "A0104", f"{format_expr(expr)} is no whole number")
        if wanted != size:
            _compare(matching, expr, wanted, size)
        return True
    name = free[0]
    if isinstance(expr, s.Ref):
        _bind(matching, name, size, origin)
        return True
    whole = evaluate(session, expr, Env(matching.env.module, {**matching.names, name: Size.var(MARK)}))
    linear = whole.linear_in(MARK) if isinstance(whole, Size) else None
    if linear is None:
        raise _refuse(matching, "A0307", f"{format_expr(expr)} cannot be solved for `{name}`")
    _bind(matching, name, _divide(matching, size - linear[1], linear[0], expr), origin)
    return True


def _divide(matching: _Matching, left: Size, factor: Size, expr: s.Expr) -> Size:
    session, blame = matching.session, matching.blame
    if factor.constant != 1:
        fact = divides(factor, left)
        need = Need("A0203", blame.subject, blame.needs, blame.got, blame.span)

        def refuse(witness: Witness | None) -> Diagnostic:
            named = [entry for entry in (*blame.known, *matching.known) if entry.value == factor]
            plural = next((entry.name for entry in named if entry.name.endswith("s")), "")
            text = (
                f"{left} does not split into {factor} {plural}" if plural else f"{left} is not a multiple of {factor}"
            )
            return _refuse(matching, "A0203", text).diagnostic

        session.require(fact, need, refuse)
        left = exact(left, factor)
    known = left.constant
    if known is None or known < 1:
        need = Need("A0206", blame.subject, blame.needs, blame.got, blame.span)
        text = f"{blame.subject} needs {format_expr(expr)} here, and {left} is below 1"
        session.require(at_least(left, Size.of(1)), need, lambda _: _refuse(matching, "A0206", text).diagnostic)
    return left


def _compare(matching: _Matching, expr: s.Expr, wanted: Size, size: Size) -> None:
    blame = matching.blame
    need = Need("A0202", blame.subject, f"{format_expr(expr)} == {size}", blame.got, blame.span)

    def refuse(witness: Witness | None) -> Diagnostic:
        name = format_expr(expr)
        shown = f"{name} = {wanted}" if name != str(wanted) else name
        return _refuse(
            matching, "A0202", f"{blame.subject} needs {shown}; this axis is {size}{_for(witness)}"
        ).diagnostic

    matching.session.require(equal(wanted, size), need, refuse, equation=True)
