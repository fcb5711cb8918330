"""Expressions at an input type -> groups: pipelines, tuples, choices, bodies and loops of a space.

Each function is a coroutine: it yields the key and the coroutine of a group that it needs and is sent that group, so
that a space as deep as it likes takes no room on the stack.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from archc.grammar import syntax as s
from archc.rules.choices import decide, settle, shares
from archc.rules.infer import is_point
from archc.rules.repeat import turns_of
from archc.rules.session import Session
from archc.rules.static import evaluate
from archc.spaces.groups import NO_USES, PLAIN, Draft, Group, Partial, combined, joined
from archc.tensor import Product
from archc.values import Applied, Closure, Decided, Env, Flow, Layer, Value

if TYPE_CHECKING:
    from archc.spaces.refiner import Budget, Refiner

Key = tuple[object, ...]
Frame = Generator[tuple[Key, "Frame"], Group, Draft | Group]


def through(
    refiner: "Refiner", value: Value, into: int, budget: "Budget"
) -> Generator[tuple[Key, Frame], Group, Group]:
    """Return the group of an architecture at an input type."""
    plan = refiner.plan(value)
    key = ("value", plan.number, into, refiner.left(budget, plan.reach))
    known = refiner.done.get(key)
    if known is not None:
        return known
    return (yield key, _value(refiner, value, into, budget))


def _value(refiner: "Refiner", value: Value, into: int, budget: "Budget") -> Frame:
    from archc.spaces.mentions import mention, shared

    if isinstance(value, Flow):
        draft = Draft()
        draft.add((refiner.keys.type(value.type), ()), (PLAIN, (), 0, NO_USES))
        return draft
    if refiner.plan(value).steady:
        return refiner.piece(value, into)
    match value:
        case Closure(expr, env):
            return (yield from _expression(refiner, expr, env, into, budget))
        case Applied():
            return (yield from mention(refiner, value, into, budget))
        case Decided() | Layer():
            return (yield from shared(refiner, value, into, budget))
        case _:
            return refiner.piece(value, into)


def _expression(refiner: "Refiner", expr: s.Expr, env: Env, into: int, budget: "Budget") -> Frame:
    match expr:
        case s.Pipe():
            return (yield from _pipe(refiner, expr, 0, env, into, budget))
        case s.Tuple(items):
            return (yield from _tuple(refiner, items, env, into, budget))
        case s.Choice():
            return (yield from _choice(refiner, expr, env, into, budget))
        case s.Body():
            return (yield from _body(refiner, expr, 0, env, into, budget))
        case s.Fold():
            return (yield from _fold(refiner, expr, env, into, budget))
        case s.Binary():
            return (yield from _repeat(refiner, expr, env, into, budget))
        case _:
            return (yield from _single(refiner, expr, env, into, budget))


def _single(refiner: "Refiner", expr: s.Expr, env: Env, into: int, budget: "Budget") -> Frame:
    """An expression that is a mention, once its arguments are evaluated."""
    draft = Draft()
    for label, value in refiner.values(expr, env, draft):
        group = yield from through(refiner, value, into, budget)
        if label == PLAIN and len(refiner.values(expr, env, draft)) == 1:
            return group
        _pass(draft, label, group, refiner)
    return draft


def _pass(draft: Draft, label: int, group: Group, refiner: "Refiner") -> None:
    """Add what a group gives behind the decisions of `label`."""
    for out, state in group.outs.items():
        draft.add(out, (label, (state,), 0, NO_USES))
    draft.lost += refiner.store.shares[label] * group.lost
    draft.refuse(group.failure)


# ---------------------------------------------------------------- pipelines
Rest = Callable[[int], Generator[tuple[Key, Frame], Group, Group]]


def _then(
    refiner: "Refiner", draft: Draft, label: int, first: Group, rest: Rest
) -> Generator[tuple[Key, Frame], Group, None]:
    """Add `first` and, from each type that comes out of it, what `rest` gives."""
    store = refiner.store
    share = store.shares[label]
    draft.lost += share * first.lost
    draft.refuse(first.failure)
    for (kind, demands), state in first.outs.items():
        group = yield from rest(kind)
        draft.lost += share * store.mass[state] * group.lost
        draft.refuse(group.failure, 1)
        for (last, more), below in group.outs.items():
            both = joined(demands, more)
            if both is not None:
                draft.add((last, both), (label, (state, below), 0, NO_USES))


def _pipe(refiner: "Refiner", expr: s.Pipe, at: int, env: Env, into: int, budget: "Budget") -> Frame:
    stage = expr.stages[at]
    if at == len(expr.stages) - 1:
        return (yield from _single(refiner, stage, env, into, budget))
    draft = Draft()
    left = refiner.left(budget, refiner.reach(expr, env))
    seen = refiner.keys.env(expr, env)

    def rest(kind: int) -> Generator[tuple[Key, Frame], Group, Group]:
        key = ("pipe", id(expr), at + 1, seen, kind, left)
        known = refiner.done.get(key)
        return known if known is not None else (yield key, _pipe(refiner, expr, at + 1, env, kind, budget))

    for label, value in refiner.values(stage, env, draft):
        first = yield from through(refiner, value, into, budget)
        yield from _then(refiner, draft, label, first, rest)
    return draft


def _tuple(refiner: "Refiner", items: tuple[s.Expr, ...], env: Env, into: int, budget: "Budget") -> Frame:
    draft = Draft()
    parts: list[Partial] = [((), (), ())]
    for item in items:
        one = Draft()
        for label, value in refiner.values(item, env, draft):
            group = yield from through(refiner, value, into, budget)
            _pass(one, label, group, refiner)
        draft.refuse(one.failure)
        draft.lost += one.lost
        is_plain = len(refiner.values(item, env, draft)) == 1 and label == PLAIN
        parts = combined(parts, group if is_plain else refiner.store.close(one))
        refiner.count(len(parts))
    types = refiner.keys.types
    for kinds, demands, states in parts:
        out = refiner.keys.type(Product(tuple(types[kind] for kind in kinds)))
        draft.add((out, demands), (PLAIN, states, 0, NO_USES))
    return draft


def _choice(refiner: "Refiner", expr: s.Choice, env: Env, into: int, budget: "Budget") -> Frame:
    draft = Draft()
    each = shares(expr.arms)
    site = refiner.arms(expr, each)
    for number, arm in enumerate(expr.arms):
        if not each[number]:
            continue
        for decisions, value in refiner.outcomes(arm.value, env, draft):
            group = yield from through(refiner, value, into, budget)
            _pass(draft, refiner.store.label(((site, number), *decisions)), group, refiner)
    return draft


# ---------------------------------------------------------------- bodies
def _body(refiner: "Refiner", expr: s.Body, at: int, env: Env, into: int, budget: "Budget") -> Frame:
    if at == len(expr.statements):
        return (yield from _single(refiner, expr.value, env, into, budget))
    statement = expr.statements[at]
    left = refiner.left(budget, refiner.reach(expr, env))

    def rest(inner: Env) -> Generator[tuple[Key, Frame], Group, Group]:
        key = ("body", id(expr), at + 1, refiner.keys.env(expr, inner), into, left)
        known = refiner.done.get(key)
        return known if known is not None else (yield key, _body(refiner, expr, at + 1, inner, into, budget))

    draft = Draft()
    if is_point(statement.value, env):
        for label, value in refiner.values(statement.value, env, draft):
            first = yield from through(refiner, value, into, budget)
            yield from _then(
                refiner, draft, label, first, lambda kind: rest(refiner.named(env, statement, refiner.flow(kind)))
            )
        return draft
    key = ("let", id(statement), refiner.keys.env(statement.value, env))
    for taken, value in refiner.walked(key, _named(statement, env), draft):
        if statement.kind == "let" and isinstance(value, (Applied, Closure, Decided)):
            value = refiner.layer(value, statement)
        group = yield from rest(refiner.named(env, statement, value))
        refiner.settle(draft, taken, group, value)
    return draft


def _named(statement: s.Statement, env: Env) -> Callable[[Session], Value]:
    def walk(session: Session) -> Value:
        span = statement.value.span
        return decide(session, settle(session, evaluate(session, statement.value, env), span, evaluate), span)

    return walk


# ---------------------------------------------------------------- loops
def _repeat(refiner: "Refiner", expr: s.Binary, env: Env, into: int, budget: "Budget") -> Frame:
    draft = Draft()

    def count(session: Session) -> Value:
        return settle(session, evaluate(session, expr.right, env), expr.right.span, evaluate)

    key = ("count", id(expr), refiner.keys.env(expr.right, env))
    for taken, copies in refiner.walked(key, count, draft):
        turns = (env,) * refiner.copies(copies, expr)
        group = yield from _turns(refiner, expr.left, turns, 0, into, budget)
        _pass(draft, refiner.store.label(taken.decisions), group, refiner)
    return draft


def _fold(refiner: "Refiner", expr: s.Fold, env: Env, into: int, budget: "Budget") -> Frame:
    draft = Draft()
    key = ("for", id(expr), refiner.keys.env(expr.values, env))
    for taken, bound in refiner.walked(key, lambda session: turns_of(session, expr, env), draft):
        turns = tuple(env.bind(**turn) for turn in bound)
        group = yield from _turns(refiner, expr.body, turns, 0, into, budget)
        _pass(draft, refiner.store.label(taken.decisions), group, refiner)
    return draft


def _turns(
    refiner: "Refiner", body: s.Expr, turns: tuple[Env, ...], at: int, into: int, budget: "Budget"
) -> Generator[tuple[Key, Frame], Group, Group]:
    """Return the group of the turns from `at` on; equal rests of equal loops are one."""
    keys = refiner.keys
    if turns and all(turn is turns[0] for turn in turns):
        seen: tuple[object, ...] = (keys.env(body, turns[0]), len(turns) - at)
    else:
        seen = tuple(keys.env(body, turn) for turn in turns[at:])
    reach = refiner.reach(body, turns[0]) if turns else frozenset()
    key = ("turns", id(body), seen, into, refiner.left(budget, reach))
    known = refiner.done.get(key)
    return known if known is not None else (yield key, _turn(refiner, body, turns, at, into, budget))


def _turn(refiner: "Refiner", body: s.Expr, turns: tuple[Env, ...], at: int, into: int, budget: "Budget") -> Frame:
    draft = Draft()
    if at == len(turns):
        draft.add((into, ()), (PLAIN, (), 0, NO_USES))
        return draft
    for label, value in refiner.values(body, turns[at], draft):
        first = yield from through(refiner, value, into, budget)
        yield from _then(refiner, draft, label, first, lambda kind: _turns(refiner, body, turns, at + 1, kind, budget))
    return draft
