"""Architectures as arguments: typed against the arrow that their parameter declares."""

from collections.abc import Callable
from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_type
from archc.grammar.source import Span
from archc.names.mentions import names_of
from archc.rules.emission import trace
from archc.rules.instantiate import instantiate
from archc.rules.match import match
from archc.rules.qualify import MISSING, granted, promised, require_implied, retyped
from archc.rules.session import Blame, Refusal, Session, variables
from archc.sizes.size import Size
from archc.tensor import Run, Tensor, Type, Variable
from archc.values import (
    ARCHITECTURES,
    Definition,
    Env,
    Flow,
    Formula,
    Given,
    Shape,
    Value,
    flow,
    show,
)  # fmt: skip

Apply = Callable[..., Flow]


def probe(
    session: Session, definition: Definition, names: dict[str, Value], blame: Blame, into: Flow, apply: Apply
) -> dict[str, Value]:
    """Type every architecture given as an argument; a size that only its result names is bound by that."""
    for parameter in definition.declaration.parameters or ():
        given = names.get(parameter.name)
        if not isinstance(parameter.type, s.TypeArrow) or given is None:
            continue
        emitter, session.emitter = session.emitter, None
        debts = len(session.obligations)
        fresh: set[str] = set()
        env = _universals(session, parameter.type.source, Env(definition.module, names), fresh)
        inner = Blame(show(given)[:40], format_type(parameter.type), None, blame.span, blame.known)
        source = instantiate(session, parameter.type.source, env, inner)
        entered = Flow(into.type, into.parts, None, into.origins) if source == into.type else flow(source, blame.span)
        entered = retyped(entered, granted(session, entered.type))
        try:
            result = apply(session, given, entered, blame.span)
        except Refusal as refusal:
            raise Refusal(_asked(refusal.diagnostic, parameter, definition.name, general=bool(fresh))) from None
        found = _matched(session, parameter, definition.name, given, source, result, env)
        names = {**names, **{name: value for name, value in found.items() if name not in env.names}}
        session.obligations[debts:] = [
            debt for debt in session.obligations[debts:] if not _mentions(debt.formula, fresh)
        ]
        session.emitter = emitter
    return names


def _asked(found: Diagnostic, parameter: s.Parameter, owner: str, *, general: bool) -> Diagnostic:
    """Return what is wrong inside an argument; one that has to work for all inputs says who asks for that."""
    if not general or parameter.type is None:
        return found
    note = Note(
        f"{parameter.name}: {format_type(parameter.type)}", f"asked for by {owner}: it must take any,", parameter.span
    )
    return replace(found, notes=(*found.notes, note), hint="" if found.code == "A0208" else found.hint)


def _matched(
    session: Session, parameter: s.Parameter, owner: str, given: Value, source: Type, result: Flow, env: Env
) -> dict[str, Value]:
    """Compare what an argument gives with what its parameter declares; return the names that this binds."""
    assert isinstance(parameter.type, s.TypeArrow)
    place = given.span if isinstance(given, ARCHITECTURES) else parameter.span
    declared = format_type(parameter.type)
    try:
        blame = Blame(f"`{parameter.name}` of {owner}", declared, None, place)
        return match(session, parameter.type.target, result, env, blame)[0]
    except Refusal as refusal:
        inner = refusal.diagnostic
        if inner.code == MISSING:
            text = f"`{parameter.name}` of {owner} is {declared}; this one gives {result.type}"
            raise Refusal(replace(inner, message=text, label="")) from None
        when = "".join(inner.message.partition(", for example")[1:])
        text = f"`{parameter.name}` of {owner} is {declared}; this one goes from {source} to {result.type}{when}"
        hint = _kept(source, result.type, place) if parameter.type.source == parameter.type.target else ""
        raise Refusal(Diagnostic("A0305", text, place, notes=inner.notes, hint=hint)) from None


def _kept(source: Type, result: Type, place: Span) -> str:
    """Return how an architecture comes to give the type that it takes."""
    if not isinstance(source, Tensor) or not isinstance(result, Tensor) or len(source.dims) != len(result.dims):
        return ""
    differing = [at for at, (one, other) in enumerate(zip(source.dims, result.dims, strict=True)) if one != other]
    windowed = any(op in place.text for op in ("conv(", "pool(", "depthwise(")) and "pad" not in place.text
    if windowed and 0 not in differing and len(source.dims) > 1:
        return "pad = k // 2, for an odd k and a stride of 1, which keeps the size of an image"
    if differing == [0] and len(source.dims) == 3:
        return f"conv({source.dims[0]}, 1) at its end"
    return f"linear({source.dims[-1]}) at its end" if differing == [len(source.dims) - 1] else ""


def _mentions(formula: Formula, names: set[str]) -> bool:
    """Return whether `formula` speaks of one of `names`, or of the rank or the elements of such a run."""
    return any(any(name in entry for name in names) for entry in variables(formula))


def _universals(session: Session, kind: s.TypeExpr, env: Env, fresh: set[str]) -> Env:
    """Bind the names of an arrow parameter's input that the block does not know: it must work for all of them."""
    for name, sort in names_of(kind).items():
        if name in env.names or session.scopes.find(env.module, name) is not None:
            continue
        unique = session.new_name(name)
        fresh.add(unique)
        if sort == "size":
            session.context = session.context.invent(unique)
            env = env.bind(**{name: Size.var(unique)})
        else:
            env = env.bind(**{name: Variable(unique) if sort == "type" else Shape((Run(unique, Size.var(unique)),))})
    return env


def apply_given(session: Session, given: Given, into: Flow, span: Span) -> Flow:
    """Apply an arrow parameter of the block being checked, of which only the type is known."""
    blame = Blame(f"`{given.name}`", format_type(given.type.source), into.type, span)
    try:
        names, _ = match(session, given.type.source, into, given.env, blame)
    except Refusal as refusal:
        found = refusal.diagnostic
        hint = f"name the axes of `{given.name}` otherwise, as in [..t] -> [..t], to let it take any input"
        raise Refusal(found if found.code != "A0207" else replace(found, hint=hint)) from None
    require_implied(session, given.type, into.type, blame)
    result = instantiate(session, given.type.target, Env(given.env.module, names), blame)
    made = promised(session, flow(result, span), into, span, f"declare `{given.name}` with a type that gives what is")
    return Flow(made.type, made.parts, None, trace(into, result, span)) if isinstance(result, Tensor) else made
