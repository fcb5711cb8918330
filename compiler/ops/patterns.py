"""Patterns of axes: the fewest torch calls that lead from the left side to the right side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from archc.graph import Pattern
from archc.ops.base import Code
from archc.sizes.size import Size

Atom = tuple[str, ...]
"""Names that stand side by side on both sides, and so move as one axis."""

Side = tuple[tuple[Atom, ...], ...]
"""The axes of one side, each with its atoms from the outermost to the innermost; a constant axis 1 has none."""

_REDUCTIONS = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin"}


@dataclass(frozen=True, slots=True)
class _Chain:
    """The calls so far, and the axes, as atoms, of what they give; the batch is not counted."""

    sizes: Mapping[str, Size]
    axes: tuple[Atom, ...]
    text: str = "{0}"
    values: Mapping[str, Size] = field(default_factory=dict)

    def then(self, call: str, axes: Sequence[Atom], *, using: Sequence[Atom] = ()) -> "_Chain":
        """Return the chain with one more call, whose holes are the sizes of `using`."""
        holes = {hole(atom): self.size(atom) for atom in using}
        return _Chain(self.sizes, tuple(axes), self.text + call, {**self.values, **holes})

    def size(self, atom: Atom) -> Size:
        """Return the number of places of an atom."""
        return prod((self.sizes[name] for name in atom), start=Size.of(1))

    def known(self, atoms: Sequence[Atom]) -> bool:
        """Tell whether no size of `atoms` waits for the input."""
        return all(self.size(atom).constant is not None for atom in atoms)


def move(pattern: Pattern, how: str = "mean") -> Code:
    """Return the code of a rearrangement, of a reduction by `how`, or of a broadcast."""
    sizes = dict(pattern.sizes)
    names, right_names = _numbered(pattern.left[0], sizes), _numbered(pattern.right, sizes)
    left, right = _joined(names, right_names), _joined(right_names, names)
    start = _Chain(sizes, _flat(left))
    if kept := _shrunk(left, right):
        return _code(start.then(f".{_REDUCTIONS[how]}({_dims(kept)}, keepdim=True)", _flat(right)))
    if _shrunk(right, left):
        return _code(_stretched(start, left, right))
    if _flat(left) == _flat(right):
        return _code(_regrouped(start, left, right))
    chain = _reduced(_split(start, left), _flat(right), how)
    chain = _ordered(_gathered(chain, right), right)
    return _code(_merged(_widened(chain, right), right))


def contract(pattern: Pattern) -> Code:
    """Return the code of an Einstein summation: one letter a name, the batch in front."""
    sizes = dict(pattern.sizes)
    left = [_apart(side) for side in pattern.left]
    right = _apart(_numbered(pattern.right, sizes))
    operands = [_split(_Chain(sizes, _flat(side), f"{{{index}}}"), side) for index, side in enumerate(left)]
    given = {atom for side in left for atom in _flat(side)}
    again = [atom for atom in _flat(right) if "'" in atom[0] and _plain(atom) in given]
    result = tuple(atom for atom in _flat(right) if atom in given or atom in again)
    letters = _letters([*(atom for side in left for atom in _flat(side)), *again])
    rows = [*(_row(letters, _flat(side)) for side in left), *(letters[_plain(atom)] + letters[atom] for atom in again)]
    texts = [*(chain.text for chain in operands), *(f"{{0}}.new_ones({{{hole(atom)}}}).diag()" for atom in again)]
    text = f'torch.einsum("{",".join(rows)}->{_row(letters, result)}", {", ".join(texts)})'
    values = {name: size for chain in operands for name, size in chain.values.items()}
    chain = _Chain(sizes, result, text, {**values, **{hole(atom): sizes[atom[0]] for atom in again}})
    return _code(_merged(_widened(chain, right), right))


def regroup(before: Sequence[Size], after: Sequence[Size]) -> Code:
    """Return the code that gives axes of the sizes `before` the sizes `after`, elements in their order."""
    same = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    first = min(len(before), len(after)) if same is None else same
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    dim = first + 1
    match (len(old), len(new)):
        case (0, 0) | (1, 1):
            return Code("{0}")
        case (1, 0):
            return Code(f"{{0}}.squeeze({dim})")
        case (0, 1):
            return Code(f"{{0}}.unsqueeze({dim})")
        case (1, _):
            return _unflatten(dim, new)
        case (_, 1):
            return Code(f"{{0}}.flatten({dim}, {dim + len(old) - 1})" if last else f"{{0}}.flatten({dim})")
    holes = {f"d{index}": size for index, size in enumerate(after, 1)}
    return Code(f"{{0}}.reshape({', '.join(['-1', *(f'{{{name}}}' for name in holes)])})", holes)


def hole(atom: Atom) -> str:
    """Return the name under which generated code asks for the size of an atom; upper case is free in the language."""
    names = [name.split("'")[0] for name in atom]
    if len(names) == 1 and names[0].isidentifier() and names[0] != "self":
        return names[0]
    return f"N{'X'.join(names)}"


# ---------------------------------------------------------------- reading the two sides
def _numbered(side: tuple[Atom, ...], sizes: dict[str, Size]) -> tuple[Atom, ...]:
    """Return `side` without axes of size 1; the second `n` of a side is called `n'`, and is the other side's second."""
    seen: dict[str, int] = {}
    axes: list[Atom] = []
    for axis in side:
        kept = []
        for name in axis:
            if sizes[name].constant != 1:
                again = name + "'" * seen.get(name, 0)
                seen[name] = seen.get(name, 0) + 1
                sizes[again] = sizes[name]
                kept.append(again)
        axes.append(tuple(kept))
    return tuple(axes)


def _joined(side: tuple[Atom, ...], other: tuple[Atom, ...]) -> Side:
    """Return `side` with neighbours in one atom where they are neighbours, or both missing, on the other side."""
    pairs = {pair for axis in other for pair in pairwise(axis)}
    there = {name for axis in other for name in axis}
    result = []
    for axis in side:
        atoms: list[Atom] = []
        for name in axis:
            before = atoms[-1][-1] if atoms else None
            if before is not None and ((before, name) in pairs or not {before, name} & there):
                atoms[-1] = (*atoms[-1], name)
            else:
                atoms.append((name,))
        result.append(tuple(atoms))
    return tuple(result)


def _shrunk(wide: Side, narrow: Side) -> list[int]:
    """Return the axes of `wide` in whose place `narrow` has 1, if that is all that tells them apart; else none."""
    if len(wide) != len(narrow) or any(len(axis) > 1 for axis in wide):
        return []
    changed = [index for index, pair in enumerate(zip(wide, narrow, strict=True)) if pair[0] != pair[1]]
    return [] if any(narrow[index] for index in changed) else [index + 1 for index in changed]


# ---------------------------------------------------------------- one kind of call each
def _stretched(chain: _Chain, left: Side, right: Side) -> _Chain:
    new = [axis[0] for axis, before in zip(right, left, strict=True) if axis != before]
    places = ", ".join(
        f"{{{hole(axis[0])}}}" if axis != before else "-1" for axis, before in zip(right, left, strict=True)
    )
    return chain.then(f".expand(-1, {places})", _flat(right), using=new)


def _regrouped(chain: _Chain, left: Side, right: Side) -> _Chain:
    calls = _merged(_split(chain, left), right)
    steps = sum(len(axis) != 1 for axis in (*left, *right))
    if steps < 2 or not chain.known(_flat(left)):
        return calls
    holes = ", ".join(_whole_axis(chain, axis) for axis in right)
    return chain.then(f".reshape(-1, {holes})" if holes else ".flatten()", _flat(right), using=_used(right))


def _split(chain: _Chain, left: Side) -> _Chain:
    odd = [index for index, axis in enumerate(left) if len(axis) != 1]
    if len(odd) > 1 and chain.known(chain.axes) and chain.axes:
        holes = ", ".join(f"{{{hole(atom)}}}" for atom in chain.axes)
        return chain.then(f".reshape(-1, {holes})", chain.axes, using=chain.axes)
    dim = 1
    for axis in left:
        if not axis:
            chain = chain.then(f".squeeze({dim})", chain.axes)
        elif len(axis) > 1:
            free = next((atom for atom in axis if chain.size(atom).constant is None), axis[0])
            parts = ", ".join("-1" if atom == free else f"{{{hole(atom)}}}" for atom in axis)
            chain = chain.then(
                f".unflatten({dim}, ({parts}))", chain.axes, using=[atom for atom in axis if atom != free]
            )
        dim += len(axis)
    return chain


def _reduced(chain: _Chain, wanted: tuple[Atom, ...], how: str) -> _Chain:
    gone = [index for index, atom in enumerate(chain.axes, 1) if atom not in wanted]
    if not gone:
        return chain
    return chain.then(f".{_REDUCTIONS[how]}({_dims(gone)})", [atom for atom in chain.axes if atom in wanted])


def _gathered(chain: _Chain, right: Side) -> _Chain:
    """Flatten neighbours that become one axis before anything moves: what is left to move is less."""
    following = {pair for axis in right for pair in pairwise(axis)}
    runs: list[list[Atom]] = []
    for atom in chain.axes:
        if runs and (runs[-1][-1], atom) in following:
            runs[-1].append(atom)
        else:
            runs.append([atom])
    return _flattened(chain, runs)


def _ordered(chain: _Chain, right: Side) -> _Chain:
    places = {atom: index for index, atom in enumerate(_flat(right))}
    order = sorted(range(len(chain.axes)), key=lambda index: places[_first(chain.axes[index], places)])
    moved = [index for index, source in enumerate(order) if index != source]
    axes = [chain.axes[index] for index in order]
    if not moved:
        return chain
    if len(moved) == 2:
        return chain.then(f".transpose({moved[0] + 1}, {moved[1] + 1})", axes)
    return chain.then(f".permute(0, {', '.join(str(index + 1) for index in order)})", axes)


def _widened(chain: _Chain, right: Side) -> _Chain:
    """Add the axes that only the right side has."""
    there = {name for atom in chain.axes for name in atom}
    wanted: list[Atom] = []
    for atom in _flat(right):
        if not set(atom) <= there:
            wanted.append(atom)
        elif (owner := next(item for item in chain.axes if atom[0] in item)) not in wanted:
            wanted.append(owner)
    new = [atom for atom in wanted if atom not in chain.axes]
    if not new:
        return chain
    index = f".unsqueeze({wanted.index(new[0]) + 1})"
    if len(new) > 1:
        index = f"[:, {', '.join('None' if atom in new else ':' for atom in wanted)}]"
    places = ", ".join(f"{{{hole(atom)}}}" if atom in new else "-1" for atom in wanted)
    return chain.then(f"{index}.expand(-1, {places})", wanted, using=new)


def _merged(chain: _Chain, right: Side) -> _Chain:
    runs = [[atom for atom in chain.axes if _within(atom, axis)] for axis in right]
    odd = [run for run in runs if len(run) != 1]
    if len(odd) > 1 and chain.known(chain.axes):
        holes = ", ".join(_whole_axis(chain, axis) for axis in right)
        return chain.then(f".reshape(-1, {holes})", _flat(right), using=_used(right))
    chain = _flattened(chain, [run for run in runs if run])
    for index, run in enumerate(runs, 1):
        if not run:
            chain = chain.then(f".unsqueeze({index})", chain.axes)
    return chain


def _flattened(chain: _Chain, runs: Sequence[Sequence[Atom]]) -> _Chain:
    axes: list[Atom] = []
    rest = sum(len(run) for run in runs)
    for run in runs:
        rest -= len(run)
        axes.append(tuple(name for atom in run for name in atom))
        if len(run) > 1:
            first = len(axes)
            call = f".flatten({first}, {first + len(run) - 1})" if rest else f".flatten({first})"
            chain = chain.then(call, chain.axes)
    return _Chain(chain.sizes, tuple(axes), chain.text, chain.values)


# ---------------------------------------------------------------- small print
def _unflatten(dim: int, sizes: Sequence[Size]) -> Code:
    free = next((index for index, size in enumerate(sizes) if size.constant is None), 0)
    holes = {f"d{index}": size for index, size in enumerate(sizes) if index != free}
    parts = ("-1" if index == free else f"{{d{index}}}" for index in range(len(sizes)))
    return Code(f"{{0}}.unflatten({dim}, ({', '.join(parts)}))", holes)


def _letters(atoms: Sequence[Atom]) -> dict[Atom, str]:
    letters: dict[Atom, str] = {}
    for atom in atoms:
        if atom not in letters:
            wanted = (atom[0][0].lower(), *"ijklmnpqrstuvwxyzacdefgho", *"IJKLMNPQRSTUVWXYZABCDEFGHO")
            taken = {"b", *letters.values()}
            letters[atom] = next(letter for letter in wanted if letter.isalpha() and letter not in taken)
    return letters


def _row(letters: Mapping[Atom, str], axes: tuple[Atom, ...]) -> str:
    return "b" + "".join(letters[atom] for atom in axes)


def _apart(side: tuple[Atom, ...]) -> Side:
    return tuple(tuple((name,) for name in axis) for axis in side)


def _plain(atom: Atom) -> Atom:
    return (atom[0].rstrip("'"),)


def _flat(side: Side) -> tuple[Atom, ...]:
    return tuple(atom for axis in side for atom in axis)


def _used(right: Side) -> tuple[Atom, ...]:
    return tuple(tuple(name for atom in axis for name in atom) for axis in right if axis)


def _whole_axis(chain: _Chain, axis: tuple[Atom, ...]) -> str:
    return f"{{{hole(tuple(name for atom in axis for name in atom))}}}" if axis else "1"


def _within(atom: Atom, axis: tuple[Atom, ...]) -> bool:
    return any(set(atom) & set(part) for part in axis)


def _first(atom: Atom, places: Mapping[Atom, int]) -> Atom:
    return next(part for part in places if part[0] == atom[0])


def _dims(dims: Sequence[int]) -> str:
    return str(dims[0]) if len(dims) == 1 else f"({', '.join(map(str, dims))})"


def _code(chain: _Chain) -> Code:
    return Code(chain.text, dict(chain.values))
