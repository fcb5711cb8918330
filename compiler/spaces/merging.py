"""Which parts of a tuple the stage behind it can merge, so that others are never put together."""

from collections.abc import Hashable, Iterator, Sequence

from archc.grammar import syntax as s
from archc.sizes.size import Size
from archc.spaces.groups import Group, Partial, joined
from archc.tensor import Tensor, Type
from archc.values import Applied, Value

Merger = tuple[str, int]
"""How an op takes two tensors: `same` (add), `concat` along an axis, or `matmul`."""

Mergers = tuple[Merger, ...]

_SAME = ("add", "mul", "sub", "max_of")


def merger(value: Value) -> Merger | None:
    """Return how an op of std merges the parts of a tuple, None for what is not known to merge."""
    if not isinstance(value, Applied) or value.definition.module != 0:
        return None
    name = value.definition.name
    if name in _SAME and not value.arguments:
        return "same", 0
    if name == "matmul":
        return "matmul", 0
    if name != "concat" or len(value.arguments) > 1:
        return None
    axis = value.arguments[0][1] if value.arguments else Size.of(0)
    return ("concat", axis.constant) if isinstance(axis, Size) and axis.constant is not None else None


def sides(merger: Merger, dims: tuple[Hashable, ...]) -> tuple[Hashable, Hashable]:
    """Return what a tensor of these axes must have in common with one to its right, and with one to its left."""
    name, axis = merger
    if name == "same":
        return dims, dims
    if name == "matmul":
        return ((*dims[:-2], dims[-1]), (*dims[:-2], dims[-2])) if len(dims) > 1 else (None, None)
    at = axis + len(dims) if axis < 0 else axis
    if not 0 <= at < len(dims):
        return None, None
    rest = (len(dims), *dims[:at], *dims[at + 1 :])
    return rest, rest


def _sides(merger: Merger, kind: Type) -> tuple[Hashable, Hashable]:
    assert isinstance(kind, Tensor)
    return sides(merger, kind.dims)


def merged(parts: Sequence[Partial], more: Group, mergers: Mergers, types: Sequence[Type]) -> list[Partial]:
    """Return every way to go on from `parts` with one output of `more` that some merger takes with the first part."""
    outs = list(more.outs.items())
    if any(not isinstance(types[kind], Tensor) for (kind, _), _ in outs) or any(
        not isinstance(types[kinds[0]], Tensor) for kinds, _, _ in parts
    ):
        mergers = ()
    found: list[Partial] = []
    for place, chosen in _fitting(
        [types[kinds[0]] for kinds, _, _ in parts], [types[k] for (k, _), _ in outs], mergers
    ):
        kinds, demands, states = parts[place]
        for other in chosen:
            (kind, wanted), state = outs[other]
            both = joined(demands, wanted)
            if both is not None:
                found.append(((*kinds, kind), both, (*states, state)))
    return found


def _fitting(left: Sequence[Type], right: Sequence[Type], mergers: Mergers) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield for each type on the left those on the right that a merger takes with it, all where none is known."""
    if not mergers:
        yield from ((place, range(len(right))) for place in range(len(left)))
        return
    tables: list[dict[Hashable, list[int]]] = []
    for entry in mergers:
        table: dict[Hashable, list[int]] = {}
        for place, kind in enumerate(right):
            table.setdefault(_sides(entry, kind)[1], []).append(place)
        table.pop(None, None)
        tables.append(table)
    for place, kind in enumerate(left):
        chosen: set[int] = set()
        for entry, table in zip(mergers, tables, strict=True):
            chosen.update(table.get(_sides(entry, kind)[0], ()))
        if chosen:
            yield place, sorted(chosen)


def is_bundle(value: Value) -> bool:
    """Return whether an architecture puts the outputs of its parts in a tuple."""
    if isinstance(value, Applied):
        return value.definition.module == 0 and value.definition.name == "par"
    return isinstance(getattr(value, "expr", None), s.Tuple)
