"""Types -> marked types: the same type where something is counted, told apart by how much of it is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archc.spaces.keys import Keys
from archc.values import Value

Mark = tuple[int, str]
"""The space that counts, by the identity of its declaration, and what: `nodes`, the path of a field, or nothing, where a
mark says only that all this stands inside the space."""

Marked = tuple[tuple[Mark, int], ...]
"""Marks in order, with how many nodes are left for those that count."""

NODES = "nodes"


@dataclass(slots=True)
class Marks:
    """The numbers of marked types; each stands for a type of `keys`."""

    keys: Keys
    known: dict[int, tuple[int, Marked]] = field(default_factory=dict)
    _numbers: dict[tuple[int, Marked], int] = field(default_factory=dict)

    def of(self, kind: int) -> Marked:
        """Return the marks of a type."""
        return self.known[kind][1] if kind in self.known else ()

    def number(self, kind: int, marks: Marked) -> int:
        """Return the number of a type with these marks in place of its own."""
        base = self.known[kind][0] if kind in self.known else kind
        if not marks:
            return base
        made = self._numbers.get((base, marks))
        if made is None:
            made = self._numbers[base, marks] = self.keys.another(self.keys.types[base], self.keys.sizes[base])
            self.known[made] = base, marks
        return made

    def like(self, kind: int, other: int) -> int:
        """Return a type with the marks of another."""
        return self.number(kind, self.of(other)) if self.known else kind

    def spent(self, kind: int, nodes: int) -> int | None:
        """Return a type with so many nodes less left; None where there are not so many."""
        if not nodes or kind not in self.known:
            return kind
        marks = tuple((mark, left - nodes if mark[1] == NODES else left) for mark, left in self.known[kind][1])
        return self.number(kind, marks) if all(left >= 0 for _, left in marks) else None

    def counts(self, kind: int) -> bool:
        """Return whether nodes are counted here."""
        return kind in self.known and any(mark[1] == NODES for mark, _ in self.known[kind][1])

    def counted(self, pieces: Sequence[tuple[Value, int]], mark: Mark) -> Callable[[int], bool]:
        """Return what tells whether a piece, an architecture at an input type, counts; without a path each does."""
        return lambda piece: not mark[1] or any(mark == entry for entry, _ in self.of(pieces[piece][1]))

    def together(self, kind: int, into: int, entered: tuple[int, ...], out: tuple[int, ...]) -> int | None:
        """Return a tuple's type with what is left where each part spent what lies between its input and its output."""
        if into not in self.known:
            return kind
        marks = []
        for place, (mark, left) in enumerate(self.of(into)):
            for before, after in zip(entered, out, strict=True):
                left -= self.of(before)[place][1] - self.of(after)[place][1]
            marks.append((mark, left))
        return self.number(kind, tuple(marks)) if all(left >= 0 for _, left in marks) else None

    def piece(self, into: int) -> int:
        """Return the input of a part of the network: what is left makes no difference to it."""
        return (
            self.number(into, tuple((mark, 0) for mark, _ in self.of(into) if mark[1] != NODES)) if self.known else into
        )
