"""A forest -> its members as lines of text, one a decision: the grammar of these texts, a member's text, and back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

import numpy as np

from archc.grammars.forest import Call, Edge, Lexeme, Literal, Part, State
from archc.grammars.forest import Forest as Grammar
from archc.regular.digits import real
from archc.spaces.forest import Decision, Derivation, Forest
from archc.spaces.membership import derivation_of

MOST_EDGES = 50_000
"""Of a larger forest no grammar is written: an engine would take more than a second or two for it."""

NUMBER = 24
"""So many characters of a number of a range are reckoned with."""

Decided = tuple[int, int | float]
"""A site, and which of its options or which number."""

_Row = tuple[tuple[Decision, ...], tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Sentences:
    """The members of a forest as text: a line for each decision in preorder, `SITE: OPTION` or `SITE: NUMBER`.

    Options of a site that have one text are told apart, as in `relu` and `relu #2`. No two members have one text.
    """

    name: str
    forest: Forest = field(repr=False)

    @cached_property
    def options(self) -> tuple[tuple[str, ...], ...]:
        """The options of each site on one line, all different; a range has none."""
        return tuple(() if site.is_continuous else _apart(site.options) for site in self.forest.sites)

    @cached_property
    def longest(self) -> int:
        """Return how many characters the longest text has."""
        lines = [[len(self._line(decision)) for decision in decisions] for decisions in self.forest.decisions]
        labels, most = self.forest.label.tolist(), list[int]()
        for row in self.forest.rows:
            most.append(max(sum(lines[labels[edge]]) + sum(most[c] for c in self.forest.calls[edge]) for edge in row))
        return most[self.forest.root]

    @cached_property
    def grammar(self) -> Grammar:
        """The grammar of these texts; a number is any decimal number of its range, without an exponent."""
        known: dict[tuple[_Row, ...], int] = {}
        of: list[int] = []
        for row in self.forest.rows:
            rows = tuple(dict.fromkeys(self._row(edge, of) for edge in row))
            is_other = len(rows) == 1 and not rows[0][0] and len(rows[0][1]) == 1
            of.append(rows[0][1][0] if is_other else known.setdefault(rows, len(known)))
        states = [State(f"s{number}", "", tuple(self._edge(row) for row in rows)) for rows, number in known.items()]
        root = of[self.forest.root]
        states[root] = replace(states[root], name=self.name)
        return Grammar(tuple(states), root, says="a decision a line")

    def text(self, derivation: Derivation) -> str:
        """Return the text of a member."""
        reals = iter(derivation.reals)
        made = self._decisions(derivation)
        return "".join(self._line(one, next(reals) if self._is_range(one) else None) for one in made)

    def read(self, lines: Sequence[str]) -> Derivation | None:
        """Return the member whose lines these are, or None where there is none."""
        decided = [self.decided(line) for line in lines]
        items = [what if isinstance(what, float) else self._codes[site, what] for site, what in filter(None, decided)]
        found = derivation_of(self._flat, items) if len(items) == len(lines) else None
        if found is None or [site for site, _ in filter(None, decided)] != [site for site, _ in self._decisions(found)]:
            return None
        return found

    def decided(self, line: str) -> Decided | None:
        """Return what a line decides; None where it is no line of a member."""
        head, colon, tail = line.partition(": ")
        if not colon or not (head.isascii() and head.isdecimal()) or int(head) >= len(self.forest.sites):
            return None
        number, site = int(head), self.forest.sites[int(head)]
        if site.low is None or site.high is None:
            return (number, self.options[number].index(tail)) if tail in self.options[number] else None
        is_decimal = tail.isascii() and tail.removeprefix("-").replace(".", "", 1).isdecimal()
        return (number, float(tail)) if is_decimal and site.low <= float(tail) <= site.high else None

    def _decisions(self, derivation: Derivation) -> list[Decision]:
        label, decisions = self.forest.label, self.forest.decisions
        return [decision for edge in derivation.edges for decision in decisions[int(label[edge])]]

    def _is_range(self, decision: Decision) -> bool:
        return self.forest.sites[decision[0]].is_continuous

    def _line(self, decision: Decision, number: float | None = None) -> str:
        site, option = decision
        if not self._is_range(decision):
            return f"{site}: {self.options[site][option]}\n"
        return f"{site}: {'0' * NUMBER if number is None else decimal(number)}\n"

    # ---------------------------------------------------------------- the grammar
    def _row(self, edge: int, of: Sequence[int]) -> _Row:
        forest = self.forest
        return forest.decisions[int(forest.label[edge])], tuple(of[child] for child in forest.calls[edge])

    def _edge(self, row: _Row) -> Edge:
        parts: list[Part] = []
        text = ""
        for decision in row[0]:
            if not self._is_range(decision):
                text += self._line(decision)
                continue
            parts += [Literal(f"{text}{decision[0]}: "), self._number(decision[0])]
            text = "\n"
        return Edge((*parts, *([Literal(text)] if text else []), *map(Call, row[1])))

    def _number(self, number: int) -> Lexeme:
        site = self.forest.sites[number]
        assert site.low is not None and site.high is not None, site
        return Lexeme(f"number{number}", real(Decimal(repr(site.low)), Decimal(repr(site.high))))

    # ---------------------------------------------------------------- the way back
    @cached_property
    def _codes(self) -> dict[Decision, int]:
        """A number for each option of all sites."""
        every = dict.fromkeys(decision for decisions in self.forest.decisions for decision in decisions)
        return {decision: code for code, decision in enumerate(every)}

    @cached_property
    def _flat(self) -> Forest:
        """The forest whose decisions say their sites, and without parentheses around those of a name."""
        codes = self._codes
        decisions = tuple(
            tuple((site, 0 if self._is_range((site, option)) else codes[site, option]) for site, option in entry)
            for entry in self.forest.decisions
        )
        return replace(self.forest, decisions=decisions, nested=np.zeros_like(self.forest.nested))


def decimal(number: float) -> str:
    """Return a number without an exponent, which reads as the same number."""
    return format(Decimal(repr(number)), "f")


def _apart(options: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of options on one line each, numbered from 2 where one comes again."""
    found: dict[str, None] = {}
    for option in options:
        text = plain = " ".join(option.split())
        times = 1
        while text in found:
            times += 1
            text = f"{plain} #{times}"
        found[text] = None
    return tuple(found)


def sentences(name: str, forest: Forest) -> Sentences | None:
    """Return the texts of the members of a forest, or None where its grammar is too large for an engine."""
    return Sentences(name, forest) if forest.edges <= MOST_EDGES else None
