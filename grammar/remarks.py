"""The comments of a text while it is laid out anew: where each belongs, and which are still to be written."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from archc.grammar.lex import Token
from archc.grammar.source import Span

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


@dataclass(slots=True)
class Remarks:
    """The comments of `text` in order; a comment is written once, by whoever asks for it first."""

    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    comments: list[Token] = field(default_factory=list)
    at: int = 0
    written: set[int] = field(default_factory=set)
    last: int = 0
    starts: list[int] = field(init=False)
    token_starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [comment.start for comment in self.comments]
        self.token_starts = [token.start for token in self.tokens]

    def within(self, span: Span) -> bool:
        """Return whether a comment stands inside `span`."""
        place = bisect_left(self.starts, span.start)
        return place < len(self.starts) and self.starts[place] < span.end

    def take(self, limit: int) -> list[tuple[bool, str]]:
        """Return every comment before `limit` that is not written yet, each with whether a blank line precedes it."""
        taken: list[tuple[bool, str]] = []
        while self.at < len(self.comments) and self.comments[self.at].start < limit:
            comment = self.comments[self.at]
            if self.at not in self.written:
                taken.append((self.gap(comment.start), comment.text.rstrip()))
                self.last = comment.end
            self.at += 1
        return taken

    def trailing(self, end: int, limit: int) -> str:
        """Return the comment that follows offset `end` on its line and before `limit`, or nothing."""
        place = bisect_left(self.starts, end)
        if place >= len(self.starts) or place in self.written or place < self.at:
            return ""
        comment = self.comments[place]
        if comment.start >= limit or "\n" in self.text[end : comment.start]:
            return ""
        self.written.add(place)
        self.last = comment.end
        return comment.text.rstrip()

    def gap(self, start: int) -> bool:
        """Return whether a blank line stands between what was written last and offset `start`."""
        return _BLANK_LINE.search(self.text, self.last, start) is not None

    def first(self, start: int) -> int:
        """Return where the doc comments before offset `start` begin, or else `start`."""
        place = bisect_left(self.token_starts, start)
        while place > 0 and place <= len(self.tokens) and self.tokens[place - 1].kind == "DOC":
            place -= 1
        return self.tokens[place].start if place < len(self.tokens) else start

    def next(self, kind: str, start: int) -> int:
        """Return where the first token of a kind from offset `start` on begins, or else `start`."""
        for place in range(bisect_left(self.token_starts, start), len(self.tokens)):
            if self.tokens[place].kind == kind:
                return self.tokens[place].start
        return start
