"""How a walk makes the choices that it comes by: static ones, arms, ranges, and those that a name makes once."""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.rules.openness import is_open
from archc.rules.session import Chooser, Exhausted, Refusal, Session
from archc.rules.weights import Evaluate, shares
from archc.sizes.size import Size
from archc.values import (
    ARCHITECTURES,
    Architecture,
    Closure,
    Decided,
    Drawn,
    Env,
    Fields,
    Flow,
    Interval,
    Layer,
    Value,
    show,
)

MOST_OPTIONS = 10_000


class _First:
    """Takes the first of everything: to see what kind of thing an expression is."""

    trusted = False

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        return 0

    def real(self, interval: Interval, span: Span) -> float:
        return _number(interval.low)

    def take(self, architecture: Architecture) -> object:
        return None

    def again(self, decided: object) -> Chooser:
        return self


def is_peek(chooser: Chooser) -> bool:
    """Return whether a chooser only looks at what kind of thing an expression is."""
    return isinstance(chooser, _First)


def peek(session: Session, expr: s.Expr, env: Env, evaluate: Evaluate) -> Value:
    """Return what `expr` would be with the first option of every choice, and choose nothing."""
    before = session.chooser
    session.chooser = _First()
    try:
        return evaluate(session, expr, env)
    finally:
        session.chooser = before


def pick(session: Session, chooser: Chooser, choice: s.Choice, env: Env, evaluate: Evaluate) -> s.Arm:
    """Return the arm of `choice` that is taken. Raises Exhausted where its weights make no shares."""

    def texts() -> tuple[str, ...]:
        return tuple(" ".join(arm.value.span.text.split()) for arm in choice.arms)

    return choice.arms[chooser.option(texts, shares(session, choice, env, evaluate), choice.span)]


def one_of(chooser: Chooser, count: int, value: Callable[[int], Value], span: Span) -> Value:
    """Return one of so many values, all as likely as each other; only what is taken is made."""
    return value(chooser.option(lambda: tuple(show(value(place)) for place in range(count)), _even(count), span))


@lru_cache(maxsize=256)
def _even(count: int) -> tuple[float, ...]:
    return (1 / count,) * count


def within(session: Session, chooser: Chooser, interval: Interval, span: Span) -> Value:
    """Return a value of a range that is searched over."""
    low, high = interval.low, interval.high
    if isinstance(low, Size) and isinstance(high, Size) and (interval.step is None or isinstance(interval.step, Size)):
        first, last = low.constant, high.constant
        step = 1 if interval.step is None else interval.step.constant
        assert first is not None and last is not None
        if interval.logarithmic:
            return Drawn.of(chooser.real(interval, span), (_number(low), _number(high or low)))
        if step is None or step < 1 or last < first:
            text = f"the range {show(low)} .. {show(high)} is empty"
            raise Refusal(Diagnostic("A0215", text, span, hint=f"{show(high)} .. {show(low)}"))
        if (last - first) // step >= MOST_OPTIONS:
            text = f"this range has {(last - first) // step + 1:,} values"
            label = f"the limit is {MOST_OPTIONS:,} values to choose from"
            hint = f"{first} .. {last} by {step * ((last - first) // (step * MOST_OPTIONS) + 1)}"
            raise Exhausted(Diagnostic("A0810", text, span, label, hint=hint))
        numbers = range(first, last + 1, step)
        return one_of(chooser, len(numbers), lambda place: Size.of(numbers[place]), span)
    if interval.step is None:
        return Drawn.of(chooser.real(interval, span), (_number(low), _number(high or low)))
    start, end, by = (Fraction(repr(_number(part))) for part in (low, high or low, interval.step))
    if by <= 0 or end < start or (end - start) / by >= MOST_OPTIONS:
        text = f"a range goes up, in steps above 0 and at most {MOST_OPTIONS:,} of them"
        raise Refusal(Diagnostic("A0215", text, span))
    return one_of(chooser, int((end - start) / by) + 1, lambda place: float(start + by * place), span)


def _number(bound: Size | float) -> float:
    return bound if isinstance(bound, float) else float(bound.constant or 0)


def ranged(session: Session, value: Value, span: Span) -> Value:
    """Return `value`, or a number of it where it is a range."""
    return within(session, session.chooser, value, span) if session.chooser and isinstance(value, Interval) else value


def settle(session: Session, value: Value, span: Span, evaluate: Evaluate) -> Value:
    """Return `value` with the arm of a choice taken and a range made a number, as far as that is seen from here."""
    chooser = session.chooser
    if chooser is None:
        return value
    while isinstance(value, Closure) and isinstance(value.expr, s.Choice):
        value = evaluate(session, pick(session, chooser, value.expr, value.env, evaluate).value, value.env)
    if isinstance(value, Fields):
        return Fields(tuple((name, settle(session, entry, span, evaluate)) for name, entry in value.items))
    return within(session, chooser, value, span) if isinstance(value, Interval) else value


def decide(session: Session, value: Value, span: Span) -> Value:
    """Return an architecture that a name stands for, with every choice in it made, once for all mentions."""
    chooser = session.chooser
    if chooser is not None and isinstance(value, Fields):
        return Fields(tuple((name, decide(session, entry, span)) for name, entry in value.items))
    if chooser is None or isinstance(value, Flow) or not isinstance(value, ARCHITECTURES):
        return value
    if isinstance(value, Layer):
        inner = decide(session, value.architecture, span)
        return Layer(inner, value.token, value.span) if isinstance(inner, Decided) else value
    if not is_open(session.scopes, value):
        return value
    return Decided(value, chooser.take(value), span)
