"""A search -> what its store says of it: which space it is of, and what must not change from one run to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from archc.members import Space
from archc.search.loop import Search
from archc.search.protocol import Json


@dataclass(frozen=True, slots=True)
class About:
    """What a store is of. A search resumes on it only where `space` (a hash) and all of `fixed` are the same.

    `notes` is what a reader wants besides: texts, versions, the command.
    """

    space: str
    fixed: Mapping[str, Json] = field(default_factory=dict)
    notes: Mapping[str, Json] = field(default_factory=dict)


def about(search: Search, task: str, notes: Mapping[str, Json] | None = None) -> About:
    """Return what the store of a search on a task says of it; `evaluations` and `seconds` may grow when it resumes."""
    fixed: dict[str, Json] = {
        "name": search.space.name,
        "task": task,
        "objective": str(search.objective),
        "strategy": search.strategy,
        "settings": dict(search.settings),
        "seed": search.seed,
        "ahead": search.ahead,
        "bounds": [f"{bound.cost} {bound.low} {bound.high}" for bound in search.bounds],
        "given": [member.key for member in search.given],
    }
    return About(hash_of_space(search.space), fixed, notes or {})


def hash_of_space(space: Space) -> str:
    """Return the hash of a space's forest with its shares: derivations of one are derivations of the other, by number."""
    forest = space.forest
    found = sha256(f"{forest.root} {forest.lost!r}".encode())
    for table in (forest.first_edge, forest.first_child, forest.children, forest.nested, forest.label):
        found.update(f"{table.shape} {table.dtype}".encode())
        found.update(table.tobytes())
    found.update(repr(forest.decisions).encode())
    for site in space.sites:
        found.update(repr((site.options, site.shares, site.low, site.high, site.logarithmic)).encode())
    return found.hexdigest()
