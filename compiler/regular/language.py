"""Regular languages as data: patterns read, matched, counted and bounded, never by an engine that backtracks."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from archc.regular.automaton import STATES, Automaton, Net, Ranges, TooLarge, deterministic, smallest
from archc.regular.automaton import matches as accepts
from archc.regular.regex import mistake

LAST = 0x10FFFF
ALL: Ranges = ((0, 0xD7FF), (0xE000, LAST))
"""Every character that text may hold: all code points but surrogates."""


# ---------------------------------------------------------------- expressions
@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of closed intervals of code points, which are ascending and apart. None at all: no word."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Series:
    """One part after the other; without parts, the empty word."""

    parts: tuple["Regular", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of the arms, of which there are two at least."""

    arms: tuple["Regular", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times the body; without end where `high` is None."""

    body: "Regular"
    low: int
    high: int | None


Regular = Chars | Series | Choice | Repeat

EMPTY = Series(())
NOTHING = Chars(())


def chars(*ranges: tuple[int | str, int | str]) -> Chars:
    """Return the characters of closed intervals, in any order."""
    found: list[tuple[int, int]] = []
    for low, high in sorted((_point(low), _point(high)) for low, high in ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return Chars(tuple(found))


def _point(char: int | str) -> int:
    return ord(char) if isinstance(char, str) else char


def without(found: Chars, taken: Chars) -> Chars:
    """Return the characters of `found` that are not `taken`."""
    kept: list[tuple[int, int]] = []
    for low, high in found.ranges:
        for first, last in taken.ranges:
            if last < low or first > high:
                continue
            if low < first:
                kept.append((low, first - 1))
            low = last + 1
        if low <= high:
            kept.append((low, high))
    return Chars(tuple(kept))


def literal(text: str) -> Regular:
    """Return the language of `text` alone."""
    return series(*(chars((char, char)) for char in text))


def series(*parts: Regular) -> Regular:
    """Return the parts one after the other, flat."""
    flat: list[Regular] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Series) else (part,))
    if NOTHING in flat:
        return NOTHING
    return flat[0] if len(flat) == 1 else Series(tuple(flat))


def choice(*arms: Regular) -> Regular:
    """Return any of the arms, flat, single characters together, each arm once."""
    flat: dict[Regular, None] = {}
    single: list[tuple[int, int]] = []
    for arm in arms:
        for inner in arm.arms if isinstance(arm, Choice) else (arm,):
            if isinstance(inner, Chars):
                single.extend(inner.ranges)
            else:
                flat[inner] = None
    found = [*([chars(*single)] if single else []), *flat]
    return NOTHING if not found else found[0] if len(found) == 1 else Choice(tuple(found))


def repeat(body: Regular, low: int, high: int | None) -> Regular:
    """Return `body` from `low` to `high` times."""
    if body in (EMPTY, NOTHING) or high == 0:
        return EMPTY if body == EMPTY or low == 0 else NOTHING
    if (low, high) == (1, 1):
        return body
    if isinstance(body, Repeat) and body.low in (0, 1) and (body.high is None or (body.low, body.high) == (0, 1)):
        return Repeat(body.body, low * body.low, None if body.high is None else high)
    return Repeat(body, low, high)


# ---------------------------------------------------------------- patterns
DIGIT = chars(("0", "9"))
WORD = chars(("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_"))
SPACE = chars(("\t", "\r"), (" ", " "))
ANY = Chars(ALL)
SHORT = {"d": DIGIT, "w": WORD, "s": SPACE}
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
LENGTH = 2 << 10
NESTING = 100


class PatternError(ValueError):
    """A pattern that .arch does not have: what is wrong from `start` to `end`, and perhaps a fix."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.hint = message, start, end, hint


@lru_cache(maxsize=1 << 10)
def regular(pattern: str) -> Regular:
    """Return the language of `pattern`: the strings that match it from end to end.

    Classes `\\d \\w \\s` are those of ASCII; `.` is any character but a line feed. Raises PatternError.
    """
    if len(pattern) > LENGTH:
        raise PatternError(
            f"a pattern has at most {LENGTH:,} characters; this one has {len(pattern):,}", LENGTH, len(pattern)
        )
    found = mistake(pattern, STATES)
    if found is not None:
        raise PatternError(found.message, found.start, found.end, found.hint)
    read = _Reader(pattern).alternatives(0)
    try:
        automaton(read)
    except TooLarge:
        text = f"this pattern needs more than the {STATES:,} states that an automaton may have"
        raise PatternError(text, 0, len(pattern), "smaller counts, or fewer of them") from None
    return read


@dataclass(slots=True)
class _Reader:
    """Reads a pattern without mistakes."""

    text: str
    at: int = 0

    def ahead(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self, depth: int) -> Regular:
        if depth > NESTING:
            raise PatternError(f"groups nest at most {NESTING} deep", self.at - 1, self.at)
        arms: list[Regular] = [self.sequence(depth)]
        while self.ahead() == "|":
            self.at += 1
            arms.append(self.sequence(depth))
        return choice(*arms)

    def sequence(self, depth: int) -> Regular:
        parts: list[Regular] = []
        while self.ahead() not in ("", "|", ")"):
            parts.append(self.counted(self.item(depth)))
        return series(*parts)

    def item(self, depth: int) -> Regular:
        char = self.ahead()
        self.at += 1
        match char:
            case "(":
                self.at += 2 if self.text.startswith("?:", self.at) else 0
                inner = self.alternatives(depth + 1)
                self.at += 1
                return inner
            case "[":
                return self.klass()
            case "\\":
                return self.escape()
            case ".":
                return without(ANY, chars(("\n", "\n")))
            case _:
                return chars((char, char))

    def escape(self) -> Chars:
        char = self.ahead()
        self.at += 1
        if char.lower() in SHORT:
            found = SHORT[char.lower()]
            return found if char.islower() else without(ANY, found)
        if char in ("x", "u"):
            width = 2 if char == "x" else 4
            char = chr(int(self.text[self.at : self.at + width], 16))
            self.at += width
            if 0xD800 <= ord(char) <= 0xDFFF:
                raise PatternError("half of a surrogate pair is no character", self.at - 6, self.at)
            return chars((char, char))
        char = CONTROLS.get(char, char)
        return chars((char, char))

    def klass(self) -> Chars:
        negated = self.ahead() == "^"
        self.at += negated
        ranges: list[tuple[int | str, int | str]] = []
        while self.ahead() != "]":
            low = self.class_item()
            if self.ahead() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                ranges.append((low.ranges[0][0], self.class_item().ranges[0][0]))
            else:
                ranges.extend(low.ranges)
        self.at += 1
        found = without(chars(*ranges), Chars(((0xD800, 0xDFFF),)))
        return without(ANY, found) if negated else found

    def class_item(self) -> Chars:
        char = self.ahead()
        self.at += 1
        return self.escape() if char == "\\" else chars((char, char))

    def counted(self, body: Regular) -> Regular:
        char = self.ahead()
        if char in ("*", "+", "?") and char:
            self.at += 1
            return repeat(body, int(char == "+"), 1 if char == "?" else None)
        if char != "{":
            return body
        end = self.text.index("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",")
        self.at = end + 1
        return repeat(body, int(low), int(high) if high else None if comma else int(low))


# ---------------------------------------------------------------- questions
@lru_cache(maxsize=1 << 10)
def automaton(language: Regular, most: int = STATES) -> Automaton:
    """Return the smallest automaton of `language`. Raises TooLarge when it takes more than `most` states on the way."""
    net = Net(4 * most)
    start, final = net.state(), net.state()
    _draw(net, language, start, final)
    return smallest(deterministic(net, start, final, most=most))


def _draw(net: Net, node: Regular, start: int, final: int) -> None:
    match node:
        case Chars(ranges):
            net.moves[start].append((ranges, final))
        case Series(parts):
            for number, part in enumerate(parts):
                after = final if number == len(parts) - 1 else net.state()
                _draw(net, part, start, after)
                start = after
            if not parts:
                net.empty[start].append(final)
        case Choice(arms):
            for arm in arms:
                first = net.state()
                net.empty[start].append(first)
                _draw(net, arm, first, final)
        case Repeat(body, low, high):
            _draw_repeat(net, body, low, high, (start, final))


def _draw_repeat(net: Net, body: Regular, low: int, high: int | None, between: tuple[int, int]) -> None:
    state, final = net.state(), between[1]
    net.empty[between[0]].append(state)
    for number in range(low if high is None else high):
        if number >= low:
            net.empty[state].append(final)
        after = net.state()
        _draw(net, body, state, after)
        state = after
    net.empty[state].append(final)
    if high is None:
        loop, back = net.state(), net.state()
        net.empty[state].append(loop)
        _draw(net, body, loop, back)
        net.empty[back].extend((loop, final))


def matches(language: Regular, text: str) -> bool:
    """Whether `text` is a word of `language`; in time linear in its length. Raises TooLarge."""
    return accepts(automaton(language), text)


def shortest(node: Regular) -> int | None:
    """Return the length of the shortest word; None when there is no word."""
    match node:
        case Chars(ranges):
            return 1 if ranges else None
        case Series(parts):
            lengths = [shortest(part) for part in parts]
            return None if None in lengths else sum(length or 0 for length in lengths)
        case Choice(arms):
            return min((length for arm in arms if (length := shortest(arm)) is not None), default=None)
        case Repeat(body, low, _):
            length = shortest(body) if low else 0
            return None if length is None else length * low


def longest(node: Regular) -> int | None:
    """Return the length of the longest word; None when there is none longest."""
    match node:
        case Chars():
            return 1
        case Series(parts):
            return _unless_endless((longest(part) for part in parts), 0)
        case Choice(arms):
            lengths = [longest(arm) for arm in arms]
            return None if None in lengths else max(length or 0 for length in lengths)
        case Repeat(body, _, high):
            length = longest(body)
            return 0 if length == 0 else None if length is None or high is None else length * high


def _unless_endless(lengths: Iterable[int | None], total: int) -> int | None:
    for length in lengths:
        if length is None:
            return None
        total += length
    return total
