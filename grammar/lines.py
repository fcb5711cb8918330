"""Lines of output while they are laid out, and the small moves that put them together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archc.grammar.source import Span

WIDTH = 100
FILLED = 40
WIDEST_KEY = 24


class Line(NamedTuple):
    """One line of output: its code, and the comment after it."""

    code: str
    remark: str = ""


Lines = list[Line]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node is to be written: its first column, the indentation of its closing bracket, and what must follow.

    `tail` is the number of columns that the text after the node takes on its last line.
    """

    column: int
    indent: int
    tail: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One item between brackets: its text, its text on one line, and how to write it on several."""

    span: Span
    text: str
    write: Callable[[Spot], Lines]


def glue(head: str, lines: Lines) -> Lines:
    """Put `head` before the first of `lines`, and return them."""
    lines[0] = Line(head + lines[0].code, lines[0].remark)
    return lines


def close(lines: Lines, tail: str) -> Lines:
    """Put `tail` after the code of the last of `lines`, and return them."""
    lines[-1] = Line(lines[-1].code + tail, lines[-1].remark)
    return lines


def own_lines(taken: Iterable[tuple[bool, str]], indent: int, *, keep_gaps: bool = True) -> Lines:
    """Return comments on lines of their own."""
    lines: Lines = []
    for gap, text in taken:
        if gap and keep_gaps:
            lines.append(Line(""))
        lines.append(Line(" " * indent + text))
    return lines


def right(spot: Spot, columns: int) -> Spot:
    """Return the spot some columns further."""
    return Spot(spot.column + columns, spot.indent, spot.tail)


def remarked(lines: Lines, remark: str) -> Lines:
    """Put a comment after the last of `lines`, and return them."""
    if remark:
        lines[-1] = Line(lines[-1].code, "  ".join(filter(None, [lines[-1].remark, remark])))
    return lines


def documented(before: Sequence[str], lines: Lines, spot: Spot) -> Lines:
    """Return `lines` below lines of doc comments and annotations; the first lacks its indentation."""
    if not before:
        return lines
    above = [Line(before[0]), *(Line(" " * spot.column + text) for text in before[1:])]
    return above + glue(" " * spot.column, lines)


def filled(texts: Sequence[str], room: int) -> list[str]:
    """Return `texts` with commas between, as many on a line as `room` holds."""
    lines = [""]
    for number, text in enumerate(texts):
        piece = text + ("," if number < len(texts) - 1 else "")
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > room:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + piece
    return lines


def filled_arms(texts: Sequence[str], spot: Spot) -> Lines:
    """Return arms with as many on a line as fit; each line starts with its bar."""
    lines = ["| " + texts[0]]
    for text in texts[1:]:
        if spot.column + len(lines[-1]) + 3 + len(text) + spot.tail > WIDTH:
            lines.append(f"| {text}")
        else:
            lines[-1] += f" | {text}"
    return [Line(lines[0]), *(Line(" " * spot.column + line) for line in lines[1:])]
