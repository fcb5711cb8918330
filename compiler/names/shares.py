"""The weights of a choice -> the share of each arm, or why they share nothing."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.flat import arm_head, flat_expr
from archc.grammar.source import Span

Weighted = tuple[s.Arm, Fraction | None]
"""An arm with the number that its weight is, in percent where it is a percentage; None where it has no weight."""

_LONGEST = 40
_CLOSE = Fraction(1, 10**9)
_SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def weights(choice: s.Choice, kind: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the weights of `choice` as they are written, in a declaration of this `kind`."""
    weighted = [arm.weight for arm in choice.arms if arm.weight is not None]
    if not weighted:
        return
    if len(choice.arms) == 1 and not is_written(choice.arms):
        text = "a weight compares an arm with others, and no other arm is here"
        yield Diagnostic("A0406", text, weighted[0].span, hint=f"{arm_head(choice.arms[0])}... | ...")
    elif kind != "space":
        text = "weights belong to a choice, and only a space has choices"
        hint = "declare this as a space, or leave the weights away"
        yield Diagnostic("A0302", text, weighted[0].span, hint=hint)
    elif is_written(choice.arms) and not any(map(_is_long, weighted)):
        found = unshared([(arm, written(arm)) for arm in choice.arms])
        if found is not None:
            yield found


def _is_long(weight: s.Expr) -> bool:
    return isinstance(weight, s.Number | s.Percent) and (len(weight.text) > _LONGEST or "e" in weight.text.lower())


def literal(arm: s.Arm) -> str | None:
    """Return the text of the weight of an arm where it is a number or a percentage; "" where it has none."""
    match arm.weight:
        case None:
            return ""
        case s.Percent(text):
            return text
        case s.Number(text) if not arm.in_percent:
            return text
        case _:
            return None


def written(arm: s.Arm) -> Fraction | None:
    """Return the weight of an arm where it is a number as it is written."""
    text = literal(arm)
    return _read(text) if text else None


def _read(text: str) -> Fraction:
    return Fraction(text.rstrip("%KMBT")) * _SCALES.get(text[-1], 1)


def is_written(arms: Sequence[s.Arm]) -> bool:
    """Return whether no weight is more than a number as it is written."""
    return all(literal(arm) is not None for arm in arms)


@lru_cache(maxsize=1024)
def written_shares(weights: tuple[str, ...]) -> tuple[float, ...]:
    """Return the share of each arm by the texts of their weights, "" where there is none."""
    return tuple(map(float, _portions([(text.endswith("%"), _read(text) if text else None) for text in weights])))


def portions(arms: Sequence[Weighted]) -> tuple[Fraction, ...]:
    """Return the share of each arm: a percentage is its own, the others share the rest by weight."""
    return _portions([(is_percentage(arm), value) for arm, value in arms])


def _portions(weights: Sequence[tuple[bool, Fraction | None]]) -> tuple[Fraction, ...]:
    known = [(percent, Fraction(1) if value is None else value) for percent, value in weights]
    fixed = sum((value for percent, value in known if percent), Fraction(0))
    plain = sum((value for percent, value in known if not percent), Fraction(0))
    rest = max(1 - fixed / 100, Fraction(0)) / plain if plain else Fraction(0)
    return tuple(value * (Fraction(1, 100) if percent else rest) for percent, value in known)


def is_percentage(arm: s.Arm) -> bool:
    """Return whether the weight of an arm is a part of the whole."""
    return arm.in_percent or isinstance(arm.weight, s.Percent)


def _number(arm: s.Arm, value: Fraction | None) -> Fraction:
    return Fraction(1) if value is None else value


def _total(arms: Sequence[Weighted], *, of_percents: bool) -> Fraction:
    return sum((_number(*entry) for entry in arms if is_percentage(entry[0]) is of_percents), Fraction(0))


def unshared(arms: Sequence[Weighted]) -> Diagnostic | None:
    """Return why arms of these weights cannot share the whole, or None where they can.

    Percentages that are written leave something to an arm without one; a name may come to stand for all of it.
    """
    for arm, value in arms:
        if value is not None and value < 0:
            return Diagnostic("A0406", "a weight is 0 or more", _span(arm), _told([(arm, value)]))
    percents = [entry for entry in arms if is_percentage(entry[0])]
    others = [entry for entry in arms if not is_percentage(entry[0])]
    total = _total(arms, of_percents=True)
    if abs(total - 100) < _CLOSE:  # what floats make of a hundred
        total = Fraction(100)
    if total > 100:
        return _whole(percents, f"the percentages add up to {float(total):g}%", total)
    if percents and not others and total != 100:
        return _whole(
            percents, f"they add up to {float(total):g}%, and no arm without a percentage takes the rest", total
        )
    if percents and total == 100 and others and all(isinstance(arm.weight, s.Percent) for arm, _ in percents):
        return _rest(others, "the percentages leave nothing for this arm", "lower a percentage, or drop this arm")
    if others and not _total(arms, of_percents=False) and total != 100:
        if percents:
            return _rest(others, f"{float(100 - total):g}% are left, and no arm takes them", "a weight above 0")
        return Diagnostic(
            "A0406", "one arm of a choice must weigh more than 0", _span(arms[0][0]), _told(arms), hint="1"
        )
    return None


def _rest(others: Sequence[Weighted], label: str, hint: str) -> Diagnostic:
    return Diagnostic("A0406", "the arms of a choice share 100%", others[0][0].span, label, hint=hint)


def _whole(percents: Sequence[Weighted], label: str, total: Fraction) -> Diagnostic:
    """Return what to say of percentages, with what the last of them would have to be, a named one before others."""
    told = _told(percents)
    named = [entry for entry in percents if isinstance(entry[0].weight, s.Ref)]
    arm, value = (named or percents)[-1]
    left = _number(arm, value) + 100 - total
    hint = "write plain numbers, which are relative weights"
    if left >= 0 and isinstance(arm.weight, s.Ref):
        hint = f"{arm.weight.name} = {float(left):g}"
    elif left > 0 and isinstance(arm.weight, s.Percent):
        hint = f"{float(left):g}%"
    text = "the arms of a choice share 100%"
    return Diagnostic("A0406", text, _span(arm), f"{label}; {told}" if told else label, hint=hint)


def _span(arm: s.Arm) -> Span:
    return arm.span if arm.weight is None else arm.weight.span


def _told(arms: Sequence[Weighted]) -> str:
    """Return what the weights stand for that are no numbers as they are written."""
    told = (
        f"{flat_expr(arm.weight)} is {float(value):g}"
        for arm, value in arms
        if arm.weight is not None and value is not None and written(arm) is None
    )
    return ", ".join(dict.fromkeys(told))
