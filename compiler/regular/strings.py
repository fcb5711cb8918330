"""Strings in JSON and the formats of strings, as regular languages."""

from functools import lru_cache

from archc.regular.digits import words
from archc.regular.formats import CLOCK, PATTERNS
from archc.regular.language import (
    ANY,
    Chars,
    Choice,
    Regular,
    Repeat,
    Series,
    chars,
    choice,
    literal,
    regular,
    repeat,
    series,
    without,
)

ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""The characters with an escape of their own; other controls are written \\u00xx, all else stands for itself."""

CONTROL = chars((0, 0x1F))
SPECIAL = chars((0, 0x1F), ('"', '"'), ("\\", "\\"))


def escape(text: str) -> str:
    """Return the body of the JSON string with the value `text`, in the one way in which archc writes it."""
    return "".join(ESCAPES.get(char) or (char if char >= " " else f"\\u{ord(char):04x}") for char in text)


@lru_cache(maxsize=1 << 10)
def escaped(language: Regular) -> Regular:
    """Return the bodies of JSON strings whose values are the words of `language`; each value has one."""
    match language:
        case Chars():
            return _escaped_char(language)
        case Series(parts):
            return series(*(escaped(part) for part in parts))
        case Choice(arms):
            return choice(*(escaped(arm) for arm in arms))
        case Repeat(body, low, high):
            return repeat(escaped(body), low, high)


def _escaped_char(found: Chars) -> Regular:
    plain = without(found, SPECIAL)
    if plain == found:
        return found
    special = without(found, plain)
    short = [char for char in ESCAPES if without(chars((char, char)), special) == Chars(())]
    codes = [f"{ord(char):02x}" for char in _spelled(without(special, chars(*((c, c) for c in ESCAPES))))]
    arms: list[Regular] = []
    if short:
        arms.append(chars(*((ESCAPES[char][1], ESCAPES[char][1]) for char in short)))
    if codes:
        arms.append(series(literal("u00"), words(codes)))
    after = choice(*arms)
    return choice(plain, series(literal("\\"), after)) if plain.ranges else series(literal("\\"), after)


def _spelled(found: Chars) -> list[str]:
    return [chr(code) for low, high in found.ranges for code in range(low, high + 1)]


CHARACTER = escaped(ANY)
"""Any one character inside a JSON string."""


# ---------------------------------------------------------------- formats
_YEAR = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_FOURTH = "(0[48]|[2468][048]|[13579][26])"
_DAY = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
CALENDAR = f"({_YEAR}-{_DAY}|([0-9]{{2}}{_FOURTH}|{_FOURTH}00)-02-29)"
"""The days that there are, from 0001-01-01 to 9999-12-31."""


def format_language(name: str) -> Regular:
    """Return the values of the format `name`, days of the calendar only."""
    match name:
        case "date":
            return regular(CALENDAR)
        case "date-time":
            return regular(f"{CALENDAR}T{CLOCK}")
        case _:
            return regular(PATTERNS[name])
