"""The weights of a choice -> the share of each arm, where names among them are known, or what they have to fulfil."""

from collections.abc import Callable
from fractions import Fraction
from math import isfinite, lcm

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.flat import TERM, flat_expr
from archc.names.shares import Weighted, is_percentage, is_written, literal, portions, unshared, written, written_shares
from archc.rules.openness import free_names
from archc.rules.operands import short
from archc.rules.session import SHARES, Exhausted, Refusal, Session
from archc.sizes.prove import at_least, equal
from archc.sizes.size import Size
from archc.values import Drawn, Env, Formula, Interval, Need, Opaque, Value, show, what

Evaluate = Callable[[Session, s.Expr, Env], Value]


def shares(session: Session, choice: s.Choice, env: Env, evaluate: Evaluate) -> tuple[float, ...]:
    """Return the share of each arm, where every name is known. Raises Exhausted where arms cannot share the whole."""
    texts = tuple(text for text in map(literal, choice.arms) if text is not None)
    if len(texts) == len(choice.arms):
        return written_shares(texts)
    return tuple(map(float, portions(_known(session, choice, env, evaluate))))


def _known(session: Session, choice: s.Choice, env: Env, evaluate: Evaluate) -> list[Weighted]:
    known: list[Weighted] = []
    try:
        for arm in choice.arms:
            value = _weight(session, arm, env, evaluate)
            assert arm.weight is None or isinstance(value, Fraction), value
            known.append((arm, value if isinstance(value, Fraction) else None))
    except Refusal as refusal:  # of no arm, so that no other takes its place
        raise Exhausted(refusal.diagnostic) from None
    found = unshared(known)
    if found is not None:
        raise Exhausted(found)
    return known


def weigh(session: Session, choice: s.Choice, env: Env, evaluate: Evaluate) -> None:
    """Require that the arms can share the whole; what depends on a parameter, users owe.

    Raises Refusal where a weight is no number, or where the arms can share for no value of the parameters.
    """
    if is_written(choice.arms):
        return
    for arm in choice.arms:
        if arm.weight is not None and free_names(arm.weight)[1]:
            text = "a weight is one number, known before its choice is made; this is a choice itself"
            raise Refusal(Diagnostic(SHARES, text, arm.weight.span, hint=f"choose n = {short(arm.weight.span)}"))
    weights = [(arm, _weight(session, arm, env, evaluate)) for arm in choice.arms]
    known = [(arm, value) for arm, value in weights if value is None or isinstance(value, Fraction)]
    if len(known) == len(weights) and all(arm.weight is None or value is not None for arm, value in known):
        found = unshared(known)
        if found is not None:
            raise Refusal(found)
        return
    for arm, value in weights:
        if isinstance(value, Size):
            _require(session, at_least(value, Size.of(0)), f"{_text(arm)} >= 0", arm)
    percents = [(arm, value) for arm, value in weights if is_percentage(arm) and value is not None]
    if len(percents) == sum(map(is_percentage, choice.arms)) > 0:
        _require_whole(session, percents, is_all=len(percents) == len(weights))


def _require_whole(session: Session, percents: list[tuple[s.Arm, "Fraction | Size"]], *, is_all: bool) -> None:
    """Require percentages to add up to 100 at most, or exactly where every arm has one."""
    scale = lcm(*(value.denominator for _, value in percents if isinstance(value, Fraction)))
    total = Size.of(0)
    for _, value in percents:
        total += value * scale if isinstance(value, Size) else Size.of(int(value * scale))
    whole = Size.of(100 * scale)
    asks = [arm for arm, value in percents if isinstance(value, Size)] or [percents[-1][0]]
    text = " + ".join(_text(arm) for arm, _ in percents)
    if is_all:
        _require(session, equal(total, whole), f"{text} == 100", asks[-1])
    else:
        _require(session, at_least(whole, total), f"{text} <= 100", asks[-1])


def _require(session: Session, formula: Formula, demand: str, arm: s.Arm) -> None:
    assert arm.weight is not None
    text = _text(arm) + ("%" if arm.in_percent else "")

    def refuse(_: object) -> Diagnostic:
        return Diagnostic(SHARES, f"`{text}` as a weight needs {demand}", arm.weight.span if arm.weight else arm.span)

    session.require(formula, Need(SHARES, f"`{text}` as a weight", demand, None, arm.weight.span), refuse)


def _text(arm: s.Arm) -> str:
    return "" if arm.weight is None else flat_expr(arm.weight, TERM).removesuffix("%")


def _weight(session: Session, arm: s.Arm, env: Env, evaluate: Evaluate) -> "Fraction | Size | None":
    """Return the weight of an arm; None where it has none, or is a number that is not known yet."""
    number = written(arm)
    if arm.weight is None or number is not None:
        return number
    value = evaluate(session, arm.weight, env)
    kind = what(value)
    match value:
        case Size(constant=int(whole)):
            return Fraction(whole)
        case Size():
            return value
        case Drawn():
            text = "a weight is one of finitely many numbers; this one is drawn from a range without steps"
            raise Refusal(
                Diagnostic(SHARES, text, arm.weight.span, hint="give the range steps, as in 0.1 .. 0.5 by 0.1")
            )
        case float() if isfinite(value):
            return Fraction(repr(value))
        case Opaque(_, (bool() | str() as first, *_)):
            kind = "a string" if isinstance(first, str) else "a flag"
        case Interval(low, high, step, logarithmic) if step is None and (logarithmic or not _is_whole(low, high)):
            text = "a weight is one of finitely many numbers; this range has no steps"
            raise Refusal(Diagnostic(SHARES, text, arm.weight.span, hint=f"{show(low)} .. {show(high)} by ..."))
        case Opaque() | Interval():
            return None
    text = f"the weight of an arm is a number; this is {kind}"
    raise Refusal(Diagnostic("A0104", text, arm.weight.span, hint="a parameter, such as p: 0..100 = 50"))


def _is_whole(*bounds: "Size | float | None") -> bool:
    return all(isinstance(bound, Size) for bound in bounds)
