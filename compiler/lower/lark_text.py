"""A forest -> Lark text for llguidance, each JSON token a terminal of its own."""

from dataclasses import dataclass, field
from json import dumps

from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Call, Edge, Forest, Lexeme, Literal, Part
from archc.lower.dialect import LARK, Names, fitted, header
from archc.regular.language import Chars, Choice, Regular, Repeat, Series, literal, series

WIDTH = 120
PUNCTUATION = frozenset("{}[]:,")
QUOTE = Literal('"')


def to_lark(forest: Forest, limits: Limits = DEFAULT) -> str:
    """Return the grammar of `forest` for llguidance, whose root rule is `start`.

    The engine's lexer takes the longest terminal and never goes back, so that no terminal ends inside a JSON token.
    Raises CompileError (A0541, A0542) when it is too large.
    """
    forest = fitted(forest, LARK, limits)
    names = Names("_", str.lower, {"start"})
    writer = _Writer(tuple(names.fresh(state.name) for state in forest.states))
    lines = [f"start: {writer.rules[forest.root]}\n"]
    for name, state in zip(writer.rules, forest.states, strict=True):
        lines.append(_rule(name, [writer.edge(edge) for edge in state.edges]))
    for token, name in writer.terminals.items():
        lines.append(f"{name}: /{regex(_language(token))}/\n")
    return header(forest, LARK) + "".join(lines)


def _rule(name: str, arms: list[str]) -> str:
    line = f"{name}: {' | '.join(arms)}"
    return (line if len(line) <= WIDTH else f"{name}: " + "\n  | ".join(arms)) + "\n"


Token = tuple[Part, ...]
"""A JSON token, or a mention of a state."""


@dataclass(slots=True)
class _Writer:
    """A grammar while it is written."""

    rules: tuple[str, ...]
    names: Names = field(default_factory=lambda: Names("_", str.upper))
    terminals: dict[Token, str] = field(default_factory=dict)

    def edge(self, edge: Edge) -> str:
        return " ".join(self.token(token) for token in tokens(edge.parts)) or '""'

    def token(self, token: Token) -> str:
        if len(token) == 1 and isinstance(token[0], Call):
            return self.rules[token[0].state]
        if all(isinstance(part, Literal) for part in token):
            return dumps("".join(part.text for part in token if isinstance(part, Literal)))
        if token not in self.terminals:
            named = [part.name for part in token if isinstance(part, Lexeme)]
            self.terminals[token] = self.names.fresh(named[0])
        return self.terminals[token]


def tokens(parts: tuple[Part, ...]) -> list[Token]:
    """Return `parts` cut between JSON tokens."""
    found: list[Token] = []
    open_: list[Part] = []
    inside = False
    for part in parts:
        if isinstance(part, Call):
            found += [tuple(open_)] if open_ else []
            found.append((part,))
            open_, inside = [], False
        elif isinstance(part, Lexeme):
            open_.append(part)
        else:
            inside = _cut(part.text, found, open_, inside=inside)
    return [*found, tuple(open_)] if open_ else found


def _cut(text: str, found: list[Token], open_: list[Part], *, inside: bool) -> bool:
    """Add the tokens that end in `text` to `found`; return whether it ends inside a string, which `open_` begins."""
    start, at = 0, 0
    while at < len(text):
        char = text[at]
        at += 2 if inside and char == "\\" else 1
        if char == '"':
            inside = not inside
        if inside or (char != '"' and char not in PUNCTUATION):
            continue
        if char != '"' and (at - 1 > start or open_):
            found.append((*open_, *([Literal(text[start : at - 1])] if at - 1 > start else [])))
            open_.clear()
            start = at - 1
        found.append((*open_, Literal(text[start:at])))
        open_.clear()
        start = at
    if start < len(text):
        open_.append(Literal(text[start:]))
    return inside


def _language(token: Token) -> Regular:
    return series(
        *(
            literal(part.text) if isinstance(part, Literal) else part.language
            for part in token
            if not isinstance(part, Call)
        )
    )


# ---------------------------------------------------------------- regular languages
def regex(language: Regular) -> str:
    """Return a regular expression as llguidance reads it between slashes, in printable ASCII."""
    match language:
        case Chars(ranges):
            if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
                return _char(ranges[0][0])
            return f"[{''.join(_span(low, high) for low, high in ranges)}]"
        case Series(parts):
            return "".join(_grouped(part) if isinstance(part, Choice) else regex(part) for part in parts)
        case Choice(arms):
            return "|".join(regex(arm) for arm in arms)
        case Repeat(body, low, high):
            return (regex(body) if isinstance(body, Chars) else _grouped(body)) + _count(low, high)


def _grouped(language: Regular) -> str:
    return f"({regex(language)})"


def _count(low: int, high: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    if short is not None:
        return short
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


def _span(low: int, high: int) -> str:
    ends = [_char(code) for code in ((low,) if low == high else (low, high))]
    return ("-" if high > low + 1 else "").join(ends)


def _char(code: int) -> str:
    char = chr(code)
    if char.isascii() and (char.isalnum() or char in " _\"',:;<>=@!%`"):
        return char
    return f"\\{char}" if "!" <= char <= "~" and char not in "&~#" else f"\\x{{{code:X}}}"
