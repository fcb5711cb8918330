"""A space -> its size, its output types, and the range, mean and spread of what its members cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, log2, sqrt
from typing import TYPE_CHECKING

from archc.cli.refined import kept_json, kept_lines, left_out, number
from archc.show.table import short
from archc.sizes.size import Size

if TYPE_CHECKING:
    from archc.members import Space

MOST = 100_000
"""Of so many derivations each is built, to count architectures."""

FEW = 8
"""So many output types are listed unless they are asked for."""

MEASURED = (("params", "params"), ("flops", "FLOPs"))

Rows = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """What a cost is over all members: from `low` to `high`; mean and standard deviation of draws by weight, and alike."""

    cost: str
    low: int
    high: int
    by_weight: tuple[float, float]
    alike: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What there is to say of the size of a space; `groups` are its derivations by what was asked for."""

    space: "Space"
    size: int
    types: dict[str, int]
    entropy: float
    groups: tuple[tuple[str, Rows], ...]
    architectures: int | None
    too_many: bool

    def lines(self) -> Iterator[str]:
        """Yield it for a person in two parts: the size, and what members cost, which may take much longer to say."""
        space = self.space
        lines = [_head(space, self.types), f"{_many(self.size, 'derivation')}, {_exact(space)}"]
        lines += kept_lines(space.kept, _whole(space))
        lines += self._distinct()
        lines += [f"a continuous range counts 1: {entry}" for entry in _continuous(space)]
        if self.groups:
            yield "\n".join([*lines, *(line for head, rows in self.groups for line in _grouped(head, rows))])
            return
        if len(self.types) > 1:
            lines += _grouped(f"{len(self.types)} output types", _first(self.types))
        yield "\n".join(lines)
        yield "\n".join([*_costs(self.spreads()), "", self._information()])

    def to_json(self) -> dict[str, object]:
        """Return it for JSON; counts are strings of digits."""
        from archc.runtime.count import digits

        space = self.space
        return {
            "space": space.name,
            "count": digits(self.size),
            "exact": space.exact,
            "lost": space.lost,
            "where": kept_json(space.kept),
            "architectures": None if self.architectures is None else str(self.architectures),
            "continuous": _continuous(space),
            "types": {kind: digits(many) for kind, many in self.types.items()},
            "by": {head: {row: digits(many) for row, many in rows} for head, rows in self.groups},
            "costs": {
                entry.cost: {
                    "least": entry.low,
                    "greatest": entry.high,
                    "by_weight": {"mean": entry.by_weight[0], "deviation": entry.by_weight[1]},
                    "alike": {"mean": entry.alike[0], "deviation": entry.alike[1]},
                }
                for entry in self.spreads()
            },
            "entropy_bits": {"by_weight": self.entropy, "alike": _bits(self.size)},
        }

    def spreads(self) -> list[Spread]:
        """Return what members cost, where they are not counted by something."""
        space = self.space
        return [] if self.groups else [_spread(space, cost) for cost, _ in MEASURED if any(space.costs(cost))]

    def _distinct(self) -> list[str]:
        if self.too_many:
            return [f"architectures are counted where there are {MOST:,} derivations at most"]
        return [] if self.architectures is None else [_many(self.architectures, "architecture")]

    def _information(self) -> str:
        return f"entropy {self.entropy:.4g} bits by weight, {_bits(self.size):.4g} alike"


def counted(space: "Space", by: str, *, distinct: bool) -> Counted:
    """Return the size of a space, and of its parts by output type, depth or size if `by` says so.

    If `distinct`, also how many architectures it has, where it has few enough derivations to build them all.
    """
    size = space.count()
    types = space.types()
    groups = _groups(space, by, types)
    architectures = len({member.hash for member in space}) if distinct and size <= MOST else None
    entropy = space.entropy() / log(2)
    return Counted(space, size, types, entropy, groups, architectures, distinct and size > MOST)


def _spread(space: "Space", cost: str) -> Spread:
    found = [space.moments(cost, by=by) for by in ("weights", "count")]
    means = [(entry.mean, sqrt(max(0.0, entry.variance))) for entry in found]
    return Spread(cost, *space.range(cost), means[0], means[1])


def _groups(space: "Space", by: str, types: dict[str, int]) -> tuple[tuple[str, Rows], ...]:
    if by == "type":
        return (("output type", tuple(sorted(types.items(), key=lambda entry: (-entry[1], entry[0])))),)
    if by == "size":
        buckets = space.histogram("nodes").buckets
        named = ((str(b.low) if b.low == b.high else f"{b.low}..{b.high}", b.count) for b in buckets)
        return (("nodes", tuple(named)),)
    return _by_depth(space) if by == "depth" else ()


def _by_depth(space: "Space") -> tuple[tuple[str, Rows], ...]:
    """Return the derivations by how deep each space that mentions itself is nested; by the space itself if none does."""
    from archc.runtime.derivations.depth import by_depth, nested

    forest = space.forest
    names = nested(forest) or (space.name,)
    bounded = [name for name in names if _declares_depth(space, name)]
    return tuple(
        (f"depth of {name}", tuple((str(depth), many) for depth, many in by_depth(forest, name).items()))
        for name in bounded or names
    )


def _declares_depth(space: "Space", name: str) -> bool:
    from archc.spaces.keys import has_depth

    try:
        return has_depth(space.program.definition(name).declaration)
    except KeyError:
        return False


# ---------------------------------------------------------------- words
def _head(space: "Space", types: dict[str, int]) -> str:
    kinds = f"{len(types)} types" if len(types) > 1 else next(iter(types), "")
    if space.of_records:
        return f"{space.name} : {'a record' if kinds == 'data' else kinds}"
    return f"{space.name} : {space.forest.cells[space.forest.root].source} -> {kinds}"


def _exact(space: "Space") -> str:
    return "exactly" if space.exact else left_out(space)


def _whole(space: "Space") -> int:
    from archc.runtime.derivations.measure import count

    return count(space.refined.forest)


def _continuous(space: "Space") -> list[str]:
    """Return the continuous ranges that some derivation draws from, with their places."""
    from archc.grammar.source import position

    forest = space.forest
    used = {site for label in set(forest.label.tolist()) for site, _ in forest.decisions[label]}
    found = []
    for site in sorted(used):
        entry = forest.sites[site]
        if entry.is_continuous:
            line, _ = position(entry.span)
            log_ = "log " if entry.logarithmic else ""
            found.append(f"{log_}{entry.options[0]}, line {line}")
    return found


def _first(types: dict[str, int]) -> Rows:
    rows = sorted(types.items(), key=lambda entry: (-entry[1], entry[0]))
    if len(rows) <= FEW + 1:
        return tuple(rows)
    return (*rows[:FEW], (f"{len(rows) - FEW} others (--by type)", sum(many for _, many in rows[FEW:])))


def _grouped(head: str, rows: Rows) -> list[str]:
    cells = [(head, "derivations"), *((row, number(many)) for row, many in rows)]
    return ["", *_table(cells)]


def _costs(spreads: Sequence[Spread]) -> list[str]:
    if not spreads:
        return []
    head = ("", "least", "greatest", "drawn by weight", "drawn alike")
    words = dict(MEASURED)
    rows = [
        (words[entry.cost], _size(entry.low), _size(entry.high), _around(entry.by_weight), _around(entry.alike))
        for entry in spreads
    ]
    return ["", *_table([head, *rows])]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(wide) if at == 0 else cell.rjust(wide)
            for at, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _around(found: tuple[float, float]) -> str:
    return f"{_size(round(found[0]))} ± {_size(round(found[1]))}"


def _size(value: int) -> str:
    return short(Size.of(value))


def _many(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'s' if count != 1 else ''}"


def _bits(size: int) -> float:
    return log2(size) if size else 0.0
