"""A forest -> the same with numbers of a length that readers take."""

from dataclasses import replace

from archc.grammars.forest import Account, Edge, Forest, Lexeme, Literal, Part
from archc.regular.language import DIGIT, Chars, Choice, Regular, Repeat, Series, choice, repeat, series, without

DIGITS = 60
"""So many digits in a row are written at most: a model that repeats one comes to an end, and every reader takes them."""


def with_short_numbers(forest: Forest) -> Forest:
    """Return `forest` with at most 60 digits in a row in numbers without an upper bound, and an account of it."""
    found: dict[Lexeme, Lexeme] = {}
    states = tuple(replace(state, edges=tuple(_edge(edge, found) for edge in state.edges)) for state in forest.states)
    if not found:
        return forest
    names = dict.fromkeys(lexeme.name for lexeme in found)
    accounts = tuple(Account(name, f"at most {DIGITS} digits in a row", True) for name in names)
    return replace(forest, states=states, accounts=(*forest.accounts, *accounts))


def _edge(edge: Edge, found: dict[Lexeme, Lexeme]) -> Edge:
    parts: list[Part] = []
    for at, part in enumerate(edge.parts):
        before = edge.parts[at - 1] if at else None
        if isinstance(part, Lexeme) and not (isinstance(before, Literal) and before.text.endswith('"')):
            short = Lexeme(part.name, _short(part.language))
            if short != part:
                found[part] = short
            parts.append(short)
        else:
            parts.append(part)
    return replace(edge, parts=tuple(parts))


def _short(node: Regular) -> Regular:
    match node:
        case Series(parts):
            return series(*(_short(part) for part in parts))
        case Choice(arms):
            return choice(*(_short(arm) for arm in arms))
        case Repeat(Chars() as digits, low, None) if not without(digits, DIGIT).ranges:
            return repeat(digits, low, max(low, DIGITS - 1))  # after a first digit that is no zero
        case Repeat(body, low, high):
            return repeat(_short(body), low, high)
        case _:
            return node
