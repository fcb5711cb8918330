"""Types by number as rows of sizes, and the ops that merge tuples on them, many at once."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from archc.spaces.columns.tables import NOBODY, Flags, Lookup, by_value
from archc.spaces.forest import Ints
from archc.spaces.keys import Keys
from archc.spaces.merging import Merger, sides
from archc.spaces.sized import MOST, Parts
from archc.spaces.transfer import Axis
from archc.tensor import Product

MOST_AXES = 8
"""Tensors of more axes are left to the rules."""

OTHER = -1
"""In the place of the number of axes: what is no plain tensor of numbers."""

NEVER, ANY = -1, -2
"""In the place of what two tensors have in common: nothing does; it is no plain tensor, and nothing is known."""


@dataclass(slots=True)
class Shapes:
    """The sizes of the types of one refinement, and the numbers of tuples by those of their parts."""

    keys: Keys
    rank: Lookup = field(default_factory=Lookup)
    dims: Lookup = field(default_factory=Lookup)
    arity: Lookup = field(default_factory=Lookup)
    first: Lookup = field(default_factory=Lookup)
    parts: Lookup = field(default_factory=Lookup)
    _items: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _sides: dict[tuple[Merger, int], Lookup] = field(default_factory=dict)
    _side_numbers: dict[Hashable, int] = field(default_factory=dict)
    _products: dict[tuple[int, ...], int] = field(default_factory=dict)

    def read(self) -> None:
        """Take note of the types that are new, and of the parts of tuples among them."""
        while self.rank.size < len(self.keys.types):
            first, count = self.rank.size, len(self.keys.types)
            rows = np.ones((count - first, MOST_AXES), dtype=np.int64)
            ranks = np.full(count - first, OTHER, dtype=np.int64)
            items: list[tuple[int, ...]] = []
            for place in range(count - first):
                items.append(self._parts(first + place))
                sizes = None if items[-1] else self.keys.sizes[first + place]
                if sizes is not None and not isinstance(sizes, Parts) and len(sizes) <= MOST_AXES:
                    ranks[place] = len(sizes)
                    rows[place, : len(sizes)] = sizes
            self.rank.extend(ranks)
            self.dims.extend(rows.reshape(-1))
            self.arity.extend(np.array([len(item) for item in items], dtype=np.int64))
            self.first.extend(self.parts.size + np.cumsum([0, *map(len, items[:-1])]))
            self.parts.extend(np.array([part for item in items for part in item], dtype=np.int64))

    def _parts(self, kind: int) -> tuple[int, ...]:
        known = self._items.pop(kind, None)
        if known is None:
            found = self.keys.types[kind]
            known = tuple(map(self.keys.type, found.items)) if isinstance(found, Product) else ()
        return known

    def items(self, kinds: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the places of tuples of so many parts each, with the types of these; of no parts, what is no tuple."""
        self.read()
        for count, places in by_value(self.arity.all[kinds]):
            yield places, self.parts.all[self.first.all[kinds[places]][:, None] + np.arange(count)]

    def products(self, parts: Ints) -> Ints:
        """Return the type of the tuple of each row of `parts`."""
        found = []
        keys, products = self.keys, self._products
        for row in map(tuple, parts.tolist()):
            known = products.get(row)
            if known is None:
                number = len(keys.types)
                known = products[row] = self._product(row)
                if known == number:
                    self._items[known] = row
            found.append(known)
        return np.array(found, dtype=np.int64)

    def _product(self, row: tuple[int, ...]) -> int:
        keys = self.keys
        made = Product(tuple([keys.types[part] for part in row]))
        sizes = [known for part in row if (known := keys.sizes[part]) is not None]
        return keys.sized(Parts(sizes), made) if len(sizes) == len(row) > 1 else keys.type(made)

    def tensors(self, rank: Ints, dims: Ints) -> Ints:
        """Return the type of each row of `dims`, of which the first `rank` count."""
        number = self.keys.sized
        rows = zip(rank.tolist(), dims.tolist(), strict=True)
        return np.array([number(tuple(row[:most])) for most, row in rows], dtype=np.int64)

    # ------------------------------------------------------------ merging
    def _sized(self, kinds: Ints) -> tuple[Ints, Ints]:
        self.read()
        return self.rank.all[kinds], self.dims.all.reshape(-1, MOST_AXES)[kinds]

    def _side(self, merger: Merger, place: int, kinds: Ints) -> Ints:
        """Return by number what tensors must have in common with one beside them; below 0 for what is no plain tensor."""
        self.read()
        column = self._sides.setdefault((merger, place if merger[0] == "matmul" else 0), Lookup())
        first = column.size
        if first < self.rank.size:
            column.fill(ANY, self.rank.size - first)
            plain = first + np.flatnonzero(self.rank.all[first:] >= 0)
            column.all[plain] = (
                plain if merger[0] == "same" else [self._common(merger, place, kind) for kind in plain.tolist()]
            )
        return column.all[kinds]

    def _common(self, merger: Merger, place: int, kind: int) -> int:
        sizes = self.keys.sizes[kind]
        assert sizes is not None
        side = sides(merger, sizes)[place]
        return NEVER if side is None else self._side_numbers.setdefault(side, len(self._side_numbers))

    def merges(self, merger: Merger, one: Ints, other: Ints) -> Flags:
        """Return whether an op takes tuples with these two parts, as far as they tell; what is no plain tensor may be taken."""
        left, right = self._side(merger, 0, one), self._side(merger, 1, other)
        fits: Flags = ((left == right) & (left != NEVER)) | (left == ANY) | (right == ANY)
        return fits

    def merged(self, merger: Merger, parts: Ints) -> Ints:
        """Return what an op makes of tuples, by the types of their parts: NOBODY where it takes them not.

        All parts are plain tensors.
        """
        ranks, dims = self._sized(parts[:, 0])
        fits = np.ones(len(parts), dtype=np.bool_)
        for place in range(1, parts.shape[1]):
            fits &= self.merges(merger, parts[:, 0], parts[:, place])
        name, axis = merger
        if name == "same":
            return np.where(fits, parts[:, 0], NOBODY)
        last = dims.copy()
        at = np.arange(len(parts))
        if name == "matmul":
            _, sizes = self._sized(parts[:, 1])
            last[at, ranks - 1] = sizes[at, ranks - 1]
        else:
            own = np.where(fits, axis + ranks if axis < 0 else axis, 0)
            last[at, own] = np.sum([self._sized(column)[1][at, own] for column in parts.T], axis=0)
        fits &= (last <= MOST).all(axis=1)
        found = np.full(len(parts), NOBODY, dtype=np.int64)
        found[fits] = self.tensors(ranks[fits], last[fits])
        return found

    def ranks(self, kinds: Ints) -> Ints:
        """Return how many axes types have; OTHER where one is no plain tensor of numbers."""
        self.read()
        return self.rank.all[kinds]

    def moved(self, axes: Sequence[int | Axis], kinds: Ints) -> Ints:
        """Return the types of these axes, each of a size or as in the tensors of `kinds`."""
        _, dims = self._sized(kinds)
        columns = [dims[:, axis.place] if isinstance(axis, Axis) else np.full(len(kinds), axis) for axis in axes]
        if not columns:
            return np.full(len(kinds), self.keys.sized(()))
        number = self.keys.sized
        return np.array(
            [number(row) for row in zip(*(column.tolist() for column in columns), strict=True)], dtype=np.int64
        )
