"""A token that may not stand where it does, for those who guess what was meant."""

from dataclasses import dataclass

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.lex import Token
from archc.grammar.source import Source, Span
from archc.grammar.tables import END

CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
STARTERS = frozenset({"IMPORT", "CONST", "FN", "OP", "BLOCK", "SPACE", "MODEL", "TYPE"})


@dataclass(frozen=True, slots=True)
class Unexpected:
    """The token that may not stand where it does, what might have stood there, and the brackets open around it."""

    tokens: list[Token]
    at: int
    expected: frozenset[str]
    openers: tuple[Token, ...]
    source: Source
    words: dict[str, str]

    @property
    def found(self) -> Token:
        return self.tokens[self.at]

    @property
    def before(self) -> Token:
        """The token before; at the start of the text, the token itself."""
        return self.tokens[max(self.at - 1, 0)]

    @property
    def is_adjacent(self) -> bool:
        return self.at > 0 and self.before.end == self.found.start

    @property
    def wants_value(self) -> bool:
        """Whether an expression could start here."""
        return {"NAME", "LPAR", "MINUS", "UNDERSCORE"} <= self.expected

    @property
    def starts_line(self) -> bool:
        return not self.source.text[: self.found.start].rpartition("\n")[2].strip()

    @property
    def starts_declaration(self) -> bool:
        """Whether what was found is the end of the text, or opens a declaration at the first column."""
        first = self.found.start == 0 or self.source.text[self.found.start - 1] == "\n"
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)].kind
        return (
            self.found.kind == END
            or (first and self.found.kind in ("DOC", "AT"))
            or (first and self.found.kind in STARTERS and following in ("NAME", "TYPENAME", "STRING"))
        )

    def span(self, token: Token | None = None) -> Span:
        token = token or self.found
        if token.kind == END:
            return Span(self.before.end, self.before.end, self.source)
        return Span(token.start, min(token.end, token.start + 80), self.source)

    def says(
        self, code: str, message: str, *, hint: str = "", label: str = "", token: Token | None = None
    ) -> Diagnostic:
        return Diagnostic(code, message, self.span(token), label=label, hint=hint)

    def unexpected(self, expected: str, hint: str = "") -> Diagnostic:
        return self.says("A0001", f"expected {expected}, found {show(self.found)}", hint=hint)


def show(token: Token) -> str:
    """Return a token as a message names it."""
    if token.kind == END:
        return "the end of the file"
    if token.kind in ("DOC", "MODULE_DOC"):
        return "a doc comment"
    return f"`{token.text}`" if len(token.text) <= 40 else f"`{token.text[:37]}...`"
