"""A regular language and chance -> a word of it that looks like what people write."""

from functools import lru_cache
from random import Random

from archc.regular.automaton import member
from archc.regular.language import Chars, Choice, Regular, Repeat, Series, chars
from archc.regular.strings import CHARACTER, escape, format_language

SYLLABLES = (
    *(
        "ba",
        "be",
        "bo",
        "ca",
        "co",
        "da",
        "de",
        "di",
        "el",
        "en",
        "er",
        "fa",
        "fi",
        "ga",
        "go",
        "ha",
        "in",
        "ja",
        "ka",
        "la",
    ),
    *(
        "le",
        "li",
        "lo",
        "ma",
        "me",
        "mi",
        "mo",
        "na",
        "ne",
        "no",
        "on",
        "or",
        "pa",
        "pe",
        "po",
        "ra",
        "re",
        "ri",
        "ro",
        "sa",
    ),
    *("se", "si", "so", "ta", "te", "ti", "to", "un", "ur", "va", "ve", "vi", "wa", "wi", "za"),
)
ODD = (
    '"',
    "\\",
    "\n",
    "\t",
    "/",
    "\u00e9",
    "\u00df",
    "\u00f1",
    "\u03bb",
    "\u6f22",
    "\U0001f642",
    "&",
    "<",
    "'",
    "%",
    "{",
    "\x01",
)
PLAIN = chars(("0", "9"), ("A", "Z"), ("a", "z"))
PRINTABLE = chars((" ", "~"))

DATE = format_language("date")
DATE_TIME = format_language("date-time")
URI = format_language("uri")
EMAIL = format_language("email")


def word(language: Regular, rng: Random) -> str:
    """Return a word of `language`, which has one; mostly short, of letters and digits where there is a choice."""
    if rng.random() < 0.9:
        if language == DATE:
            return _date(rng)
        if language == DATE_TIME:
            return f"{_date(rng)}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z"
        if language == URI:
            return f"https://{name(rng)}.example/{name(rng)}"
        if language == EMAIL:
            return f"{name(rng)}@{name(rng)}.example"
    return _word(language, rng)


def _date(rng: Random) -> str:
    return f"20{rng.randint(10, 39)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def name(rng: Random) -> str:
    """Return something to be said aloud, in small letters."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 3)))


def _word(node: Regular, rng: Random) -> str:
    match node:
        case Chars():
            return _character(node, rng)
        case Series(parts):
            return "".join(_word(part, rng) for part in parts)
        case Choice(arms):
            return _word(rng.choices(arms, [1 if _is_one_word(arm) else 12 for arm in arms])[0], rng)
        case Repeat(body, low, high):
            if body == CHARACTER:
                return escape(prose(rng, low, high))
            return "".join(_word(body, rng) for _ in range(_times(rng, low, high)))


def _is_one_word(node: Regular) -> bool:
    if isinstance(node, Chars):
        return len(node.ranges) == 1 and node.ranges[0][0] == node.ranges[0][1]
    return isinstance(node, Series) and all(_is_one_word(part) for part in node.parts)


def _times(rng: Random, low: int, high: int | None) -> int:
    if high is not None and high - low <= 8:
        return rng.randint(low, high)
    number = low
    while rng.random() < 0.7 and (high is None or number < high):
        number += 1
    return number


def _character(found: Chars, rng: Random) -> str:
    chance = rng.random()
    kept = _common(found, PLAIN if chance < 0.85 else PRINTABLE) if chance < 0.98 else found
    ranges = kept.ranges or found.ranges
    return member(ranges, rng.randrange(sum(high - low + 1 for low, high in ranges)))


@lru_cache(maxsize=1 << 8)
def _common(one: Chars, other: Chars) -> Chars:
    found = ((max(a, c), min(b, d)) for a, b in one.ranges for c, d in other.ranges)
    return chars(*(span for span in found if span[0] <= span[1]))


def prose(rng: Random, low: int, high: int | None) -> str:
    """Return some words, of `low` to `high` characters in all."""
    words = [name(rng) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    text = " ".join(words)
    text = text.capitalize() if rng.random() < 0.5 else text
    if rng.random() < 0.15:
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(ODD) + text[at:]
    if low == 0 and rng.random() < 0.05:
        return ""
    while len(text) < low:
        text += f" {name(rng)}"
    limit = len(text) if high is None else max(high, low)
    return text[:limit] if low <= limit else text
