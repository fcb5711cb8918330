"""A string or a number type -> the language of its JSON text, and which of its bounds that language keeps."""

from dataclasses import dataclass
from functools import lru_cache

from archc.data.kinds import Fixed, Real, Text, Whole
from archc.regular.automaton import TooLarge, bounded, is_empty
from archc.regular.digits import fixed, real, stepped, whole
from archc.regular.language import ANY, NOTHING, Chars, Regular, Repeat, automaton, longest, regular, repeat, shortest
from archc.regular.strings import escaped, format_language


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of a type in words; `hinders` says why its language does not keep it, and is empty where it does."""

    text: str
    hinders: str = ""


@lru_cache(maxsize=1 << 10)
def number_language(data: Whole | Real | Fixed) -> tuple[Regular, tuple[Bound, ...]]:
    """Return the numbers of a type as archc writes them: no exponent, no leading zeros, exactly the places of Fixed."""
    bounds = () if data.low is None and data.high is None else (Bound(f"from {data.low} to {data.high}"),)
    if data.high is None and bounds:
        bounds = (Bound(f"at least {data.low}"),)
    elif data.low is None and bounds:
        bounds = (Bound(f"at most {data.high}"),)
    match data:
        case Fixed(places, low, high):
            digits = Bound(f"{places} digit{'' if places == 1 else 's'} after the point")
            return fixed(places, low, high), (digits, *bounds)
        case Real(low, high):
            return real(low, high), bounds
        case Whole(low, high, step):
            language = stepped(low, high, step) if step not in (None, 1) and step is not None else None
            if language is not None:
                return language, (*bounds, Bound(f"in steps of {step}"))
            if step in (None, 1):
                return whole(low, high), bounds
            return whole(low, high), (
                *bounds,
                Bound(f"in steps of {step}", "digits do not show whether a number is a step"),
            )


@lru_cache(maxsize=1 << 10)
def text_language(data: Text) -> tuple[Regular, tuple[Bound, ...]]:
    """Return the bodies of the JSON strings of a type."""
    if data.pattern is None and data.format is None:
        return escaped(repeat(ANY, data.low, data.high)), _length(data)
    language = regular(data.pattern) if data.pattern is not None else format_language(data.format or "")
    says = (
        f"matches {data.pattern}"
        if data.pattern is not None
        else f"is {'an' if data.format == 'email' else 'a'} {data.format}"
    )
    within, kept = _within(language, data.low, data.high)
    return escaped(within), (Bound(says), *_length(data, "" if kept else "a pattern has the lengths that it has"))


def _length(data: Text, hinders: str = "") -> tuple[Bound, ...]:
    if not data.low and data.high is None:
        return ()
    if data.low == data.high:
        return (Bound(f"{data.low} characters", hinders),)
    if data.high is None:
        return (Bound(f"at least {data.low} characters", hinders),)
    low = f"{data.low} to " if data.low else "at most "
    return (Bound(f"{low}{data.high} characters", hinders),)


def _within(language: Regular, low: int, high: int | None) -> tuple[Regular, bool]:
    """Return the words of `low` to `high` characters, or all words and False where that cannot be written well."""
    least, most = shortest(language), longest(language)
    if least is None or (low <= least and (high is None or (most is not None and most <= high))):
        return language, True
    if isinstance(language, Repeat) and isinstance(language.body, Chars):
        first = max(low, language.low)
        last = language.high if high is None else high if language.high is None else min(high, language.high)
        return (repeat(language.body, first, last) if last is None or first <= last else NOTHING), True
    try:
        empty = is_empty(bounded(automaton(language), low, high))
    except TooLarge:
        return language, False
    return (NOTHING, True) if empty else (language, False)
