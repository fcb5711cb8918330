"""Diagnostics to text for a person, or JSON for a program."""

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Source, Span, line_text, position

JSON_VERSION = 1

_EDGE = 80
_GUTTER = 8
_MOST_NOTES = 16
# A shape stays on one line.
_SHAPE = re.compile(r"\[[^\[\]]{1,40}\]")
_COLOURS = {"error": "1;31", "warning": "1;33", "place": "2", "try": "1;32", "line": "2"}
# What a terminal would obey or hide: control, format, surrogate, private and separator characters.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def render(diagnostics: Iterable[Diagnostic], *, color: bool = False, width: int = 100) -> str:
    """Return the text that a person reads, one paragraph a diagnostic, in at most `width` columns where words allow it."""
    pen = _Pen(color, max(width, 40))
    return "\n\n".join("\n".join(_paragraph(diagnostic, pen)) for diagnostic in diagnostics)


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the diagnostics as one JSON object with `version` and `diagnostics`; the keys stay as they are."""
    return json.dumps({"version": JSON_VERSION, "diagnostics": [_fields(found) for found in diagnostics]}, indent=2)


@dataclass(frozen=True, slots=True)
class _Pen:
    """How to write: with colour or without, and how wide."""

    color: bool
    width: int

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self.color and text else text


def _paragraph(found: Diagnostic, pen: _Pen) -> Iterator[str]:
    yield from _headline(found, pen)
    if found.span.source is not None:
        yield from _snippet(found, found.span.source, pen)
    elif found.label:
        yield from _wrapped(_plain(found.label), _gutter("", pen), pen)
    yield from _notes(found, pen)
    if found.hint:
        yield from _wrapped(_plain(found.hint), pen.paint("   try", "try") + "  ", pen)


def _headline(found: Diagnostic, pen: _Pen) -> Iterator[str]:
    word = "warning: " if found.severity == "warning" else ""
    message, place = word + _plain(found.message), _place(found.span)
    edge = next((e for e in (min(_EDGE, pen.width), pen.width) if 7 + _columns(message) + 2 + len(place) <= e), 0)
    code = pen.paint(found.code, found.severity)
    if edge or not place:
        gap = " " * max(edge - 7 - _columns(message) - len(place), 0) if place else ""
        yield from _wrapped(message + gap, f"{code}  ", pen, tail=pen.paint(place, "place"))
    else:
        yield from _wrapped(message, f"{code}  ", pen)
        yield " " * max(min(_EDGE, pen.width) - len(place), 4) + pen.paint(place, "place")


def _place(span: Span) -> str:
    if span.source is None:
        return ""
    line, column = position(span)
    return f"{_plain(span.source.name)}:{line}:{column}"


# ---------------------------------------------------------------- the line with the carets
def _snippet(found: Diagnostic, source: Source, pen: _Pen) -> Iterator[str]:
    line, column = position(found.span)
    text = line_text(source, line)
    first = column - 1
    end = found.span.end - found.span.start + first
    label = _plain(found.label)
    if end > len(text) + 1:
        last = position(Span(max(found.span.end - 1, found.span.start), found.span.end, source))[0]
        label = label or (f"and on to line {last}" if last > line else "")
    shown, marked = _clipped(text, first, max(min(end, len(text)), first + 1), pen.width - _GUTTER)
    yield (_gutter(str(line), pen) + shown).rstrip()
    before, carets = " " * marked[0], "^" * max(marked[1] - marked[0], 1)
    room = pen.width - _GUTTER - marked[0] - len(carets) - 1
    painted = pen.paint(carets, found.severity)
    if not label or _columns(label) <= room:
        yield (_gutter("", pen) + before + painted + " " + label).rstrip()
    else:
        yield _gutter("", pen) + before + painted
        indent = min(marked[0], max(pen.width - _GUTTER - min(_columns(label), 60), 0))
        yield from _wrapped(label, _gutter("", pen) + " " * indent, pen)


def _clipped(text: str, start: int, end: int, room: int) -> tuple[str, tuple[int, int]]:
    """Return what of a line is shown in `room` columns, and the columns in it of the marked text."""
    cells = [_cell(char) for char in text[: max(end, start) + 4 * room]]
    edges = [0]
    for cell in cells:
        edges.append(edges[-1] + _columns(cell))
    start, end = min(start, len(cells)), min(end, len(cells))
    if edges[-1] <= room:
        return "".join(cells).rstrip(), (edges[start], max(edges[end], edges[start] + 1))
    low = start
    while low > 0 and edges[start] - edges[low - 1] < (room // 3 if edges[end] > room - 2 else room):
        low -= 1
    cut = "\u2026" if low else ""
    high = low
    while high < len(cells) and edges[high + 1] - edges[low] <= room - len(cut) - 1:
        high += 1
    more = "\u2026" if high < len(cells) or len(cells) < len(text) else ""
    left = edges[start] - edges[low] + len(cut)
    right = edges[min(max(end, start + 1), high)] - edges[low] + len(cut) if start < high else left + 1
    return cut + "".join(cells[low:high]) + more, (left, max(right, left + 1))


def _cell(char: str) -> str:
    """Return what stands for one character of the source."""
    if char == "\t":
        return "    "
    return "\ufffd" if unicodedata.category(char) in _UNSEEN else char


def _columns(text: str) -> int:
    """Return how many columns a terminal gives to `text`."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _plain(text: str) -> str:
    """Return `text` on one line, with what a terminal would obey or hide written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _UNSEEN else c for c in text.replace("\n", " "))


# ---------------------------------------------------------------- notes and wrapping
def _notes(found: Diagnostic, pen: _Pen) -> Iterator[str]:
    shown = found.notes if len(found.notes) <= _MOST_NOTES else found.notes[: _MOST_NOTES - 1]
    subjects = [_plain(note.subject) for note in shown]
    wide = max((_columns(subject) for subject in subjects if _columns(subject) <= 32), default=0)
    for note, subject in zip(shown, subjects, strict=True):
        text = " ".join(filter(None, [_plain(note.text), _note_place(note, found.span)]))
        gap = " " * max(wide - _columns(subject), 0) + "    " if subject and text else ""
        yield from _wrapped(text, f"{_gutter('', pen)} {subject}{gap}", pen)
    if len(shown) < len(found.notes):
        yield f"{_gutter('', pen)} and {len(found.notes) - len(shown)} more"


def _note_place(note: Note, about: Span) -> str:
    if note.span.source is None:
        return ""
    line = position(note.span)[0]
    return f"line {line}" if note.span.source == about.source else f"{_plain(note.span.source.name)}:{line}"


def _gutter(number: str, pen: _Pen) -> str:
    return pen.paint(f"{number:>5} |", "line") + " "


def _wrapped(text: str, head: str, pen: _Pen, *, tail: str = "") -> Iterator[str]:
    """Yield `head` and `text` on as many lines as it takes, each next one indented as far as `head` is wide."""
    wide = _columns(re.sub(r"\x1b\[[0-9;]*m", "", head))
    if tail:
        yield head + text + tail
        return
    room = max(pen.width - wide, 24)
    kept = _SHAPE.sub(lambda shape: shape[0].replace(" ", "\xa0"), text)
    wrapped = textwrap.wrap(kept, room, break_long_words=False, break_on_hyphens=False) or [""]
    lines = [line.replace("\xa0", " ") for line in wrapped]
    more = (head[: head.index("|") + 1] + (pen.paint("x", "line").partition("x")[2])) if "|" in head else ""
    bare = _columns(re.sub(r"\x1b\[[0-9;]*m", "", more))
    for number, line in enumerate(lines):
        yield ((head if number == 0 else more + " " * (wide - bare)) + line).rstrip()


# ---------------------------------------------------------------- JSON
def _fields(found: Diagnostic) -> dict[str, object]:
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "label": found.label,
        **_where(found.span),
        "notes": [{"subject": note.subject, "text": note.text, **_where(note.span)} for note in found.notes],
        "hint": found.hint,
    }


def _where(span: Span) -> dict[str, object]:
    if span.source is None:
        return {"file": None, "span": None}
    return {
        "file": span.source.name,
        "span": {"start": _point(span.start, span.source), "end": _point(span.end, span.source)},
    }


def _point(offset: int, source: Source) -> dict[str, int]:
    line, column = position(Span(offset, offset, source))
    return {"line": line, "column": column, "offset": offset}
