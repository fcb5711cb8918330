"""What archc has to say about a program, as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from archc.grammar.source import NOWHERE, Span, position


@dataclass(frozen=True, slots=True)
class Note:
    """Where a size or a rule came from: `d = 192`, `from conv(d, patch, ...)`, and the place."""

    subject: str
    text: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint: a code, the smallest text that would have to change, one sentence, perhaps a fix.

    `label` says under the carets what was expected and what was found; `notes` say where each size came from;
    `hint` is the one fix and stays empty where none is known.
    """

    code: str
    message: str
    span: Span = NOWHERE
    label: str = ""
    notes: tuple[Note, ...] = ()
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


class CompileError(Exception):
    """A program is wrong. `diagnostics` holds all that is known, in the order of the text.

    Where nothing catches it, Python prints the places and the fixes below the sentences.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{d.code} {d.message}" for d in self.diagnostics))
        for found in self.diagnostics:
            self.add_note(_aside(found))


def _aside(found: Diagnostic) -> str:
    """Return where a complaint is about, and the fix, on a line."""
    source = found.span.source
    line, column = position(found.span)
    place = f"{source.name}:{line}:{column}" if source else ""
    return "  ".join(filter(None, [found.code, place, found.label, f"try  {found.hint}" if found.hint else ""]))
