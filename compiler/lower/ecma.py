"""A regular language -> a pattern that ECMAScript, Rust and Python read alike."""

from archc.regular.automaton import Ranges
from archc.regular.language import LAST, NOTHING, Chars, Choice, Regular, Repeat, Series, without

_EVERY = Chars(((0, LAST),))
_OUTSIDE = frozenset("^$\\.*+?()[]{}|/")
_INSIDE = frozenset("\\]^-[")
_SPELLED = frozenset("&~")
"""What Rust reads as an operator in a class, and ECMAScript does not let be escaped by a backslash."""

_ALL_BUT = 0xFFFF
"""A class that reaches beyond this is written by what is not in it."""


def anchored(language: Regular) -> str:
    """Return a pattern that finds the words of `language`, from the first character to the last."""
    return f"^(?:{pattern(language)})$"


def pattern(language: Regular) -> str:
    """Return a pattern for the words of `language`, without anchors; nothing in it looks around or refers back."""
    match language:
        case Chars():
            return _class(language)
        case Series(parts):
            return "".join(_grouped(part) if isinstance(part, Choice) else pattern(part) for part in parts)
        case Choice(arms):
            return "|".join(pattern(arm) for arm in arms)
        case Repeat(body, low, high):
            return (pattern(body) if isinstance(body, Chars) else _grouped(body)) + _count(low, high)


def _grouped(language: Regular) -> str:
    return f"(?:{pattern(language)})"


def _count(low: int, high: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    if short is not None:
        return short
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


def _class(chars: Chars) -> str:
    if chars == NOTHING:
        return "[^\\x00-\U0010ffff]"
    if len(chars.ranges) == 1 and chars.ranges[0][0] == chars.ranges[0][1]:
        char = chr(chars.ranges[0][0])
        return f"\\{char}" if char in _OUTSIDE else _spelled(char)
    if chars.ranges[-1][1] > _ALL_BUT:
        rest = without(without(_EVERY, chars), Chars(((0xD800, 0xDFFF),)))
        return f"[^{_members(rest.ranges)}]" if rest.ranges else "[\\x00-\U0010ffff]"
    return f"[{_members(chars.ranges)}]"


def _members(ranges: Ranges) -> str:
    found: list[str] = []
    for low, high in ranges:
        found.append(_inside(low))
        if high > low:
            found.append(f"-{_inside(high)}" if high > low + 1 else _inside(high))
    return "".join(found)


def _inside(code: int) -> str:
    char = chr(code)
    return f"\\{char}" if char in _INSIDE else _spelled(char)


def _spelled(char: str) -> str:
    """Return a character as itself where that is seen and means nothing else, by its number otherwise."""
    code = ord(char)
    if code > _ALL_BUT or (char.isprintable() and char not in _SPELLED):
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
