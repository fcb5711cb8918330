"""Records -> groups: each field decided by itself, each network refined at an input of its own."""

from collections.abc import Mapping

from archc.build import closed_input, example_input
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import NOWHERE, Span
from archc.rules.arguments import bind
from archc.rules.choices import ranged
from archc.rules.infer import signature
from archc.rules.operands import short
from archc.rules.records import is_record, require_listed
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.rules.weights import shares
from archc.spaces.frames import through
from archc.spaces.groups import NO_USES, PLAIN, Asked, Draft, Frame, Group, Key, Partial, combined, joined
from archc.spaces.refiner import Refiner
from archc.spaces.statics import Budget
from archc.tensor import Type, Variable
from archc.values import ARCHITECTURES, Applied, Closure, Decided, Env, Fields, Layer, Value

DATA = "data"
"""The type of a record, or of a field, that has no network in it."""

ASKED = ("A0702", "A0703", "A0704")
"""What is wrong with `at` whatever is decided."""


def record(refiner: Refiner, value: Closure | Fields, into: int, budget: Budget) -> Frame:
    """Every way to decide all fields."""
    draft = Draft()
    parts: list[Partial] = [((), (), ())]
    names: tuple[str, ...]
    if isinstance(value, Fields):
        names = tuple(name for name, _ in value.items)
        asked = [_value(refiner, entry, refiner.inputs.field(into, name, names), budget) for name, entry in value.items]
    else:
        assert isinstance(value.expr, s.Record)
        names = tuple(entry.name for entry in value.expr.bindings)
        asked = [
            _field(refiner, entry.value, value.env, refiner.inputs.field(into, entry.name, names), budget)
            for entry in value.expr.bindings
        ]
    for each in asked:
        group = yield from each
        draft.refuse(group.failure)
        draft.lost += group.lost
        parts = combined(parts, group)
    types = refiner.keys.types
    for kinds, demands, states in parts:
        shown = [f"{name}: {types[kind]}" for name, kind in zip(names, kinds, strict=True) if str(types[kind]) != DATA]
        out = refiner.keys.type(Variable(f"{{ {', '.join(shown)} }}" if shown else DATA))
        draft.add((out, demands), (PLAIN, states, 0, NO_USES))
    return draft


def _field(refiner: Refiner, expr: s.Expr, env: Env, into: int, budget: Budget) -> Asked:
    """Return the group of an expression that stands in a record."""
    left = refiner.left(budget, refiner.reach(expr, env))
    key = ("field", id(expr), refiner.keys.env(expr, env), into, left)
    known = refiner.done.get(key)
    return known if known is not None else (yield key, _decided(refiner, expr, env, into, budget))


def _decided(refiner: Refiner, expr: s.Expr, env: Env, into: int, budget: Budget) -> Frame:
    if isinstance(expr, s.Record):
        return (yield from record(refiner, Closure(expr, env, expr.span), into, budget))
    draft = Draft()
    key = ("entry", id(expr), refiner.keys.env(expr, env))
    for taken, value in refiner.walked(key, lambda session: entry_of(session, expr, env), draft):
        group = yield from _value(refiner, value, into, budget)
        refiner.settle(draft, taken, group)
    return draft


def entry_of(session: Session, expr: s.Expr, env: Env) -> Value:
    """Return a field: a number of a range is drawn, and a choice between architectures or records is left for later."""
    value = evaluate(session, expr, env)
    require_listed(value, expr.span)
    return ranged(session, value, expr.span)


def _value(refiner: Refiner, value: Value, into: int, budget: Budget) -> Asked:
    if isinstance(value, Closure) and isinstance(value.expr, s.Choice):
        key: Key = ("one of", *refiner.key(refiner.plan(value), into, budget))
        known = refiner.done.get(key)
        return known if known is not None else (yield key, arms(refiner, value.expr, value.env, into, budget))
    if is_record(refiner.program.scopes, value):
        return (yield from through(refiner, refiner.plan(value), into, budget))
    if isinstance(value, ARCHITECTURES):
        key = ("network", *refiner.key(refiner.plan(value), into, budget))
        known = refiner.done.get(key)
        return known if known is not None else (yield key, _network(refiner, value, into, budget))
    draft = Draft()
    draft.add((refiner.keys.type(Variable(DATA)), ()), (PLAIN, (), 0, NO_USES))
    return refiner.store.close(draft)


def arms(refiner: Refiner, expr: s.Choice, env: Env, into: int, budget: Budget) -> Frame:
    """One of several records, networks or values."""
    draft = Draft()
    each = shares(refiner.session(refiner.root), expr, env, evaluate)
    texts = tuple(" ".join(arm.value.span.text.split()) for arm in expr.arms)
    site = refiner.sites.number(lambda: texts, each, expr.span)
    for number, arm in enumerate(expr.arms):
        if each[number]:
            label = refiner.store.label(((site, number),))
            group = yield from _field(refiner, arm.value, env, into, budget)
            for out, state in group.outs.items():
                draft.add(out, (label, (state,), 0, NO_USES))
            draft.lost += refiner.store.shares[label] * group.lost
            draft.refuse(group.failure)
    return draft


# ---------------------------------------------------------------- networks
def _network(refiner: Refiner, value: Value, into: int, budget: Budget) -> Frame:
    """A network at the input that it declares, or that `at` gives it."""
    match value:
        case Applied() if signature(value.definition.declaration) is not None:
            return (yield from _applied(refiner, value, into, budget))
        case Decided() | Layer():
            return (yield from _named(refiner, value, into, budget))
        case _:
            session = refiner.session(value.definition if isinstance(value, Applied) else refiner.root)
            try:
                kind = closed_input(session, None, {}, refiner.inputs.known[into])
            except Refusal as refusal:
                raise _asked(refusal, getattr(value, "span", NOWHERE), None, {}) from None
            group = yield from through(refiner, refiner.plan(value), _marked(refiner, kind, into), budget)
            return _typed(refiner, group, kind)


def _applied(refiner: Refiner, applied: Applied, into: int, budget: Budget) -> Frame:
    definition = applied.definition
    draft = Draft()

    def bound(session: Session) -> dict[str, Value]:
        env = Env(definition.module, {})
        return bind(session, definition.declaration, applied.arguments, applied.span, env, evaluate)

    for taken, names in refiner.walked(("bind", refiner.keys.value(applied)), bound, draft):
        try:
            session = refiner.session(definition)
            kind = closed_input(session, signature(definition.declaration), names, refiner.inputs.known[into])
        except Refusal as refusal:
            if refusal.diagnostic.code in ASKED:
                raise _asked(refusal, applied.span, definition.declaration.type, names) from None
            draft.refuse((0, refusal.diagnostic))
            continue
        given = tuple((name, value, applied.span) for name, value in names.items())
        plan = refiner.plan(Applied(definition, given, applied.span))
        group = yield from through(refiner, plan, _marked(refiner, kind, into), budget)
        refiner.settle(draft, taken, _typed(refiner, group, kind))
    return draft


def _asked(refusal: Refusal, span: Span, kind: s.TypeExpr | None, names: Mapping[str, Value]) -> Refusal:
    """Return what to say of a network whose input is not known, at its place in the record."""
    if refusal.diagnostic.code != "A0702":
        return refusal
    text = f"the input of `{short(span)}` is not known here"
    shape = example_input(kind, names)
    hint = f"give it for all networks, --at '{shape}', or by field in Python, at={{'net': '{shape}'}}"
    return Refusal(Diagnostic("A0702", text, span, hint=hint))


def _marked(refiner: Refiner, kind: Type, into: int) -> int:
    return refiner.marks.number(refiner.keys.type(kind), refiner.inputs.marks(into))


def _typed(refiner: Refiner, group: Group, kind: Type) -> Group:
    """Return a group of networks by their types from input to output."""
    types = refiner.keys.types
    outs = {
        (refiner.keys.type(Variable(f"{kind} -> {types[out]}")), demands): state
        for (out, demands), state in group.outs.items()
    }
    return Group(group.number, outs, group.lost, group.failure)


def _named(refiner: Refiner, value: Decided | Layer, into: int, budget: Budget) -> Frame:
    """A network that a name decides, which other fields may repeat."""
    architecture, token = refiner.named_architecture(value)
    group = yield from _value(refiner, architecture, into, budget)
    draft = Draft(lost=group.lost)
    draft.refuse(group.failure)
    for (kind, demands), state in group.outs.items():
        wanted = joined(demands, ((token, group.number, state, 1, 1),))
        if wanted is not None:
            draft.add((kind, wanted), (PLAIN, (), 0, NO_USES))
    return draft
