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
    steps: int = 10**6
    paths: int = 256
    call_depth: int = 100
    regex: int = 2 << 10


DEFAULT = Limits()

# How a message names each bound that text alone can pass.
_WORDS = {
    "file_size": "characters in a file",
    "nesting": "levels of nesting",
    "integer_digits": "digits in a number",
    "string": "characters in a string",
    "regex": "characters in a regular expression",
}


def exceeded(limits: Limits, name: str, *, code: str, message: str, span: Span) -> Diagnostic:
    """Return the diagnostic for text that passes the bound `name`: its value, and how to raise it."""
    value: int = getattr(limits, name)
    return Diagnostic(
        code,
        message,
        span,
        label=f"the limit is {value:,} {_WORDS[name]}",
        hint=f"raise it where archc is called from Python: Limits({name}={2 * value})",
    )
