"""A complaint with names that only a walk knows -> the same in the words of the program."""

import re
from dataclasses import replace

from archc.grammar.diagnostics import Diagnostic, Note

_FRESH = re.compile(r"(?<=[\w)])'\d+")


def in_words(found: Diagnostic) -> Diagnostic:
    """Return `found` with the names that the walk made up as those of the text that they stand for."""
    texts = (
        found.message,
        found.label,
        found.hint,
        *(text for note in found.notes for text in (note.subject, note.text)),
    )
    if not any(map(_FRESH.search, texts)):
        return found
    message, label, hint, *parts = (_FRESH.sub("", text) for text in texts)
    spans = (note.span for note in found.notes)
    notes = tuple(map(Note, parts[::2], parts[1::2], spans))
    return replace(found, message=message, label=label, hint=hint, notes=notes)
