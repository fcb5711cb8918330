"""Types by number as rows of sizes, and the ops that merge tuples on them, many at once."""

from dataclasses import dataclass, field

import numpy as np

from archc.spaces.columns.tables import NOBODY, Column, Flags
from archc.spaces.forest import Ints
from archc.spaces.keys import Keys
from archc.spaces.merging import Merger
from archc.spaces.sized import MOST, Parts, Sizes
from archc.tensor import Product

MOST_AXES = 8
"""Tensors of more axes are left to the rules."""

OTHER = -1
"""In the place of the number of axes: what is no plain tensor of numbers."""


@dataclass(slots=True)
class Shapes:
    """The sizes of the types of one refinement, and the numbers of tuples by those of their parts."""

    keys: Keys
    sizes: Sizes
    rank: Column = field(default_factory=Column)
    dims: Column = field(default_factory=Column)
    _items: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _products: dict[tuple[int, ...], int] = field(default_factory=dict)

    def read(self) -> None:
        """Take note of the types that are new."""
        first, count = self.rank.size, len(self.keys.types)
        rows = np.ones((count - first, MOST_AXES), dtype=np.int64)
        ranks = np.full(count - first, OTHER, dtype=np.int64)
        for place in range(count - first):
            sizes = self.sizes.of(first + place)
            if sizes is not None and not isinstance(sizes, Parts) and len(sizes) <= MOST_AXES:
                ranks[place] = len(sizes)
                rows[place, : len(sizes)] = sizes
        self.rank.extend(ranks)
        self.dims.extend(rows.reshape(-1))

    def items(self, kind: int) -> tuple[int, ...]:
        """Return the parts of a tuple; nothing of another type."""
        known = self._items.get(kind)
        if known is None:
            found = self.keys.types[kind]
            known = tuple(map(self.keys.type, found.items)) if isinstance(found, Product) else ()
            self._items[kind] = known
        return known

    def products(self, parts: Ints) -> Ints:
        """Return the type of the tuple of each row of `parts`."""
        found = []
        products, types = self._products, self.keys.types
        for row in map(tuple, parts.tolist()):
            known = products.get(row)
            if known is None:
                known = products[row] = self.keys.type(Product(tuple([types[part] for part in row])))
                self._items[known] = row
            found.append(known)
        return np.array(found, dtype=np.int64)

    def tensors(self, rank: Ints, dims: Ints) -> Ints:
        """Return the type of each row of `dims`, of which the first `rank` count."""
        number = self.sizes.number
        rows = zip(rank.tolist(), dims.tolist(), strict=True)
        return np.array([number(tuple(row[:most])) for most, row in rows], dtype=np.int64)

    # ------------------------------------------------------------ merging
    def _sized(self, kinds: Ints) -> tuple[Ints, Ints]:
        self.read()
        return self.rank.all[kinds], self.dims.all.reshape(-1, MOST_AXES)[kinds]

    def merges(self, merger: Merger, one: Ints, other: Ints) -> Flags:
        """Return whether an op takes tuples with these two parts, as far as they tell; what is no plain tensor may be taken."""
        ranks, dims = self._sized(one)
        more, sizes = self._sized(other)
        name, axis = merger
        fits: Flags
        if name == "same":
            fits = one == other
        elif name == "matmul":
            fits = (ranks == more) & (ranks > 1) & _meet(ranks, dims, sizes)
        else:
            fits = (ranks == more) & _beside(axis, ranks, dims, sizes)
        taken: Flags = fits | (ranks < 0) | (more < 0)
        return taken

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

    def plain(self, kinds: Ints) -> Flags:
        """Return whether types are plain tensors of numbers."""
        return self._sized(kinds)[0] >= 0


def _meet(ranks: Ints, dims: Ints, sizes: Ints) -> Flags:
    """Return whether matrices can be multiplied: the axes before the last two are the same, and the inner sizes are."""
    places = np.arange(MOST_AXES)
    before = places < (ranks - 2)[:, None]
    at = np.arange(len(ranks))
    fits: Flags = ((dims == sizes) | ~before).all(axis=1) & (dims[at, ranks - 1] == sizes[at, ranks - 2])
    return fits


def _beside(axis: int, ranks: Ints, dims: Ints, sizes: Ints) -> Flags:
    """Return whether tensors differ in no axis but this one, which they have."""
    at = axis + ranks if axis < 0 else np.full(len(ranks), axis)
    own = np.arange(MOST_AXES) == at[:, None]
    fits: Flags = ((dims == sizes) | own).all(axis=1) & (at >= 0) & (at < ranks)
    return fits
