"""Source text and the places in it."""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text under the name that diagnostics show."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range of characters `start` to `end` of one source."""

    start: int
    end: int
    source: Source | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The text that the span covers; empty without a source."""
        return self.source.text[self.start : self.end] if self.source else ""

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of `other`."""
        return Span(self.start, other.end, self.source)


NOWHERE = Span(0, 0)


@lru_cache(maxsize=256)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(at + 1 for at, char in enumerate(text) if char == "\n"))


def position(span: Span) -> tuple[int, int]:
    """Return the 1-based line and column where `span` starts."""
    starts = _line_starts(span.source.text if span.source else "")
    line = bisect_right(starts, span.start)
    return line, span.start - starts[line - 1] + 1


def line_text(source: Source, line: int) -> str:
    """Return line `line` (1-based) of `source`, without its line end."""
    starts = _line_starts(source.text)
    end = starts[line] - 1 if line < len(starts) else len(source.text)
    return source.text[starts[line - 1] : end].rstrip("\r")
