"""A forest -> what one engine takes of it: names it can read, bounds it is fast at, and the account of both."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from archc.data.json_text import NESTING
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import DEFAULT, Limits, exceeded
from archc.grammar.source import NOWHERE
from archc.grammars.forest import Account, Call, Forest, Lexeme, Literal, Part
from archc.lower.digits_limit import with_short_numbers
from archc.names.cycles import components
from archc.regular.language import Chars, Choice, Regular, Repeat, Series, choice, repeat, series, shortest

LETTERS = 4.0
"""So many positions that take any letter are cheap for an engine that looks at every token in every position."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to write a grammar, and what its engine is slow at.

    `comment` begins a comment. `letters` is how many counted positions of letters it may have, and `times` how often
    a part may be repeated, None for any number; `why` says what more of either would do.
    """

    name: str
    engine: str
    comment: str
    letters: float | None = None
    times: int | None = None
    why: str = ""
    left_recursion: bool = True


EBNF = Dialect("ebnf", "xgrammar", "#", letters=LETTERS, why="xgrammar compiles counted letters slowly")
GBNF = Dialect(
    "gbnf", "llama.cpp", "#", times=1999, why="llama.cpp repeats a part 1,999 times at most", left_recursion=False
)
LARK = Dialect("lark", "llguidance", "//")
REGEX = Dialect("regex", "a regular expression", "")
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (EBNF, GBNF, LARK, REGEX)}


def fitted(forest: Forest, dialect: Dialect, limits: Limits = DEFAULT) -> Forest:
    """Return `forest` with the bounds that the engine is fast at; its accounts say which are left to validation.

    Raises CompileError: A0541 and A0542 when it is larger than a grammar may be, A0543 when it recurs to the left and
    the engine does not.
    """
    _require_size(forest, limits)
    if not dialect.left_recursion:
        _require_progress(forest, dialect)
    forest = _with_depth(with_short_numbers(forest))
    changed = _relaxations(forest, dialect)
    if not changed:
        return forest
    states = tuple(
        replace(state, edges=tuple(replace(edge, parts=_relaxed(edge.parts, changed)) for edge in state.edges))
        for state in forest.states
    )
    names = {lexeme.name for lexeme in changed}
    accounts = (
        replace(account, decoding=False, why=dialect.why) if account.decoding and account.subject in names else account
        for account in forest.accounts
    )
    return replace(forest, states=states, accounts=tuple(accounts))


def relaxes(forest: Forest, dialect: Dialect) -> bool:
    """Whether the engine is slow at bounds of `forest`, so that these are left to validation."""
    return bool(_relaxations(forest, dialect))


def _relaxed(parts: tuple[Part, ...], changed: Mapping[Lexeme, Regular]) -> tuple[Part, ...]:
    return tuple(
        Lexeme(part.name, changed[part]) if isinstance(part, Lexeme) and part in changed else part for part in parts
    )


def _with_depth(forest: Forest) -> Forest:
    """Return `forest` with an account of how deep its documents may nest, where they may nest at all."""
    graph = [
        {part.state: None for edge in state.edges for part in edge.parts if isinstance(part, Call)}
        for state in forest.states
    ]
    if all(call > number for number, calls in enumerate(graph) for call in calls) or not components(
        graph, range(len(graph))
    ):
        return forest
    name = forest.states[forest.root].name
    account = Account(name, f"nests at most {NESTING} deep", False, "a grammar does not count how deep it is")
    return replace(forest, accounts=(*forest.accounts, account))


# ---------------------------------------------------------------- limits
def _require_size(forest: Forest, limits: Limits) -> None:
    if len(forest.states) > limits.rules:
        text = f"this type takes {len(forest.states):,} rules of a grammar"
        raise CompileError([exceeded(limits, "rules", message=text, span=NOWHERE)])
    for state in forest.states:
        if len(state.edges) > limits.alternatives:
            text = f"`{state.name}` has {len(state.edges):,} alternatives"
            raise CompileError([exceeded(limits, "alternatives", message=text, span=NOWHERE)])


def _require_progress(forest: Forest, dialect: Dialect) -> None:
    """Raise A0543 where a state can come by itself again before any text is read."""
    empty = _nullable(forest)
    first: list[dict[int, None]] = []
    for state in forest.states:
        found: dict[int, None] = {}
        for edge in state.edges:
            for part in edge.parts:
                if isinstance(part, Call):
                    found[part.state] = None
                if not _may_be_empty(part, empty):
                    break
        first.append(found)
    for component in components(first, range(len(first))):
        names = ", ".join(f"`{forest.states[number].name}`" for number in component[:5])
        text = f"{dialect.engine} reads no rule that begins with itself, as these do: {names}"
        raise CompileError([Diagnostic("A0543", text, hint="--to lark, or begin each turn with text of its own")])


def _nullable(forest: Forest) -> set[int]:
    empty: set[int] = set()
    before = -1
    while len(empty) > before:
        before = len(empty)
        for number, state in enumerate(forest.states):
            if any(all(_may_be_empty(part, empty) for part in edge.parts) for edge in state.edges):
                empty.add(number)
    return empty


def _may_be_empty(part: Part, empty: set[int]) -> bool:
    match part:
        case Literal(text):
            return not text
        case Lexeme(_, language):
            return shortest(language) == 0
        case Call(state):
            return state in empty


# ---------------------------------------------------------------- bounds
def _relaxations(forest: Forest, dialect: Dialect) -> Mapping[Lexeme, Regular]:
    """Return the lexemes that are written with other bounds, and those."""
    found = dict.fromkeys(lexemes(forest))
    if dialect.times is not None:
        most = dialect.times
        return {lexeme: language for lexeme in found if (language := _within(lexeme.language, most)) != lexeme.language}
    if dialect.letters is None:
        return {}
    left = dialect.letters
    changed: dict[Lexeme, Regular] = {}
    for cost, lexeme in sorted(((_letters(lexeme.language), lexeme) for lexeme in found), key=lambda pair: pair[0]):
        if cost <= left:
            left -= cost
        else:
            changed[lexeme] = _uncounted(lexeme.language)
    return changed


def lexemes(forest: Forest) -> Iterable[Lexeme]:
    """Yield the lexemes of a forest, again at each mention."""
    for state in forest.states:
        for edge in state.edges:
            yield from (part for part in edge.parts if isinstance(part, Lexeme))


def _letters(node: Regular, times: int = 0) -> float:
    """Return how many counted positions take letters, a position that takes a few of them for less."""
    match node:
        case Chars(ranges):
            low = sum(max(0, min(high, ord("z")) - max(low, ord("a")) + 1) for low, high in ranges)
            return times * (low / 26) ** 2
        case Series(parts):
            return sum(_letters(part, times) for part in parts)
        case Choice(arms):
            return sum(_letters(arm, times) for arm in arms)
        case Repeat(body, low, high):
            copies = low if high is None else high
            return _letters(body, max(times, 1) * copies if copies > 1 else times)


def _uncounted(node: Regular) -> Regular:
    """Return `node` with any number of turns where letters are counted, but at least one where one is asked for."""
    match node:
        case Chars():
            return node
        case Series(parts):
            return series(*(_uncounted(part) for part in parts))
        case Choice(arms):
            return choice(*(_uncounted(arm) for arm in arms))
        case Repeat(body, low, high):
            inner = _uncounted(body)
            if _letters(node) - _letters(body) < 1:
                return repeat(inner, low, high)
            return repeat(inner, min(low, 1), None)


def _within(node: Regular, most: int) -> Regular:
    """Return `node` with no part repeated more than `most` times in all the loops around it, or without end."""
    match node:
        case Chars():
            return node
        case Series(parts):
            return series(*(_within(part, most) for part in parts))
        case Choice(arms):
            return choice(*(_within(arm, most) for arm in arms))
        case Repeat(body, low, high):
            copies = max(low, 1 if high is None else high)
            if copies > most:
                return repeat(_within(body, most), min(low, 1), None)
            return repeat(_within(body, most // max(copies, 1)), low, high)


# ---------------------------------------------------------------- names and comments
@dataclass(slots=True)
class Names:
    """Hands out rule names: ASCII letters and digits in `case`, words joined by `joint`, all different."""

    joint: str
    case: Callable[[str], str] = str
    used: set[str] = field(default_factory=set)

    def fresh(self, name: str) -> str:
        """Return a rule name like `name` that was not handed out yet."""
        words = "".join(char if char.isascii() and char.isalnum() else " " for char in name).split()
        base = self.case(self.joint.join(words)[:80].rstrip(self.joint) or "x")
        base = base if base[0].isalpha() else self.case("x") + base
        unique, number = base, 2
        while unique in self.used:
            unique = f"{base}{self.joint}{number}"
            number += 1
        self.used.add(unique)
        return unique


def header(forest: Forest, dialect: Dialect) -> str:
    """Return the comment that begins a grammar: for whom it is, and where each bound is enforced."""
    name = forest.states[forest.root].name
    lines = [
        f"{name}: {forest.says}, as a grammar for {dialect.engine}",
        *account_lines(forest.accounts),
    ]
    return "".join(f"{dialect.comment} {said(line)}".rstrip() + "\n" for line in lines)


def account_lines(accounts: Iterable[Account]) -> list[str]:
    """Return the account in lines of text: what decoding enforces, and what validation does."""
    known = tuple(accounts)
    lines: list[str] = []
    for decoding, title in ((True, "enforced while decoding:"), (False, "left to validation:")):
        entries = [account for account in known if account.decoding == decoding]
        lines += [title] if entries else []
        lines += [f"  {entry.subject}: {entry.bound}{f' ({entry.why})' if entry.why else ''}" for entry in entries]
    return lines


def said(text: str) -> str:
    """Return `text` on one line of printable ASCII, whatever it holds."""
    return "".join(char if " " <= char <= "~" else _code(ord(char)) for char in text)


def _code(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
