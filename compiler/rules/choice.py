"""`a | b` between architectures: in a space the types that any arm can give."""

from collections.abc import Callable
from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Span
from archc.rules.choices import pick
from archc.rules.operands import short
from archc.rules.qualify import retyped, united
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.size import Size
from archc.tensor import Dim, Product, Run, Tensor, Type
from archc.values import UNKNOWN, Env, Flow, Value, flow

Apply = Callable[[Session, Value, Flow, Span], Flow]


def choose(session: Session, expr: s.Choice, env: Env, into: Flow, apply: Apply) -> Flow:
    """Return what the arms of a choice have in common; arms that fit no type are kept in mind.

    Raises Refusal outside a space, and where no arm fits: then with the arm that got furthest.
    """
    if session.chooser is not None:
        arm = pick(session, session.chooser, expr, env, evaluate)
        return apply(session, evaluate(session, arm.value, env), into, arm.value.span)
    results: list[Flow] = []
    refused: list[tuple[int, s.Arm, Diagnostic]] = []
    for arm in expr.arms:
        before, debts = session.stages, len(session.obligations)
        try:
            results.append(apply(session, evaluate(session, arm.value, env), into, arm.value.span))
            session.alive.add(arm.span)
        except Refusal as refusal:
            del session.obligations[debts:]
            refused.append((session.stages - before, arm, refusal.diagnostic))
            if not session.inside:
                session.dead.setdefault(arm.span, refusal.diagnostic)
        session.stages = before
    if not results:
        raise Refusal(_furthest(expr, refused))
    if not session.flexible:
        raise Refusal(_several(expr, results, [entry[2] for entry in refused]))
    if all(result.type == results[0].type for result in results):
        return retyped(results[0], united(results[0].type, [result.type for result in results]))
    joined = results[0].type
    for result in results[1:]:
        joined = join(session, joined, result.type)
    return flow(joined, expr.span)


def _furthest(expr: s.Choice, refused: list[tuple[int, s.Arm, Diagnostic]]) -> Diagnostic:
    _, arm, best = max(refused, key=lambda entry: entry[0])
    note = Note(short(arm.span), f"came furthest of {len(expr.arms)} arms, none of which fits,", arm.span)
    return Diagnostic(best.code, best.message, best.span, best.label, (*best.notes, note), best.hint)


def _several(expr: s.Choice, results: list[Flow], refused: list[Diagnostic]) -> Diagnostic:
    if refused:
        return refused[0]
    types = list(dict.fromkeys(str(result.type) for result in results))
    hint = "declare it with `space`, or keep one arm"
    if len(types) > 1:
        text = f"a block or model has one output type; this gives {' or '.join(types[:3])}"
        return Diagnostic("A0303", text, expr.span, hint=hint)
    text = f"a block or model is one architecture; this is a choice of {len(expr.arms)}"
    return Diagnostic("A0302", text, expr.span, hint=hint)


def join(session: Session, one: Type, other: Type) -> Type:
    """Return a type that both are instances of; sizes that differ become any size."""
    if one == other:
        return united(one, [other])
    if isinstance(one, Product) and isinstance(other, Product) and len(one.items) == len(other.items):
        return Product(tuple(join(session, a, b) for a, b in zip(one.items, other.items, strict=True)))
    if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one.kind != other.kind:
        return UNKNOWN
    name = session.new_name("s") if len(one.dims) != len(other.dims) else ""
    dims: tuple[Dim, ...] = (Run(name, Size.var(name)),)
    if not name:
        dims = tuple(_dim(session, a, b) for a, b in zip(one.dims, other.dims, strict=True))
    return united(replace(one, dims=dims), [other])


def _dim(session: Session, one: Dim, other: Dim) -> Dim:
    if one == other:
        return one
    name = session.new_name("n")
    if isinstance(one, Run) or isinstance(other, Run):
        return Run(name, Size.var(name))
    session.context = session.context.invent(name)
    return Size.var(name)
