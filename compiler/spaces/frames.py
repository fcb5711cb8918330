"""Expressions at an input type -> groups: pipelines, tuples, choices, bodies and loops of a space.

Each function is a coroutine: it yields the key and the coroutine of a group that it needs and is sent that group, so
that a space as deep as it likes takes no room on the stack. What is known already is not yielded.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from archc.grammar import syntax as s
from archc.rules.choices import decide, settle
from archc.rules.infer import is_point
from archc.rules.repeat import turns_of
from archc.rules.session import Session
from archc.rules.static import evaluate
from archc.spaces.groups import NO_USES, PLAIN, Asked, Draft, Frame, Group, Key, Partial, joined
from archc.spaces.merging import Mergers, is_bundle
from archc.spaces.refiner import Refiner
from archc.spaces.regions import least_after
from archc.spaces.statics import Budget, Plan, Values
from archc.tensor import Product
from archc.values import Applied, Closure, Decided, Env, Value


def through(refiner: Refiner, plan: Plan, into: int, budget: Budget, mergers: Mergers = ()) -> Asked:
    """Return the group of an architecture at an input type; of a tuple only what one of `mergers` takes."""
    key = refiner.key(plan, into, budget)
    known = refiner.known(plan, into, key)
    if known is None and mergers:
        key = (*key, mergers)
        known = refiner.done.get(key)
    return known if known is not None else (yield key, refiner.begin(refiner, plan, into, budget, mergers))


def single(refiner: Refiner, values: Values, into: int, budget: Budget) -> Frame:
    """A mention, once its arguments are evaluated."""
    draft = Draft(budget=budget)
    draft.refuse(values.failure)
    for label, plan in values.found:
        key = refiner.key(plan, into, budget)
        group = refiner.known(plan, into, key)
        if group is None:
            group = yield key, refiner.begin(refiner, plan, into, budget, ())
        if label == PLAIN and len(values.found) == 1:
            return group
        add_all(draft, label, group, refiner)
    return draft


def add_all(draft: Draft, label: int, group: Group, refiner: Refiner) -> None:
    """Add what a group gives behind the decisions of `label`."""
    for out, state in group.outs.items():
        draft.add(out, (label, (state,), 0, NO_USES))
    draft.lost += refiner.store.shares[label] * group.lost
    draft.refuse(group.failure)


# ---------------------------------------------------------------- pipelines
Rest = Callable[[int], Asked]


def _then(
    refiner: Refiner, draft: Draft, label: int, first: Group, rest: Rest
) -> Generator[tuple[Key, Frame], Group, None]:
    """Add `first` and, from each type that comes out of it, what `rest` gives."""
    store = refiner.store
    share = store.shares[label]
    draft.lost += share * first.lost
    draft.refuse(first.failure)
    ways = draft.ways
    for (kind, demands), state in first.outs.items():
        group = yield from rest(kind)
        draft.lost += share * store.mass[state] * group.lost
        draft.refuse(group.failure, 1)
        for out, below in group.outs.items():
            if demands or out[1]:
                both = joined(demands, out[1])
                if both is None:
                    continue
                out = out[0], both
            found = ways.get(out)
            if found is None:
                found = ways[out] = []
            found.append((label, (state, below), 0, NO_USES))


def pipe(refiner: Refiner, plan: Plan, expr: s.Pipe, at: int, into: int, budget: Budget) -> Frame:
    """Make the group of a pipeline from stage `at` on."""
    values = refiner.stage(plan, expr, at)
    if at == len(expr.stages) - 1:
        return (yield from single(refiner, values, into, budget))
    draft = Draft(budget=budget, whole=None if at else expr)
    draft.refuse(values.failure)
    left = refiner.left(budget, plan.reach)
    done = refiner.done

    def rest(kind: int) -> Asked:
        key = (plan.number, at + 1, kind, left)
        known = done.get(key)
        return known if known is not None else (yield key, pipe(refiner, plan, expr, at + 1, kind, budget))

    assert isinstance(plan.value, Closure)
    nodes = least_after(refiner, expr.stages[at + 1 :], plan.value.env, into)
    inner = refiner.kept(into, nodes, draft)
    if inner is None:
        return draft
    back = rest if not nodes else lambda kind: rest(refiner.freed(kind, nodes))
    for label, stage in values.found:
        turns = copied(refiner, stage)
        if turns is not None:
            group = yield from _turns(refiner, turns, 0, inner, budget, After((plan.number, at + 1, left), back))
            add_all(draft, label, group, refiner)
            continue
        mergers = refiner.mergers(plan, expr, at + 1) if is_bundle(stage.value) else ()
        first = yield from through(refiner, stage, inner, budget, mergers)
        yield from _then(refiner, draft, label, first, back)
    return draft


def bundle(refiner: Refiner, items: tuple[s.Expr, ...], env: Env, into: int, budget: Budget, mergers: Mergers) -> Frame:
    """Make the group of a tuple: each item gets the same input; only what `mergers` take is put together."""
    draft = Draft(budget=budget)
    parts: list[Partial] = [((), (), ())]
    entered = refiner.shared_out(items, env, into, draft)
    if len(entered) != len(items):
        return draft
    for item, inner in zip(items, entered, strict=True):
        group = yield from _item(refiner, item, env, inner, budget)
        draft.refuse(group.failure)
        draft.lost += group.lost
        parts = refiner.bundled(parts, group, mergers)
    types = refiner.keys.types
    for kinds, demands, states in parts:
        out = refiner.marks.together(
            refiner.keys.type(Product(tuple(types[kind] for kind in kinds))), into, entered, kinds
        )
        if out is not None:
            draft.add((out, demands), (PLAIN, states, 0, NO_USES))
    return draft


def _item(refiner: Refiner, item: s.Expr, env: Env, into: int, budget: Budget) -> Asked:
    """Return the group of one item of a tuple."""
    values = refiner.values(item, env)
    if len(values.found) == 1 and values.found[0][0] == PLAIN:
        return (yield from through(refiner, values.found[0][1], into, budget))
    draft = Draft(budget=budget)
    draft.refuse(values.failure)
    for label, plan in values.found:
        group = yield from through(refiner, plan, into, budget)
        add_all(draft, label, group, refiner)
    return refiner.store.close(draft)


def choice(refiner: Refiner, plan: Plan, expr: s.Choice, into: int, budget: Budget) -> Frame:
    """Make the group of a choice between architectures."""
    draft = Draft(budget=budget, whole=expr)
    arms = refiner.arms(plan, expr)
    draft.refuse(arms.failure)
    shares, ways = refiner.store.shares, draft.ways
    for label, arm in arms.found:
        key = refiner.key(arm, into, budget)
        group = refiner.known(arm, into, key)
        if group is None:
            group = yield key, refiner.begin(refiner, arm, into, budget, ())
        for out, state in group.outs.items():
            way = (label, (state,), 0, NO_USES)
            found = ways.get(out)
            if found is None:
                ways[out] = [way]
            else:
                found.append(way)
        draft.lost += shares[label] * group.lost
        draft.refuse(group.failure)
    return draft


# ---------------------------------------------------------------- bodies
def body(refiner: Refiner, expr: s.Body, at: int, env: Env, into: int, budget: Budget) -> Frame:
    """Make the group of a body from statement `at` on."""
    if at == len(expr.statements):
        return (yield from single(refiner, refiner.values(expr.value, env), into, budget))
    statement = expr.statements[at]

    def rest(inner: Env, into: int = into) -> Asked:
        left = refiner.left(budget, refiner.reach(expr, inner))
        key = ("body", id(expr), at + 1, refiner.keys.env(expr, inner), into, left)
        known = refiner.done.get(key)
        return known if known is not None else (yield key, body(refiner, expr, at + 1, inner, into, budget))

    draft = Draft(budget=budget, whole=None if at else expr)
    if is_point(statement.value, env):
        values = refiner.values(statement.value, env)
        draft.refuse(values.failure)
        nodes = refiner.least.body(expr, at + 1, env) if refiner.marks.counts(into) else 0
        kept = refiner.kept(into, nodes, draft)
        for label, plan in values.found if kept is not None else ():
            assert kept is not None
            first = yield from through(refiner, plan, kept, budget)

            def bound(kind: int) -> Asked:
                left = refiner.marks.like(into, refiner.freed(kind, nodes))
                return rest(refiner.named(env, statement, refiner.flow(kind)), left)

            yield from _then(refiner, draft, label, first, bound)
        return draft
    key = ("let", id(statement), refiner.keys.env(statement.value, env))
    for taken, value in refiner.walked(key, walk_of(statement, env), draft):
        if statement.kind == "let" and isinstance(value, (Applied, Closure, Decided)):
            value = refiner.layer(value, statement)
        group = yield from rest(refiner.named(env, statement, value))
        refiner.settle(draft, taken, group, value)
    return draft


def walk_of(statement: s.Statement, env: Env) -> Callable[[Session], Value]:
    """Return the static walk that gives what a statement binds."""

    def walk(session: Session) -> Value:
        span = statement.value.span
        return decide(session, settle(session, evaluate(session, statement.value, env), span, evaluate), span)

    return walk


# ---------------------------------------------------------------- loops
@dataclass(frozen=True, slots=True)
class Turns:
    """What a loop does, in turn: one body, in an environment each."""

    body: s.Expr
    envs: tuple[Env, ...]


@dataclass(frozen=True, slots=True)
class After:
    """What comes behind a loop, by a key that tells it; behind one that stands by itself nothing does."""

    key: Key
    rest: Rest


def loop(refiner: Refiner, expr: s.Binary | s.Fold, env: Env, into: int, budget: Budget) -> Frame:
    """Make the group of copies, `e * n` or `e * (1..4)`, or of a `for`."""
    draft = Draft(budget=budget)
    for label, turns in loops(refiner, expr, env, draft):
        group = yield from _turns(refiner, turns, 0, into, budget, None)
        add_all(draft, label, group, refiner)
    return draft


def loops(refiner: Refiner, expr: s.Binary | s.Fold, env: Env, draft: Draft) -> list[tuple[int, Turns]]:
    """Return the turns of a loop behind the decisions for their number; what does not type is noted in the draft."""
    store = refiner.store
    if isinstance(expr, s.Fold):
        key = ("for", id(expr), refiner.keys.env(expr.values, env))
        walked = refiner.walked(key, lambda session: turns_of(session, expr, env), draft)
        return [
            (store.label(taken.decisions), Turns(expr.body, tuple(env.bind(**turn) for turn in bound)))
            for taken, bound in walked
        ]

    def count(session: Session) -> Value:
        return settle(session, evaluate(session, expr.right, env), expr.right.span, evaluate)

    key = ("count", id(expr), refiner.keys.env(expr.right, env))
    return [
        (store.label(taken.decisions), Turns(expr.left, (env,) * refiner.copies(copies, expr)))
        for taken, copies in refiner.walked(key, count, draft)
    ]


def copied(refiner: Refiner, stage: Plan) -> Turns | None:
    """Return the turns of a stage that is a loop with choices, of so many turns; what follows is worked out behind the last.

    So each type between two turns has what comes of it in the end, and not what comes of it in each number of turns: of
    three stages of 100 widths before a classifier, 30,000 ways and not 2,000,000.
    """
    match stage.value:
        case Closure(s.Binary() | s.Fold() as expr, env) if not stage.steady:
            found = loops(refiner, expr, env, Draft())
            return found[0][1] if len(found) == 1 and found[0][0] == PLAIN else None
        case _:
            return None


def seen_by(refiner: Refiner, turns: Turns, at: int) -> tuple[object, ...]:
    """Return what tells the turns from `at` on from others."""
    body, envs = turns.body, turns.envs
    if envs and envs[0] is envs[-1]:
        return id(body), refiner.keys.env(body, envs[0]), len(envs) - at
    return id(body), *(refiner.keys.env(body, env) for env in envs[at:])


def _turns(refiner: Refiner, turns: Turns, at: int, into: int, budget: Budget, after: After | None) -> Asked:
    """Return the group of the turns from `at` on, and of what comes `after`; equal rests of equal loops are one."""
    reach = refiner.reach(turns.body, turns.envs[0]) if turns.envs else frozenset[int]()
    behind = () if after is None else after.key
    key = ("turns", seen_by(refiner, turns, at), into, refiner.left(budget, reach), *behind)
    known = refiner.done.get(key)
    return known if known is not None else (yield key, _turn(refiner, turns, at, into, budget, after))


def _turn(refiner: Refiner, turns: Turns, at: int, into: int, budget: Budget, after: After | None) -> Frame:
    draft = Draft(budget=budget)
    body, envs = turns.body, turns.envs
    if at == len(envs) and after is not None:
        return (yield from after.rest(into))
    if at == len(envs):
        draft.add((into, ()), (PLAIN, (), 0, NO_USES))
        return draft
    values = refiner.values(body, envs[at])
    draft.refuse(values.failure)
    nodes = sum(least_after(refiner, (body,), env, into) for env in envs[at + 1 :]) if refiner.marks.counts(into) else 0
    inner = refiner.kept(into, nodes, draft)

    def back(kind: int) -> Asked:
        return _turns(refiner, turns, at + 1, refiner.freed(kind, nodes), budget, after)

    for label, plan in values.found if inner is not None else ():
        assert inner is not None
        first = yield from through(refiner, plan, inner, budget)
        yield from _then(refiner, draft, label, first, back)
    return draft
