"""A declared type -> the type it is under known sizes."""

from collections.abc import Sequence

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_type
from archc.grammar.limits import exceeded
from archc.names.mentions import names_of
from archc.rules.session import Blame, Exhausted, Refusal, Session
from archc.rules.static import evaluate
from archc.shapes import Undetermined
from archc.sizes.prove import at_least
from archc.sizes.size import Size
from archc.tensor import Dim, Power, Product, Run, Tensor, Type, Variable, tagged_with, untagged
from archc.values import UNKNOWN, Env, Items, Need, Shape, show


def instantiate(session: Session, kind: s.TypeExpr, env: Env, blame: Blame) -> Type:
    """Return `kind` with the names of `env` put in; every axis must be at least 1.

    In a space, names that are nowhere bound stand for anything. Raises Refusal where an axis is no positive size.
    """
    if session.flexible:
        env = _open(session, kind, env)
    return _type(session, kind, env, blame)


def _open(session: Session, kind: s.TypeExpr, env: Env) -> Env:
    """Bind the names that only the output has: some size, found when the space is refined."""
    free = {name: sort for name, sort in names_of(kind).items() if name not in env.names}
    free = {name: sort for name, sort in free.items() if session.scopes.find(env.module, name) is None}
    for name, sort in free.items():
        fresh = session.new_name(name)
        if sort == "size":
            session.context = session.context.invent(fresh)
            env = env.bind(**{name: Size.var(fresh)})
        else:
            env = env.bind(**{name: UNKNOWN if sort == "type" else Shape((Run(fresh, Size.var(fresh)),))})
    return env


def _type(session: Session, kind: s.TypeExpr, env: Env, blame: Blame) -> Type:
    session.count_step(kind.span, 10)
    match kind:
        case s.TypeVariable(name, span):
            found = env.names.get(name)
            if isinstance(found, (Tensor, Product, Power, Variable)):
                return untagged(found)
            raise Refusal(Diagnostic("A0107", f"`{name}` is no type here", span))
        case s.TypeTuple(items):
            types = tuple(_type(session, item.type, env, blame) for item in items)
            return types[0] if len(types) == 1 else Product(types, tuple(item.label for item in items))
        case s.TypeQualified(qualifier, inner):
            return tagged_with(_type(session, inner, env, blame), qualifier)
        case s.TypePower(base, exponent):
            item = _type(session, base, env, blame)
            count = evaluate(session, exponent, env)
            if not isinstance(count, Size):
                raise Refusal(Diagnostic("A0104", f"{format_type(kind)}: the exponent is a whole number", kind.span))
            known = count.constant
            if known is None:
                return Power(item, count)
            copies = max(known, 0) * parts(item)
            if copies > session.limits.repeats:
                text = f"{format_type(kind)} has too many parts"
                raise Exhausted(exceeded(session.limits, "repeats", message=text, span=kind.span))
            session.count_step(kind.span, copies)
            return Product((item,) * known)
        case s.TypeList(element, dims):
            return _tensor(session, element, dims, env, blame)
        case s.TypeName(module, name, arguments, _, span):
            if name in ("Float", "Int", "Bool", "Id"):
                return _tensor(session, kind, (), env, blame)
            found_type = (
                session.scopes.member(env.module, module, name) if module else session.scopes.find(env.module, name)
            )
            if found_type is not None and found_type.declaration.type is not None and not arguments:
                return _type(session, found_type.declaration.type, Env(found_type.module, {}), blame)
            raise Refusal(Diagnostic("A0501", f"`{name}` is data, and networks take tensors", span))
        case _:
            raise Refusal(Diagnostic("A0501", f"{format_type(kind)} is data, and networks take tensors", kind.span))


def parts(kind: Type) -> int:
    """Return how many types `kind` is made of."""
    return 1 + sum(map(parts, kind.items)) if isinstance(kind, Product) else 1


def _tensor(
    session: Session,
    element: s.TypeExpr | None,
    dims: Sequence["s.Expr | s.DimRange | s.DimRest"],
    env: Env,
    blame: Blame,
) -> Tensor:
    name = element.name if isinstance(element, s.TypeName) else "Float"
    if isinstance(element, s.TypeName) and name not in ("Float", "Int", "Bool", "Id"):
        raise Refusal(Diagnostic("A0501", f"`{name}` is data, and networks take Float, Int, Bool and Id", element.span))
    bound: Size | None = None
    if name == "Id":
        assert isinstance(element, s.TypeName)
        bound = _vocabulary(session, element, env)
    axes: list[Dim] = []
    for dim in dims:
        axes.extend(_dims(session, dim, env, blame))
    return Tensor(tuple(axes), name, bound)


def _vocabulary(session: Session, element: s.TypeName, env: Env) -> Size:
    argument = element.arguments[0].value if element.arguments else None
    match argument:
        case s.TypeVariable(name, span):
            value = evaluate(session, s.Ref(name, span), env)
        case s.TypeLiteral(s.Number() as literal):
            value = evaluate(session, literal, env)
        case _:
            raise Refusal(Diagnostic("A0103", "`Id` needs the number of ids", element.span, hint="Id(50257)"))
    if not isinstance(value, Size):
        raise Refusal(Diagnostic("A0104", f"the number of ids is a whole number; this is {show(value)}", element.span))
    return value


def _dims(session: Session, dim: "s.Expr | s.DimRange | s.DimRest", env: Env, blame: Blame) -> tuple[Dim, ...]:
    if isinstance(dim, s.DimRange) or (isinstance(dim, s.DimRest) and dim.value is None):
        raise Refusal(Diagnostic("A0501", "a range of lengths belongs to data; a tensor's axis is one size", dim.span))
    value = _value(session, dim.value if isinstance(dim, s.DimRest) and dim.value is not None else dim, env, blame)
    if isinstance(dim, s.DimRest):
        shape = _as_shape(value)
        if shape is None:
            text = f"`..` needs a run of axes; this is {show(value)}"
            raise Refusal(blame.diagnostic("A0104", text) if blame.needs else Diagnostic("A0104", text, dim.span))
        for axis in shape.dims:
            _positive(session, axis.each if isinstance(axis, Run) else axis, env, blame)
        return shape.dims
    if not isinstance(value, Size):
        raise Refusal(Diagnostic("A0104", f"an axis is a whole number; this is {show(value)}", dim.span))
    _positive(session, value, env, blame)
    return (value,)


def _value(session: Session, dim: "s.Expr | s.DimRange | s.DimRest", env: Env, blame: Blame) -> object:
    assert not isinstance(dim, (s.DimRange, s.DimRest))
    before, focus = session.blame, session.focus
    session.blame, session.focus = blame, dim
    try:
        return evaluate(session, dim, env)
    except Undetermined as error:
        raise Refusal(blame.diagnostic("A0208", f"{error} is hidden in a run of axes here")) from None
    finally:
        session.blame, session.focus = before, focus


def _as_shape(value: object) -> Shape | None:
    if isinstance(value, Shape):
        return value
    if isinstance(value, Items):
        sizes = tuple(entry for entry in value.values if isinstance(entry, Size))
        return Shape(sizes) if len(sizes) == len(value.values) else None
    return None


def _positive(session: Session, size: Size, env: Env, blame: Blame) -> None:
    known = size.constant
    if known is not None and 1 <= known <= session.limits.size:
        return
    if known is not None and known > session.limits.size:
        text = f"an axis of {known} is too large"
        raise Exhausted(exceeded(session.limits, "size", message=text, span=blame.span))
    if size.is_variable:
        return
    fact = at_least(size, Size.of(1))
    if session.settle(fact) is True:
        return
    need = Need("A0206", blame.subject, f"{size} >= 1", blame.got, blame.span)
    text = f"an axis of {blame.subject} comes out as {size}, and sizes are at least 1"
    session.require(fact, need, lambda _: blame.diagnostic("A0206", text))
