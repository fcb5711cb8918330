"""`body * n` and `for x in xs { body }`: the same stages several times over."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.limits import exceeded
from archc.grammar.source import Span
from archc.rules.choices import within
from archc.rules.emission import static
from archc.rules.qualify import retyped, shared, united
from archc.rules.session import Blame, Exhausted, PerUse, Refusal, Session, Site, Step
from archc.rules.static import evaluate
from archc.sizes.prove import at_least
from archc.sizes.size import Size
from archc.tensor import NO_TAGS, Tensor, Type, tagged
from archc.values import UNKNOWN, Env, Flow, Interval, Items, Need, Value, flow, show, what

Apply = Callable[[Session, Value, Flow, Span], Flow]


def repeat(session: Session, expr: s.Binary, env: Env, into: Flow, apply: Apply) -> Flow:
    """Return `into` after as many mentions of the left side as the right side says.

    Raises Refusal where the body does not fit its own output, PerUse where that depends on how often it runs.
    """
    count = _count(session, evaluate(session, expr.right, env), expr)

    def step(_: int, value: Flow) -> Flow:
        return apply(session, evaluate(session, expr.left, env), value, expr.left.span)

    if isinstance(count, Interval) and session.chooser is not None:
        chosen = within(session, session.chooser, count, expr.right.span)
        assert isinstance(chosen, Size)
        count = chosen
    if isinstance(count, Interval):
        return _between(session, count, step, into, expr)
    known = count.constant
    if known is None:
        return _symbolic(session, count, step, into, expr)
    if known < 0:
        raise Refusal(Diagnostic("A0215", f"{known} copies: there are 0 or more", expr.right.span))
    if known > session.limits.repeats:
        raise Exhausted(
            exceeded(session.limits, "repeats", message=f"{known} copies are too many", span=expr.right.span)
        )
    if session.emitter is not None and known:
        session.count_step(expr.span, known)
        steps = _copies(session, lambda value: step(0, value), known)
        return session.emitter.loop("repeat", steps, into, Site(expr.span))
    for number in range(known):
        session.count_step(expr.span)
        before = into.type
        with _turn_of({}, number, known):
            into = step(number, into)
        if tagged(into.type) == tagged(before) and session.emitter is None:
            break
    return into


def _copies(session: Session, walk: Callable[[Flow], Flow], count: int) -> tuple[Step, ...]:
    """Return the steps of a loop: one object where they are equal, and each its own where choices are made in them."""
    if session.chooser is None:
        return (Step((), walk),) * count
    return tuple(Step((), walk) for _ in range(count))


def _count(session: Session, value: Value, expr: s.Binary) -> Size | Interval:
    if isinstance(value, Interval) and isinstance(value.low, Size) and isinstance(value.high, Size):
        if session.flexible or session.chooser is not None:
            return value
        text = "a range of repetitions is a choice, and only a space has choices"
        raise Refusal(
            Diagnostic("A0302", text, expr.right.span, hint=f"* {show(value.low)}, or declare this as a space")
        )
    if not isinstance(value, Size):
        text = f"the number of copies is a whole number; this is {what(value)}"
        raise Refusal(Diagnostic("A0104", text, expr.right.span))
    return value


def _between(session: Session, count: Interval, step: Callable[[int, Flow], Flow], into: Flow, expr: s.Binary) -> Flow:
    low = count.low.constant if isinstance(count.low, Size) else None
    high = count.high.constant if isinstance(count.high, Size) else None
    if low is not None and high is not None and (low < 0 or high < low):
        text = f"{low}..{high} copies: a range goes up from 0 or more"
        raise Refusal(Diagnostic("A0215", text, expr.right.span))
    after = step(0, into)
    return retyped(into, united(into.type, [after.type])) if after.type == into.type else flow(UNKNOWN)


def _symbolic(session: Session, count: Size, step: Callable[[int, Flow], Flow], into: Flow, expr: s.Binary) -> Flow:
    """Copies that keep the type run any number of times; a fixed step on an axis has a closed form."""
    blame = session.blame or Blame("*", "", None, expr.right.span)
    need = Need("A0215", "`*`", f"{count} >= 0", None, expr.right.span)
    text = f"{count} copies: there are 0 or more"
    session.require(at_least(count, Size.of(0)), need, lambda _: blame.diagnostic("A0215", text))
    after = step(0, into)
    if after.type == into.type:
        return _settled(session, step, into, after)
    if UNKNOWN in (after.type, into.type):
        return after
    if session.flexible:
        return flow(UNKNOWN)
    grown = _grown(into.type, after.type, count)
    again = _grown(into.type, after.type, Size.of(2))
    if grown is None or again is None or step(1, after).type != again:
        raise PerUse
    return flow(grown, expr.span)


def _settled(session: Session, step: Callable[[int, Flow], Flow], into: Flow, after: Flow) -> Flow:
    """Return `after` with the qualifiers that any number of copies keeps; in a space, with those that some may keep."""
    if session.flexible:
        return retyped(after, united(after.type, [into.type]))
    kept = shared(after.type, into.type)
    while tagged(kept) != tagged(into.type):
        into = retyped(into, kept)
        kept = shared(step(0, into).type, kept)
    return retyped(after, kept)


def _grown(first: Type, second: Type, times: Size) -> Type | None:
    """Return the type after `times` steps, where each adds the same to an axis; None for other changes."""
    if not isinstance(first, Tensor) or not isinstance(second, Tensor) or len(first.dims) != len(second.dims):
        return None
    dims = []
    for one, other in zip(first.dims, second.dims, strict=True):
        if one == other:
            dims.append(one)
        elif isinstance(one, Size) and isinstance(other, Size):
            if (other - one).variables & one.variables:
                return None
            dims.append(one + times * (other - one))
        else:
            return None
    return replace(second, dims=tuple(dims), tags=second.tags if second.tags == first.tags else NO_TAGS)


def fold(session: Session, expr: s.Fold, env: Env, into: Flow, apply: Apply) -> Flow:
    """Return `into` after the body of a `for`, once for each value of its list."""
    turns = turns_of(session, expr, env)

    def step(turn: dict[str, Value]) -> Step:
        inner = env.bind(**turn)
        bindings = tuple((name, static(value)) for name, value in turn.items()) if session.emitter is not None else ()
        return Step(bindings, lambda value: apply(session, evaluate(session, expr.body, inner), value, expr.body.span))

    steps = tuple(map(step, turns))
    if session.emitter is not None and steps:
        return session.emitter.loop("for", steps, into, Site(expr.span))
    for number, (turn, bound) in enumerate(zip(steps, turns, strict=True)):
        session.count_step(expr.span)
        with _turn_of(bound, number, len(turns)):
            into = turn.walk(into)
    return into


def turns_of(session: Session, expr: s.Fold, env: Env) -> tuple[dict[str, Value], ...]:
    """Return what a `for` binds in each of its turns. Raises Refusal on values that are no list and no range."""
    values = evaluate(session, expr.values, env)
    if isinstance(values, Interval):
        values = _counted(session, values, expr.values.span)
    if not isinstance(values, Items):
        text = f"`for` goes over a list or a range of whole numbers; this is {what(values)}"
        raise Refusal(Diagnostic("A0104", text, expr.values.span, hint="for c in [64, 128] { ... }"))
    session.count_step(expr.values.span, len(values.values))
    return tuple(_turn(expr, value) for value in values.values)


@contextmanager
def _turn_of(bound: Mapping[str, Value], number: int, count: int) -> Iterator[None]:
    """Say in which turn a body does not type: by what a `for` binds, or by its number."""
    try:
        yield
    except Refusal as refusal:
        found = refusal.diagnostic
        shown = ", ".join(f"{name} = {show(value)}" for name, value in bound.items())
        note = Note(
            shown or f"copy {number + 1} of {count}", "in this turn" if shown else "is the first that does not fit"
        )
        said = replace(found, notes=(*found.notes, note)) if (count if shown else number) else found
        raise Refusal(said) from None


def _counted(session: Session, interval: Interval, span: Span) -> Value:
    low = interval.low.constant if isinstance(interval.low, Size) else None
    high = interval.high.constant if isinstance(interval.high, Size) else None
    by = 1 if interval.step is None else interval.step.constant if isinstance(interval.step, Size) else None
    if low is None or high is None or by is None or by < 1:
        return interval
    if (high - low) // by > session.limits.repeats:
        text = f"{(high - low) // by + 1} turns are too many"
        raise Exhausted(exceeded(session.limits, "repeats", message=text, span=span))
    return Items(tuple(Size.of(value) for value in range(low, high + 1, by)))


def _turn(expr: s.Fold, value: Value) -> dict[str, Value]:
    if not expr.is_tuple:
        return {expr.names[0]: value}
    parts = value.values if isinstance(value, Items) else ()
    if len(parts) != len(expr.names):
        text = f"`for` names {len(expr.names)} values, and {show(value)} has {len(parts) or 1}"
        raise Refusal(Diagnostic("A0103", text, expr.values.span))
    return dict(zip(expr.names, parts, strict=True))
