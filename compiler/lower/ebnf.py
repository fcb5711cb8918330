"""A forest -> EBNF text for xgrammar."""

from dataclasses import dataclass, field

from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Edge, Forest, Lexeme, Literal, Part
from archc.lower.dialect import EBNF, Dialect, Names, fitted, header
from archc.regular.language import Chars, Choice, Regular, Repeat, Series, choice

WIDTH = 120


def to_ebnf(forest: Forest, limits: Limits = DEFAULT) -> str:
    """Return the grammar of `forest` for xgrammar, whose root rule is `root`.

    Raises CompileError (A0541, A0542) when it is too large.
    """
    return written(forest, EBNF, joint="_", limits=limits)


@dataclass(slots=True)
class _Writer:
    """A grammar while it is written."""

    rules: tuple[str, ...]
    names: Names
    lexemes: dict[Lexeme, str] = field(default_factory=dict)

    def edge(self, edge: Edge) -> str:
        return " ".join(self.part(part) for part in edge.parts) or '""'

    def part(self, part: Part) -> str:
        match part:
            case Literal(text):
                return quoted(text)
            case Lexeme():
                if part not in self.lexemes:
                    self.lexemes[part] = self.names.fresh(part.name)
                return self.lexemes[part]
            case _:
                return self.rules[part.state]


def written(forest: Forest, dialect: Dialect, *, joint: str, limits: Limits) -> str:
    """Return the grammar of `forest` in the notation that xgrammar and llama.cpp share.

    Rules come in the order of the forest, then what they are made up of. Raises CompileError.
    """
    forest = fitted(forest, dialect, limits)
    names = Names(joint, used={"root"})
    writer = _Writer(tuple(names.fresh(state.name) for state in forest.states), names)
    lines = [f"root ::= {writer.rules[forest.root]}\n"]
    for name, state in zip(writer.rules, forest.states, strict=True):
        lines.append(_rule(name, [writer.edge(edge) for edge in state.edges]))
    for lexeme, name in writer.lexemes.items():
        arms = lexeme.language.arms if isinstance(lexeme.language, Choice) else (lexeme.language,)
        lines.append(_rule(name, [notation(arm) for arm in arms]))
    return header(forest, dialect) + "".join(lines)


def _rule(name: str, arms: list[str]) -> str:
    line = f"{name} ::= {' | '.join(arms)}"
    return (line if len(line) <= WIDTH else f"{name} ::= " + " |\n  ".join(arms)) + "\n"


# ---------------------------------------------------------------- regular languages
def notation(language: Regular) -> str:
    """Return a regular language in place: classes and repetitions, no rules."""
    match language:
        case Chars(ranges):
            if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
                return quoted(chr(ranges[0][0]))
            return f"[{''.join(_span(low, high) for low, high in ranges)}]"
        case Series(parts):
            return _series(parts)
        case Choice(arms):
            return f"({' | '.join(notation(arm) for arm in arms)})"
        case Repeat(body, low, high):
            count = _count(low, high)
            if isinstance(body, Choice) and isinstance(body.arms[0], Chars) and count in ("*", "+"):
                return _around(body.arms[0], choice(*body.arms[1:]), count)
            return (notation(body) if isinstance(body, (Chars, Choice)) else f"({notation(body)})") + count


def _series(parts: tuple[Regular, ...]) -> str:
    found: list[str] = []
    text = ""
    for part in parts:
        if isinstance(part, Chars) and len(part.ranges) == 1 and part.ranges[0][0] == part.ranges[0][1]:
            text += chr(part.ranges[0][0])
            continue
        found += [quoted(text)] if text else []
        text = ""
        found.append(notation(part))
    found += [quoted(text)] if text or not found else []
    return " ".join(found)


def _around(plain: Chars, rest: Regular, count: str) -> str:
    """Return any number of either, in the form that engines are fast at: the class with its star in place."""
    one, star = notation(rest), f"{notation(plain)}*"
    first = star if count == "*" else f"({notation(plain)}+ | {one} {star})"
    return f"{first} ({one} {star})*"


def _count(low: int, high: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    if short is not None:
        return short
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


# ---------------------------------------------------------------- characters
def quoted(text: str) -> str:
    """Return `text` as a terminal of printable ASCII."""
    return '"' + "".join(_escaped(char, "") for char in text) + '"'


def _span(low: int, high: int) -> str:
    ends = [_escaped(chr(code), "[]^-") for code in ((low,) if low == high else (low, high))]
    return ("-" if high > low + 1 else "").join(ends)


def _escaped(char: str, special: str) -> str:
    code = ord(char)
    if char == "\\" or char == '"':
        return f"\\{char}"
    if " " <= char <= "~" and char not in special:
        return char
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
