"""Ranges of numbers -> the regular languages of their digits."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from archc.regular.language import DIGIT, EMPTY, NOTHING, Regular, chars, choice, literal, repeat, series

LISTED = 1000
"""So many numbers are written out where their steps have no pattern of digits."""

POINT = literal(".")
MINUS = literal("-")
_NOT_ZERO = chars(("1", "9"))


def whole(low: int | None, high: int | None) -> Regular:
    """Return the integers from `low` to `high`, without leading zeros and without `-0`."""
    arms: list[Regular] = []
    if low is None or low < 0:
        top = 1 if high is None or high >= 0 else -high
        arms.append(series(MINUS, _natural(top, None if low is None else -low)))
    if high is None or high >= 0:
        arms.append(_natural(max(low or 0, 0), high))
    return choice(*arms)


def stepped(low: int | None, high: int | None, step: int) -> Regular | None:
    """Return the integers from `low` to `high` in steps from `low`, or from 0 without one.

    Return None where digits do not show the steps well.
    """
    if low is not None and high is not None and (high - low) // step < LISTED:
        return words([str(number) for number in range(low, high + 1, step)])
    width = next((width for width in range(1, 4) if 10**width % step == 0), 0)
    if not width:
        return None
    arms: list[Regular] = []
    start = low or 0
    if low is None or low < 0:
        top = 1 if high is None or high >= 0 else -high
        arms.append(series(MINUS, _suffixed(top, None if low is None else -low, -start % step, step, width)))
    if high is None or high >= 0:
        arms.append(_suffixed(max(start, 0), high, start % step, step, width))
    return choice(*arms)


def _suffixed(low: int, high: int | None, rest: int, step: int, width: int) -> Regular:
    """Return the numbers from `low` to `high` that leave `rest`, where `step` divides ten to the power `width`."""
    whole_step = 10**width
    suffixes: dict[Regular, list[str]] = {}
    arms: list[Regular] = []
    for suffix in range(rest, whole_step, step):
        if low <= suffix and (high is None or suffix <= high):
            arms.append(literal(str(suffix)))
        first = max(1, -(-(low - suffix) // whole_step))
        last = None if high is None else (high - suffix) // whole_step
        suffixes.setdefault(_natural(first, last), []).append(str(suffix).zfill(width))
    arms.extend(series(head, words(tails)) for head, tails in suffixes.items())
    return choice(*arms)


def fixed(places: int, low: Decimal | None, high: Decimal | None) -> Regular:
    """Return the numbers from `low` to `high` with exactly `places` digits after the point, without `-0`."""
    if places == 0:
        return whole(_ceiling(low, 0), _floor(high, 0))
    first, last = _ceiling(low, places), _floor(high, places)
    arms: list[Regular] = []
    if first is None or first < 0:
        top = 1 if last is None or last >= 0 else -last
        arms.append(series(MINUS, _pointed(places, top, None if first is None else -first)))
    if last is None or last >= 0:
        arms.append(_pointed(places, max(first or 0, 0), last))
    return choice(*arms)


def _ceiling(bound: Decimal | None, places: int) -> int | None:
    return None if bound is None else ceil(Fraction(bound) * 10**places)


def _floor(bound: Decimal | None, places: int) -> int | None:
    return None if bound is None else floor(Fraction(bound) * 10**places)


def _pointed(places: int, low: int, high: int | None) -> Regular:
    """Return `low` to `high`, written with a point before the last `places` digits."""
    scale = 10**places
    (first, start), (last, end) = divmod(low, scale), divmod(high, scale) if high is not None else (None, 0)
    if first == last:
        return series(literal(str(first)), POINT, _padded(start, end, places))
    arms: list[Regular] = []
    if start:
        arms.append(series(literal(str(first)), POINT, _padded(start, scale - 1, places)))
        first += 1
    if last is not None and end < scale - 1:
        arms.append(series(literal(str(last)), POINT, _padded(0, end, places)))
        last -= 1
    return choice(series(_natural(first, last), POINT, repeat(DIGIT, places, places)), *arms)


def real(low: Decimal | None, high: Decimal | None) -> Regular:
    """Return the numbers from `low` to `high`, with any digits after the point and without an exponent."""
    zero = Decimal(0)
    arms: list[Regular] = []
    if low is None or low < 0:
        arms.append(series(MINUS, _real(zero if high is None or high >= 0 else -high, None if low is None else -low)))
    if high is None or high >= 0:
        arms.append(_real(max(low or zero, zero), high))
    return choice(*arms)


def _real(low: Decimal, high: Decimal | None) -> Regular:
    """Return the numbers between two that are not negative."""
    first, start = _parts(low)
    last, end = _parts(high) if high is not None else (None, None)
    if first == last:
        return series(literal(str(first)), _fraction(start, end))
    arms = [series(literal(str(first)), _fraction(start, None))] if start else []
    if last is not None:
        arms.append(series(literal(str(last)), _fraction("", end)))
    middle = _natural(first + bool(start), None if last is None else last - 1)
    return choice(series(middle, _fraction("", None)), *arms)


def _parts(number: Decimal) -> tuple[int, str]:
    head, _, tail = format(number, "f").partition(".")
    return int(head), tail.rstrip("0")


def _fraction(low: str, high: str | None) -> Regular:
    """Return what may follow the digits before the point, from `low` to `high` as digits after it."""
    digits = series(POINT, choice(*_after(low, high)))
    return digits if low else repeat(digits, 0, 1)


def _after(low: str, high: str | None) -> list[Regular]:
    """Return the arms of one digit more, and all that may follow it."""
    if high == "":
        return [] if low else [repeat(literal("0"), 1, None)]
    first, last = int(low[:1] or "0"), int(high[0]) if high is not None else 9
    ends: dict[tuple[str, str | None], list[int]] = {}
    for digit in range(first, last + 1):
        key = low[1:] if digit == first else "", high[1:] if high is not None and digit == last else None
        ends.setdefault(key, []).append(digit)
    arms: list[Regular] = []
    for (least, most), digits in ends.items():
        one = chars((str(digits[0]), str(digits[-1])))
        if (least, most) == ("", None):
            arms.append(series(one, repeat(DIGIT, 0, None)))
            continue
        more = choice(*_after(least, most))
        arms.append(series(one, more if least else repeat(more, 0, 1)))
    return arms


# ---------------------------------------------------------------- digits
def _natural(low: int, high: int | None) -> Regular:
    """Return the numbers from `low` to `high`, neither of them negative."""
    if high is not None and low > high:
        return NOTHING
    arms: list[Regular] = []
    if low == 0:
        arms.append(literal("0"))
        low = 1
    size = len(str(low))
    if low > 10 ** (size - 1):
        top = 10**size - 1
        arms.append(_padded(low, top if high is None else min(top, high), size))
        size += 1
    if high is None:
        return choice(*arms, series(_NOT_ZERO, repeat(DIGIT, size - 1, None)))
    last = len(str(high + 1)) - 1
    if size <= last:
        arms.append(series(_NOT_ZERO, repeat(DIGIT, size - 1, last - 1)))
    if max(size, last + 1) == len(str(high)) and size <= len(str(high)):
        arms.append(_padded(10**last, high, last + 1))
    return choice(*arms)


def _padded(low: int, high: int, width: int) -> Regular:
    """Return the numbers from `low` to `high` in exactly `width` digits."""
    if low > high:
        return NOTHING
    return between(str(low).zfill(width), str(high).zfill(width))


def between(low: str, high: str) -> Regular:
    """Return the strings of digits from `low` to `high`, which are as long as each other."""
    rest = len(low) - 1
    if rest < 0:
        return EMPTY
    nines, zeros = "9" * rest, "0" * rest
    first, last = int(low[0]), int(high[0])
    if first == last:
        return series(literal(low[0]), between(low[1:], high[1:]))
    arms: list[Regular] = []
    ends: list[Regular] = []
    if low[1:] != zeros:
        arms.append(series(literal(low[0]), between(low[1:], nines)))
        first += 1
    if high[1:] != nines:
        ends.append(series(literal(high[0]), between(zeros, high[1:])))
        last -= 1
    if first <= last:
        arms.append(series(chars((str(first), str(last))), repeat(DIGIT, rest, rest)))
    return choice(*arms, *ends)


def words(texts: list[str]) -> Regular:
    """Return the language of these words, with what they share at the front written once."""
    heads: dict[str, list[str]] = {}
    for text in texts:
        if text:
            heads.setdefault(text[0], []).append(text[1:])
    tails: dict[Regular, list[tuple[int | str, int | str]]] = {}
    for head, rest in heads.items():
        tails.setdefault(words(rest), []).append((head, head))
    arms: list[Regular] = [series(chars(*ranges), tail) for tail, ranges in tails.items()]
    if not arms:
        return EMPTY
    return repeat(choice(*arms), 0, 1) if "" in texts else choice(*arms)
