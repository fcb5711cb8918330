"""Architectures as arguments: typed against the arrow that their parameter declares."""

from collections.abc import Callable

from archc.emission import trace
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_type
from archc.grammar.source import Span
from archc.instantiate import instantiate
from archc.match import match
from archc.mentions import names_of
from archc.session import Blame, Refusal, Session, variables
from archc.sizes import Size
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
    session: Session, definition: Definition, names: dict[str, Value], blame: Blame, apply: Apply
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
        result = apply(session, given, flow(source, blame.span), blame.span)
        found = _matched(session, parameter, definition.name, given, source, result, env)
        names = {**names, **{name: value for name, value in found.items() if name not in env.names}}
        session.obligations[debts:] = [
            debt for debt in session.obligations[debts:] if not _mentions(debt.formula, fresh)
        ]
        session.emitter = emitter
    return names


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
        when = "".join(inner.message.partition(", for example")[1:])
        text = f"`{parameter.name}` of {owner} is {declared}; this one goes from {source} to {result.type}{when}"
        raise Refusal(Diagnostic("A0305", text, place, notes=inner.notes)) from None


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
            session.context = session.context.declare(unique)
            env = env.bind(**{name: Size.var(unique)})
        else:
            env = env.bind(**{name: Variable(unique) if sort == "type" else Shape((Run(unique, Size.var(unique)),))})
    return env


def apply_given(session: Session, given: Given, into: Flow, span: Span) -> Flow:
    """Apply an arrow parameter of the block being checked, of which only the type is known."""
    blame = Blame(f"`{given.name}`", format_type(given.type.source), into.type, span)
    names, _ = match(session, given.type.source, into, given.env, blame)
    result = instantiate(session, given.type.target, Env(given.env.module, names), blame)
    made = flow(result, span)
    return Flow(made.type, made.parts, None, trace(into, result, span)) if isinstance(result, Tensor) else made
