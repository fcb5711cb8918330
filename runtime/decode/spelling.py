"""A forest and an alphabet -> the forest of what can be spelled in it."""

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammars.forest import Account, Edge, Forest, Lexeme, Literal, Part, State
from archc.grammars.prune import productive
from archc.regular.automaton import Ranges
from archc.regular.language import ANY, NOTHING, Chars, Choice, Regular, Repeat, Series, choice, repeat, series, without

SHOWN = 12


def spelled(forest: Forest, alphabet: Chars) -> Forest:
    """Return what of `forest` can be written with the characters of `alphabet`, with an account where that is less.

    Raises CompileError (A0560), which names the characters that are missing, when there is nothing.
    """
    missing = without(ANY, alphabet)
    if not missing.ranges:
        return forest
    states = [
        State(state.name, state.type, tuple(edge for edge in (_edge(edge, missing) for edge in state.edges) if edge))
        for state in forest.states
    ]
    kept = productive(states, forest.root)
    if kept is None:
        name = forest.states[forest.root].name
        text = f"the tokenizer cannot spell `{name}`: it has no token for {_lacking(forest, missing)}"
        raise CompileError([Diagnostic("A0560", text, hint="a byte-level tokenizer, which spells everything")])
    if kept[0] == forest.states:
        return forest
    bound = f"without {_shown(missing.ranges)}"
    account = Account(forest.states[forest.root].name, bound, True, "the tokenizer cannot spell them")
    return Forest(*kept, exact=False, accounts=(*forest.accounts, account))


def _edge(edge: Edge, missing: Chars) -> Edge | None:
    parts: list[Part] = []
    for part in edge.parts:
        match part:
            case Literal(text):
                if any(_lacks(missing, char) for char in text):
                    return None
                parts.append(part)
            case Lexeme(name, language):
                left = _language(language, missing)
                if left == NOTHING:
                    return None
                parts.append(Lexeme(name, left))
            case _:
                parts.append(part)
    return Edge(tuple(parts), edge.weight, edge.label)


def _lacks(missing: Chars, char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in missing.ranges)


def _language(node: Regular, missing: Chars) -> Regular:
    match node:
        case Chars():
            return without(node, missing)
        case Series(parts):
            return series(*(_language(part, missing) for part in parts))
        case Choice(arms):
            return choice(*(_language(arm, missing) for arm in arms))
        case Repeat(body, low, high):
            return repeat(_language(body, missing), low, high)


# ---------------------------------------------------------------- what is missing
def _lacking(forest: Forest, missing: Chars) -> str:
    """Return the characters that fixed text needs, or else those of strings and numbers."""
    fixed: dict[str, None] = {}
    free: dict[int, None] = {}
    for state in forest.states:
        for part in (part for edge in state.edges for part in edge.parts):
            if isinstance(part, Literal):
                fixed.update(dict.fromkeys(char for char in part.text if _lacks(missing, char)))
            elif isinstance(part, Lexeme) and _language(part.language, missing) == NOTHING:
                free.update(dict.fromkeys(_needed(part.language, missing)))
    found = sorted(fixed) or [chr(code) for code in sorted(free)]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return " ".join(_written(ord(char)) for char in found[:SHOWN]) + more


def _needed(node: Regular, missing: Chars) -> list[int]:
    match node:
        case Chars(ranges):
            if without(node, missing).ranges:
                return []
            return [code for low, high in ranges[:SHOWN] for code in range(low, min(high, low + SHOWN) + 1)]
        case Series(parts) | Choice(parts):
            return [code for part in parts for code in _needed(part, missing)]
        case Repeat(body, low, _):
            return _needed(body, missing) if low else []


def _shown(ranges: Ranges) -> str:
    words = [_written(low) if low == high else f"{_written(low)}-{_written(high)}" for low, high in ranges[:SHOWN]]
    return " ".join(words) + (" ..." if len(ranges) > SHOWN else "")


def _written(code: int) -> str:
    return chr(code) if 0x21 <= code <= 0x7E else f"U+{code:04X}"
