"""Strings in JSON and the formats of strings, as regular languages."""

from archc.regular import (
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
    for first in sorted({code[0] for code in codes}):
        second = chars(*((code[1], code[1]) for code in codes if code[0] == first))
        arms.append(series(literal(f"u00{first}"), second))
    after = choice(*arms)
    return choice(plain, series(literal("\\"), after)) if plain.ranges else series(literal("\\"), after)


def _spelled(found: Chars) -> list[str]:
    return [chr(code) for low, high in found.ranges for code in range(low, high + 1)]


CHARACTER = escaped(ANY)
"""Any one character inside a JSON string."""


# ---------------------------------------------------------------- formats
_YEAR = "(000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d\\d\\d)"
_FOURTH = "(0[48]|[2468][048]|[13579][26])"
_DAYS = "((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))"
_DATE = f"{_YEAR}-{_DAYS}|(\\d\\d{_FOURTH}|{_FOURTH}00)-02-29"
_CLOCK = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?"
_ZONE = "(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
_URI_CHAR = "([A-Za-z0-9\\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})"
_AUTHORITY = "(([A-Za-z0-9\\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*|\\[[0-9A-Fa-f:.]+\\](:\\d*)?)"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9\\-]*[A-Za-z0-9])?"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?\\^_`{|}~\\-]+"

FORMATS = {
    "date": _DATE,
    "time": f"{_CLOCK}{_ZONE}?",
    "date-time": f"({_DATE})T{_CLOCK}{_ZONE}",
    "uuid": "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "uri": f"[A-Za-z][A-Za-z0-9+.\\-]*:(//{_AUTHORITY}(/{_URI_CHAR}*)?|{_URI_CHAR}*)"
    f"(\\?({_URI_CHAR}|\\?)*)?(#({_URI_CHAR}|\\?)*)?",
    "email": f"{_ATOM}(\\.{_ATOM})*@{_LABEL}(\\.{_LABEL})+",
}
"""What each format admits, as a pattern: days of the calendar (years 0001 to 9999, leap days in leap years only), times
to the microsecond without leap seconds (a date-time says its zone, a time may), addresses of mail in ASCII."""


def format_language(name: str) -> Regular:
    """Return the values of the format `name`, a key of FORMATS."""
    return regular(FORMATS[name])
