"""States, edges and results as columns of numbers that only grow."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from archc.spaces.forest import Ints
from archc.spaces.groups import EMPTY, PLAIN

Flags = NDArray[np.bool_]

Added = tuple[tuple[int, int, int], ...]
"""What an edge adds to the network: pieces, how often each runs, and how many sets of weights it has."""

DECIDES = -1
"""In the place of what a state adds: it decides something."""

NOBODY = -1
"""In the place of a number: there is none."""


class Column:
    """Whole numbers below 2^31 in a row, to which more are added behind; for what is seldom read meanwhile."""

    __slots__ = ("_chunks", "size")

    def __init__(self, *first: int) -> None:
        self._chunks = [np.array(first, dtype=np.int32)]
        self.size = len(first)

    @property
    def all(self) -> Ints:
        """The numbers, as long as none is added."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0]  # type: ignore[return-value]  # half as wide as others, which makes no difference

    def extend(self, more: Ints) -> None:
        """Add numbers."""
        self._chunks.append(more.astype(np.int32))
        self.size += len(more)

    def fill(self, value: int, times: int) -> None:
        """Add a number several times."""
        self._chunks.append(np.full(times, value, dtype=np.int32))
        self.size += times


class Lookup(Column):
    """A column that is read all the time, and has room left behind."""

    __slots__ = ("_data",)

    def __init__(self, *first: int) -> None:
        super().__init__(*first)
        self._data = np.zeros(1024, dtype=np.int32)
        self._data[: self.size] = first

    @property
    def all(self) -> Ints:
        """The numbers, as long as none is added."""
        return self._data[: self.size]  # type: ignore[return-value]  # as above

    def extend(self, more: Ints) -> None:
        """Add numbers."""
        self._room(len(more))[:] = more

    def fill(self, value: int, times: int) -> None:
        """Add a number several times."""
        self._room(times)[:] = value

    def _room(self, more: int) -> Ints:
        """Return the places of so many more numbers."""
        first, self.size = self.size, self.size + more
        if self.size > len(self._data):
            data = np.zeros(max(self.size, 2 * len(self._data)), dtype=np.int32)
            data[:first] = self._data[:first]
            self._data = data
        return self._data[first : self.size]  # type: ignore[return-value]  # as above


def spread(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return the places `first[i]`, `first[i] + 1`, ..., `count[i]` of them for each i, and that i for each place."""
    count = count.astype(np.int32)
    row: Ints = np.repeat(np.arange(len(count), dtype=np.int32), count)
    before = np.cumsum(count, dtype=np.int32) - count
    places: Ints = np.arange(len(row), dtype=np.int32)
    places += (first.astype(np.int32) - before)[row]
    return places, row


def by_value(values: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each of some values with its places."""
    if not len(values):
        return
    if (values == values[0]).all():
        yield int(values[0]), np.arange(len(values))
        return
    order = np.argsort(values, kind="stable")
    each, first = np.unique(values[order], return_index=True)
    yield from zip(each.tolist(), np.split(order, first[1:]), strict=True)


def bundled(row: Ints, out: Ints) -> tuple[Ints, Ints]:
    """Return an order by `row` and, within it, by the first mention of each `out`; and the number of each bundle so made."""
    key = row.astype(np.int64) * (int(out.max(initial=0)) + 1) + out
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.diff(key[order], prepend=-1))
    size = np.diff(start, append=len(order))
    first = order[start]
    rank = np.argsort(row[first].astype(np.int64) * len(order) + first)
    places, bundle = spread(start[rank], size[rank])
    return order[places], bundle


@dataclass(slots=True)
class Uses:
    """What edges add, by number; 0 is nothing."""

    all: list[Added] = field(default_factory=lambda: [()])
    _sums: dict[tuple[int, ...], int] = field(default_factory=dict)
    _scaled: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def pieces(self, pieces: Sequence[int], copies: int) -> Ints:
        """Return the numbers of what is one piece each, run once."""
        first = len(self.all)
        self.all.extend([((piece, 1, copies),) for piece in pieces])
        return np.arange(first, len(self.all))

    def sums(self, parts: Ints) -> Ints:
        """Return the number of what each row of `parts` adds together."""
        several = np.flatnonzero((parts != 0).sum(axis=1) > 1)
        found: Ints = parts.sum(axis=1)
        for place, row in zip(several.tolist(), parts[several].tolist(), strict=True):
            found[place] = self._sum(tuple([part for part in row if part]))
        return found

    def _sum(self, parts: tuple[int, ...]) -> int:
        known = self._sums.get(parts)
        if known is None:
            total: dict[int, tuple[int, int]] = {}
            for part in parts:
                for piece, runs, copies in self.all[part]:
                    each, sets = total.get(piece, (0, 0))
                    total[piece] = each + runs, sets + copies
            known = self._sums[parts] = len(self.all)
            self.all.append(tuple((piece, *amount) for piece, amount in total.items()))
        return known

    def scaled(self, number: int, runs: int, copies: int) -> int:
        """Return the number of what adds as much `runs` times, with `copies` sets of weights."""
        if not number or (runs, copies) == (1, 1):
            return number
        known = self._scaled.get((number, runs, copies))
        if known is None:
            known = self._scaled[number, runs, copies] = len(self.all)
            self.all.append(tuple((piece, each * runs, sets * copies) for piece, each, sets in self.all[number]))
        return known


@dataclass(frozen=True, slots=True)
class Close:
    """How results are made states, as a draft says it: `whole` and `body` are expressions by number.

    `space` is the number of a name, and `counts` tells whether the states are mentions that count for its depth.
    """

    whole: int = NOBODY
    body: int = NOBODY
    space: int = NOBODY
    counts: bool = False


PLAINLY = Close()


def _column(*first: int) -> Callable[[], Column]:
    return lambda: Column(*first)


def _lookup(*first: int) -> Callable[[], Lookup]:
    return lambda: Lookup(*first)


@dataclass(slots=True)
class Table:
    """The states with their edges; state 0 is that of what decides nothing and adds nothing.

    `fixed` is what a state adds that decides nothing. A state with a scale is another one, `origin`, run so often.
    """

    uses: Uses = field(default_factory=Uses)
    start: Column = field(default_factory=_column(0))
    stop: Column = field(default_factory=_column(1))
    out: Column = field(default_factory=_column(NOBODY))
    fixed: Lookup = field(default_factory=_lookup(0))
    whole: Lookup = field(default_factory=_lookup(NOBODY))
    name: Lookup = field(default_factory=_lookup(NOBODY))
    source: Lookup = field(default_factory=_lookup(NOBODY))
    counted: Lookup = field(default_factory=_lookup(0))
    origin: Column = field(default_factory=_column(0))
    scale: Column = field(default_factory=_column(0))
    label: Column = field(default_factory=_column(PLAIN))
    added: Column = field(default_factory=_column(0))
    nested: Column = field(default_factory=_column(0))
    first_child: Column = field(default_factory=_column(0))
    last_child: Column = field(default_factory=_column(0))
    children: Column = field(default_factory=Column)
    scales: list[tuple[int, int]] = field(default_factory=lambda: [(1, 1)])

    @property
    def states(self) -> int:
        """How many states there are."""
        return self.start.size

    def leaves(self, out: Ints, uses: Ints) -> Ints:
        """Return new states that decide nothing and add something."""
        return self._new(
            out, np.ones_like(out), PLAIN, uses, np.zeros_like(out), np.empty(0, np.int64), 0, uses, PLAINLY
        )

    def close(
        self, asks: Ints, row: Ints, out: Ints, label: Ints, children: Ints, nested: int, how: Close
    ) -> tuple[Ints, Ints, Ints]:
        """Return the states of some ways to derive `out` from ask `row`: how many each ask has, what comes out, and which.

        `asks` are the types that go in. A way that only goes on to another state is that state, where it can stand for
        both, and children that decide nothing are left out: what those add is added here.
        """
        order, bundle = bundled(row, out)
        row, out, label, children = row[order], out[order], label[order], children[order]
        size = np.bincount(bundle)
        head = np.cumsum(size) - size
        made = self._passed(label[head], children[head], nested, how)
        made[size > 1] = NOBODY
        new = np.flatnonzero(made == NOBODY)
        kept = made[bundle] == NOBODY
        made[new] = self._made(out[head][new], size[new], label[kept], children[kept], nested, how)
        if how.space != NOBODY:
            some = made != EMPTY
            self.name.all[made[some]] = how.space
            self.source.all[made[some]] = asks[row[head][some]]
        if how.counts:
            self.counted.all[made] = 1
            self.fixed.all[made[made != EMPTY]] = DECIDES
        return np.bincount(row[head], minlength=len(asks)), out[head], made

    def _passed(self, label: Ints, children: Ints, nested: int, how: Close) -> Ints:
        """Return for each way the state that it only passes on, NOBODY where it does more or that cannot stand for both."""
        none = np.full(len(label), NOBODY, dtype=np.int64)
        if nested or children.shape[1] > 1:
            return none
        inner = children[:, 0] if children.shape[1] else np.full(len(label), EMPTY)
        if how.body == NOBODY:
            fits = self.counted.all[inner] == 0
        else:
            fits = (self.whole.all[inner] == how.body) & (self.name.all[inner] == NOBODY)
        return np.where((label == PLAIN) & (fits | (inner == EMPTY)), inner, none)

    def _made(self, out: Ints, size: Ints, label: Ints, children: Ints, nested: int, how: Close) -> Ints:
        """Return new states of `size` ways each."""
        fixed = self.fixed.all[children]
        dropped = fixed != DECIDES
        dropped[:, :nested] = False
        uses = self.uses.sums(np.where(dropped, fixed, 0))
        count = (~dropped).sum(axis=1)
        first = np.cumsum(size) - size
        plain = (size == 1) & (label[first] == PLAIN) & (count[first] == 0)
        adds = np.where(plain, uses[first], DECIDES)
        return self._new(out, size, label, uses, count, children[~dropped], nested, adds, how)

    def _new(
        self,
        out: Ints,
        size: Ints,
        label: Ints | int,
        uses: Ints,
        count: Ints,
        children: Ints,
        nested: int,
        fixed: Ints,
        how: Close,
    ) -> Ints:
        number = np.arange(self.states, self.states + len(out))
        last = self.label.size + np.cumsum(size)
        self.start.extend(last - size)
        self.stop.extend(last)
        for column, values in ((self.out, out), (self.fixed, fixed), (self.origin, number)):
            column.extend(values)
        for column, value in ((self.whole, how.whole), (self.name, NOBODY), (self.source, NOBODY)):
            column.fill(value, len(out))
        self.counted.fill(0, len(out))
        self.scale.fill(0, len(out))
        self.label.extend(np.broadcast_to(np.asarray(label), uses.shape))
        self.added.extend(uses)
        self.nested.fill(nested, len(uses))
        ends = self.children.size + np.cumsum(count)
        self.first_child.extend(ends - count)
        self.last_child.extend(ends)
        self.children.extend(children)
        return number

    def times(self, states: Ints, runs: int) -> Ints:
        """Return states that derive what others do, and add it so many times, each time with weights of its own."""
        if runs == 1:
            return states
        each, which = np.unique(states, return_inverse=True)
        number = np.arange(self.states, self.states + len(each))
        scales = np.empty_like(each)
        for place, scale in enumerate(self.scale.all[each].tolist()):
            scales[place] = self.scale_of(scale, (runs, runs))
        fixed = self.fixed.all[each]
        adds = [one if one == DECIDES else self.uses.scaled(one, runs, runs) for one in fixed.tolist()]
        for column, values in (
            (self.out, self.out.all[each]), (self.fixed, np.array(adds, dtype=np.int64)),
            (self.origin, self.origin.all[each]), (self.scale, scales), (self.counted, self.counted.all[each]),
        ):  # fmt: skip
            column.extend(values)
        for column, value in (
            (self.start, 0), (self.stop, 0), (self.whole, NOBODY), (self.name, NOBODY), (self.source, NOBODY),
        ):  # fmt: skip
            column.fill(value, len(each))
        return number[which]

    def scale_of(self, scale: int, more: tuple[int, int]) -> int:
        """Return the number of a scale, and so many times more."""
        runs, copies = self.scales[scale]
        both = runs * more[0], copies * more[1]
        if both not in self.scales:
            self.scales.append(both)
        return self.scales.index(both)


@dataclass(slots=True)
class Results:
    """What asks were answered: for each the types that come out of it, in order, with a state each; answer 0 is nothing."""

    known: dict[int, int] = field(default_factory=lambda: {NOBODY: 0})
    first: Lookup = field(default_factory=_lookup(0))
    count: Lookup = field(default_factory=_lookup(0))
    out: Lookup = field(default_factory=Lookup)
    state: Lookup = field(default_factory=Lookup)

    def add(self, keys: Iterable[int], count: Ints, out: Ints, state: Ints) -> None:
        """Answer some asks anew."""
        ends = self.out.size + np.cumsum(count)
        self._name(keys, ends - count, count)
        self.out.extend(out)
        self.state.extend(state)

    def alias(self, keys: Iterable[int], answers: Ints) -> None:
        """Answer some asks as others were."""
        self._name(keys, self.first.all[answers], self.count.all[answers])

    def _name(self, keys: Iterable[int], first: Ints, count: Ints) -> None:
        number = self.first.size
        self.first.extend(first)
        self.count.extend(count)
        self.known.update(zip(keys, range(number, self.first.size), strict=True))

    def of(self, keys: Ints) -> Ints:
        """Return the answers to some asks."""
        return np.fromiter(map(self.known.__getitem__, keys.tolist()), np.int64, len(keys))

    def gathered(self, answers: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the rows of some answers: which of them, what comes out, the state."""
        places, row = spread(self.first.all[answers], self.count.all[answers])
        return row, self.out.all[places], self.state.all[places]
