"""The text of a regular expression -> the first thing in it that .arch does not have.

The subset: characters, `.`, classes, `\\d \\w \\s` and their opposites, groups, `|`, and `* + ? {n} {n,} {n,m}`.
A match is always of the whole string. The text is read once from left to right and never handed to an engine.
"""

from dataclasses import dataclass, field

HEX = frozenset("0123456789abcdefABCDEF")
CLASSES = frozenset("dDwWsS")
CONTROLS = frozenset("nrtfv")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong between two offsets of the text."""

    start: int
    end: int
    message: str
    hint: str = ""


@dataclass(slots=True)
class _Group:
    """An open group: where it begins, and how often the most repeated part in it so far may come."""

    start: int
    most: int = 1


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    groups: list[_Group] = field(default_factory=lambda: [_Group(0)])
    last: int | None = None
    """How often what a quantifier would repeat may come by itself; None where nothing stands to repeat."""


class _Found(Exception):
    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


def mistake(text: str, most: int) -> Mistake | None:
    """Return the first mistake in the pattern `text`, whose nested repeats multiply to `most` at the utmost, or None."""
    reader = _Reader(text)
    try:
        while reader.at < len(text):
            _step(reader, most)
        if len(reader.groups) > 1:
            start = reader.groups[-1].start
            raise _Found(
                Mistake(start, start + 1, "this `(` is never closed", "`)` at the end, or \\( for the character")
            )
    except _Found as found:
        return found.mistake
    return None


def _step(reader: _Reader, most: int) -> None:
    start, char = reader.at, reader.text[reader.at]
    reader.at += 1
    match char:
        case "(":
            _open(reader, start)
        case ")":
            if len(reader.groups) == 1:
                raise _Found(Mistake(start, start + 1, "this `)` closes nothing", "\\) for the character"))
            closed = reader.groups.pop()
            _item(reader, closed.most)
        case "|":
            reader.last = None
        case "*" | "+" | "?" | "{":
            _quantifier(reader, start, char, most)
        case "[":
            _class(reader, start)
            _item(reader, 1)
        case "\\":
            _escape(reader, start, in_class=False)
            _item(reader, 1)
        case "^" | "$":
            raise _Found(
                Mistake(start, start + 1, f"a pattern matches the whole string without `{char}`", f"leave out `{char}`")
            )
        case "}" | "]":
            raise _Found(Mistake(start, start + 1, f"this `{char}` closes nothing", f"\\{char} for the character"))
        case _:
            _item(reader, 1)


def _item(reader: _Reader, most: int) -> None:
    reader.last = most
    reader.groups[-1].most = max(reader.groups[-1].most, most)


def _open(reader: _Reader, start: int) -> None:
    reader.last = None
    reader.groups.append(_Group(start))
    if not reader.text.startswith("?", reader.at):
        return
    rest = reader.text[reader.at : reader.at + 3]
    if rest.startswith("?:"):
        reader.at += 2
        return
    what = "a look to the side" if rest.startswith(("?=", "?!", "?<=", "?<!")) else "a named group or a flag"
    raise _Found(
        Mistake(
            start, start + 1 + len(rest), f"a pattern has no `({rest}`: {what} is no part of it", "( ... ) or (?: ... )"
        )
    )


def _quantifier(reader: _Reader, start: int, char: str, most: int) -> None:
    low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char) or _counts(reader, start)
    if reader.last is None:
        text = f"`{reader.text[start : reader.at]}` repeats nothing"
        raise _Found(Mistake(start, reader.at, text, f"\\{char} for the character"))
    times = reader.last * max(1, low, high or 0)
    if times > most:
        text = f"the repeats here multiply to {times:,}, over the limit `repeats` of {most:,}"
        raise _Found(Mistake(start, reader.at, text))
    _item(reader, times)
    after = reader.text[reader.at : reader.at + 1]
    if after and after in "?+*{":
        text = f"a repeat is not repeated: `{reader.text[start : reader.at + 1]}`"
        raise _Found(Mistake(reader.at, reader.at + 1, text, "leave it out, or put the repeated part into ( )"))


def _counts(reader: _Reader, start: int) -> tuple[int, int | None]:
    end = reader.text.find("}", reader.at)
    low, comma, high = reader.text[reader.at : max(end, reader.at)].partition(",")
    plain = all(part.isascii() and part.isdigit() and len(part) <= 6 for part in (low, *([high] if high else [])))
    if end < 0 or not plain:
        raise _Found(Mistake(start, max(end + 1, start + 1), "a count is {2}, {2,} or {2,5}", "\\{ for the character"))
    reader.at = end + 1
    if high and int(high) < int(low):
        raise _Found(Mistake(start, end + 1, f"this goes from {low} down to {high}", f"{{{high},{low}}}"))
    return int(low), int(high) if high else None if comma else int(low)


def _escape(reader: _Reader, start: int, *, in_class: bool) -> str:
    """Read what follows a backslash; return the character it stands for, or an empty string for a class."""
    char = reader.text[reader.at : reader.at + 1]
    reader.at += 1
    if char in CLASSES and char:
        return ""
    if char in CONTROLS and char:
        return {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}[char]
    if char and char in "xu":
        width = 2 if char == "x" else 4
        digits = reader.text[reader.at : reader.at + width]
        if len(digits) == width and HEX.issuperset(digits):
            reader.at += width
            return chr(int(digits, 16))
        raise _Found(
            Mistake(start, reader.at, f"`\\{char}` needs {width} hexadecimal digits", f"\\{char}{'0' * (width - 2)}41")
        )
    if char.isdigit():
        text = f"a pattern has no back reference: `\\{char}`"
        raise _Found(Mistake(start, reader.at, text, "write the part again"))
    if not char or char.isalnum() or not char.isascii():
        text = f"a pattern has no `\\{char}`"
        hint = "leave it out: a pattern matches the whole string" if char in "bBAzZ" and char and not in_class else char
        raise _Found(Mistake(start, min(reader.at, len(reader.text)), text, hint))
    return char


def _class(reader: _Reader, start: int) -> None:
    if reader.text.startswith("^", reader.at):
        reader.at += 1
    before: str | None = None
    first = reader.at
    while reader.at < len(reader.text):
        at, char = reader.at, reader.text[reader.at]
        reader.at += 1
        if char == "]":
            if at == first:
                raise _Found(Mistake(start, at + 1, "this class holds no character", "\\[\\] for the two characters"))
            return
        if char == "[" and reader.text.startswith(":", reader.at):
            raise _Found(Mistake(at, at + 2, "a pattern has no `[:` classes", "a-zA-Z"))
        low = _escape(reader, at, in_class=True) if char == "\\" else char
        if not reader.text.startswith("-", reader.at) or reader.text.startswith("-]", reader.at):
            continue
        reader.at += 1
        before = reader.text[reader.at : reader.at + 1]
        reader.at += 1
        high = _escape(reader, reader.at - 1, in_class=True) if before == "\\" else before
        if not low or not high:
            raise _Found(Mistake(at, reader.at, "a range goes from one character to another", "\\- for the character"))
        if low > high:
            raise _Found(Mistake(at, reader.at, f"this goes from {low} down to {high}", f"{high}-{low}"))
    raise _Found(Mistake(start, start + 1, "this `[` is never closed", "`]`, or \\[ for the character"))
