"""Bounds on what one compilation may take; each is raised by hand through a `Limits` object."""

from dataclasses import dataclass

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound that archc holds its input to. Sizes in characters unless the name says otherwise."""

    file_size: int = 1 << 20
    total_size: int = 16 << 20
    files: int = 256
    import_depth: int = 32
    nesting: int = 100
    integer_digits: int = 18
    size: int = (1 << 31) - 1
    parameters: int = 10**13
    string: int = 64 << 10
    repeats: int = 10**5
    nodes: int = 10**6
    weights: int = 10**5
    steps: int = 10**6
    paths: int = 256
    call_depth: int = 100
    regex: int = 2 << 10
    definitions: int = 2_000
    rules: int = 20_000
    alternatives: int = 5_000
    edges: int = 4_000_000


DEFAULT = Limits()

# The code of each bound, and how a message names what it counts.
_WORDS = {
    "file_size": ("A0801", "characters in a file"),
    "nesting": ("A0802", "levels of nesting"),
    "string": ("A0803", "characters in a string"),
    "integer_digits": ("A0804", "digits in a number"),
    "regex": ("A0805", "characters in a regular expression"),
    "total_size": ("A0806", "characters in all files together"),
    "files": ("A0806", "files"),
    "import_depth": ("A0806", "imports inside each other"),
    "steps": ("A0807", "steps"),
    "paths": ("A0808", "cases in a declaration"),
    "call_depth": ("A0809", "declarations inside each other"),
    "repeats": ("A0810", "copies"),
    "size": ("A0811", "for a size"),
    "parameters": ("A0812", "parameters"),
    "nodes": ("A0813", "operations in a network"),
    "weights": ("A0813", "weights in a network"),
    "edges": ("A0815", "edges in the grammar of a space"),
    "rules": ("A0541", "rules in a grammar"),
    "alternatives": ("A0542", "alternatives of a rule"),
}


def exceeded(limits: Limits, name: str, *, message: str, span: Span, code: str = "") -> Diagnostic:
    """Return the diagnostic for what passes the bound `name`: its value, and how to raise it."""
    value: int = getattr(limits, name)
    known, words = _WORDS[name]
    return Diagnostic(
        code or known,
        message,
        span,
        label=f"the limit is {value:,} {words}",
        hint=f"raise it where archc is called from Python: Limits({name}={2 * value})",
    )
