"""Decisions that were made elsewhere -> a chooser that makes them again."""

from collections.abc import Callable
from dataclasses import dataclass

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import NOWHERE, Span
from archc.rules.session import Refusal
from archc.values import Architecture, Interval

Script = tuple[int | float | str, ...]
"""The decisions of a derivation in the order in which the program comes by them: options by number, real numbers, and
what a name decides once between "(" and ")". It says all of a derivation, whatever forest that was drawn from."""


@dataclass(slots=True)
class Scripted:
    """Makes the choices of a script in order."""

    script: Script
    at: int = 0
    trusted: bool = True

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return the next decision, one of as many options as there are shares. Raises Refusal on another script."""
        found = self._next(span)
        if not isinstance(found, int) or not 0 <= found < len(shares):
            raise _other(span)
        return found

    def real(self, interval: Interval, span: Span) -> float:
        """Return the next decision, a number. Raises Refusal on another script."""
        found = self._next(span)
        if not isinstance(found, float):
            raise _other(span)
        return found

    def take(self, architecture: Architecture) -> object:
        """Return the decisions between the parentheses that come next. Raises Refusal on another script."""
        span = architecture.span
        if self._next(span) != "(":
            raise _other(span)
        start, open_ones = self.at, 1
        while open_ones:
            entry = self._next(span)
            open_ones += (entry == "(") - (entry == ")")
        return self.script[start : self.at - 1]

    def again(self, decided: object) -> "Scripted":
        """Return what makes the decisions that `take` returned."""
        assert isinstance(decided, tuple)
        return Scripted(decided)

    def finish(self) -> None:
        """Raise Refusal where decisions are left."""
        if self.at != len(self.script):
            raise _other(NOWHERE)

    def _next(self, span: Span) -> int | float | str:
        if self.at >= len(self.script):
            raise _other(span)
        self.at += 1
        return self.script[self.at - 1]


def _other(span: Span) -> Refusal:
    text = "these decisions are of another space, or of another edition of this one"
    return Refusal(Diagnostic("A0709", text, span, hint="draw it again: archc sample"))


def key_of(script: Script) -> str:
    """Return a script as text: `2 0 ( 1 3 ) 0.25`."""
    return " ".join(repr(entry) if isinstance(entry, float) else str(entry) for entry in script)


def script_of(key: str) -> Script:
    """Return the script that a key spells. Raises ValueError where it spells none."""
    found: list[int | float | str] = []
    for word in key.split():
        if word in ("(", ")"):
            found.append(word)
        elif word.isdecimal():
            found.append(int(word))
        else:
            found.append(float(word))
    return tuple(found)
