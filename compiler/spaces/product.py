"""Uses of what a name decides once -> states that derive exactly the decisions that fit all of the uses.

Each use is a tree automaton over decisions; what fits all is their intersection (Comon et al., "Tree Automata Techniques
and Applications", section 1.3).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from archc.spaces.groups import Part, Store, Uses, add_uses

Product = tuple[Part, ...]

Row = tuple[int, tuple[Product, ...], int, Uses]
"""A label that all uses have in common, what is below it, how much of that is decided by a name, what it adds."""


@dataclass(slots=True)
class Products:
    """The intersections that were asked for; None where nothing fits all uses."""

    store: Store
    same_weights: Callable[[int, int], bool]
    known: dict[Product, int | None] = field(default_factory=dict)

    def state(self, parts: Product) -> int | None:
        """Return a state of what all of `parts` derive, or None."""
        rows: dict[Product, list[Row]] = {}
        waiting = [parts]
        while waiting:
            key = waiting[-1]
            if key in self.known:
                waiting.pop()
            elif len(key) == 1:
                self.known[key] = self.store.times(key[0])
            elif key in rows:
                self.known[key] = made = self._made(rows.pop(key))
                mentioned = self.store.mentions.get(key[0][0])
                if made is not None and mentioned is not None:
                    self.store.mention([made], mentioned)
            else:
                rows[key] = self._rows(key)
                waiting.extend(
                    below for _, children, _, _ in rows[key] for below in children if below not in self.known
                )
        return self.known[parts]

    def _shares(self, known: Uses, more: Uses) -> bool:
        """Return whether one more mention of a layer needs the weights that it has."""
        return all(any(self.same_weights(piece, other) for other in known) for piece in more)

    def _made(self, rows: list[Row]) -> int | None:
        ways = []
        for label, children, nested, uses in rows:
            states = [self.known[child] for child in children]
            kept = tuple(state for state in states if state is not None)
            if len(kept) == len(states):
                ways.append((label, kept, nested, uses))
        if not ways:
            return None
        return self.store.state(tuple(ways), self.store.weigh(ways), (-1, ()))

    def _rows(self, parts: Product) -> list[Row]:
        """Return what the first steps of all parts have in common."""
        state, runs, copies = parts[0]
        found: list[Row] = []
        for label, children, nested, uses in self.store.unfolded(state):
            total: Uses = {}
            add_uses(total, uses, runs, copies)
            found.append((label, tuple(((child, runs, copies),) for child in children), nested, total))
        for state, runs, copies in parts[1:]:
            by_label: dict[tuple[int, int, int], list[tuple[tuple[int, ...], Uses]]] = {}
            for label, kept, nested, uses in self.store.unfolded(state):
                by_label.setdefault((label, len(kept), nested), []).append((kept, uses))
            found = [
                _more(row, kept, uses, runs, copies)
                for row in found
                for kept, uses in by_label.get((row[0], len(row[1]), row[2]), ())
                if copies or not runs or self._shares(row[3], uses)
            ]
        return found


def _more(row: Row, children: tuple[int, ...], uses: Uses, runs: int, copies: int) -> Row:
    label, below, nested, total = row
    both = dict(total)
    add_uses(both, uses, runs, copies)
    joint = tuple(_with(known, (child, runs, copies)) for known, child in zip(below, children, strict=True))
    return label, joint, nested, both


def _with(parts: Product, part: Part) -> Product:
    """Return `parts` with one more; equal states are counted together."""
    state, runs, copies = part
    found = {known: (each, sets) for known, each, sets in parts}
    each, sets = found.get(state, (0, 0))
    found[state] = each + runs, sets + copies
    return tuple((known, *amount) for known, amount in found.items())
