"""What `at` gives the networks of a record: an input of its own for each field, or one for all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archc.build import At
from archc.spaces.keys import Keys
from archc.spaces.marks import Mark, Marked
from archc.tensor import Variable

Counted = tuple[Mark, tuple[str, ...]]
"""A field of a record whose networks are counted apart, and the rest of the way to it."""


@dataclass(slots=True)
class Inputs:
    """What `at` gives the networks of a record, by the number that stands for it where a network has its input type."""

    keys: Keys
    known: dict[int, At | None] = field(default_factory=dict)
    counted: dict[int, tuple[Counted, ...]] = field(default_factory=dict)

    def number(self, at: At | None, counted: tuple[Counted, ...] = ()) -> int:
        """Return the number of an input."""
        number = self.keys.type(Variable(f"at {at} {counted}"))
        self.known[number], self.counted[number] = at, counted
        return number

    def counting(self, number: int, more: tuple[Counted, ...]) -> int:
        """Return an input of a record in which fields are counted apart."""
        return self.number(self.known[number], (*self.counted[number], *more))

    def field(self, number: int, name: str, among: tuple[str, ...]) -> int:
        """Return the input of one field: its own where `at` gives inputs by field, and that of all networks otherwise."""
        counted = tuple((mark, path[1:]) for mark, path in self.counted[number] if path[:1] in ((), (name,)))
        return self.number(field_of(self.known[number], name, among), counted)

    def marks(self, number: int) -> Marked:
        """Return the marks of a network's input: the fields that it is in, of those that are counted apart."""
        return tuple(sorted((mark, 0) for mark, path in self.counted[number] if not path))


def field_of(at: At | None, name: str, among: tuple[str, ...]) -> At | None:
    """Return what `at` says of one of the fields `among`."""
    if isinstance(at, Mapping) and not at.keys().isdisjoint(among):
        return at.get(name)
    return at
