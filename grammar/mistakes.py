"""What a syntax error was probably meant to be."""

from collections.abc import Iterator

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.lex import Lexed
from archc.grammar.source import Source, Span
from archc.grammar.syntax import File
from archc.grammar.tables import Tables


def explain(tables: Tables, states: list[int], lexed: Lexed, at: int, source: Source) -> Diagnostic:
    """Return the complaint about token `at`, which may not stand after what `states` says was read."""
    token = lexed.tokens[at]
    expected = sorted(tables.expected(states))
    return Diagnostic(
        "A0001", f"expected {', '.join(expected)}, found `{token.text}`", Span(token.start, token.end, source)
    )


def odd_names(file: File) -> Iterator[Diagnostic]:
    """Yield a complaint for every name whose first letter has the wrong case for what it names."""
    yield from ()
