"""A space of a program, its arguments and its input type -> Forest: every derivation in it is well typed."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np

from archc.build import Argument, At, applied_with, entered
from archc.check import Program
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.rules.records import is_record
from archc.rules.session import Exhausted, Refusal, contained
from archc.spaces.columns.compact import in_columns
from archc.spaces.complaints import empty, too_large
from archc.spaces.dispatch import begin
from archc.spaces.forest import Cells, Forest, Use
from archc.spaces.frames import through
from archc.spaces.groups import NO_USES, PLAIN, Group, Store, Way
from archc.spaces.marks import Marks
from archc.spaces.measures import Bound
from archc.spaces.pieces import Pieces
from archc.spaces.refiner import Refiner, TooLarge
from archc.values import Definition, Value

EXACT_EDGES, EXACT_IN_COLUMNS = 400_000, 2_400_000
"""So many edges are tried before the output types of each mention of a space are bounded."""

MOST_TYPES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A forest with what its edges add to the network: an architecture without choices and its input, by piece.

    `bounds` are those of the space on measures that its forest is still to be held to.
    """

    forest: Forest
    pieces: Pieces
    bounds: tuple[Bound, ...]
    space: Definition
    marks: Marks

    def counted(self, field: str) -> Callable[[int], bool]:
        """Return what tells whether a piece is in a field of the records of the space, which has a bound; "" is all of them."""
        return self.marks.counted(self.pieces.all, (id(self.space.declaration), field))


def refine(
    program: Program,
    name: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    at: At | None = None,
    most_types: int | None = None,
) -> Refined:
    """Return the forest of the space `name` of the main file at the input type `at`.

    With `most_types`, each mention of a space keeps so many output types, the heaviest by weight (0: all of them); without,
    all are kept while the forest stays small, and 16 otherwise. Raises CompileError where the space is empty at this
    type, does not type, or is too large, KeyError where there is no such declaration.
    """
    definition = program.definition(name)
    known = program.limits.edges
    tries = [(most_types or 0, known, known)]
    if most_types is None:
        exact = 0, min(known, EXACT_EDGES), min(known, EXACT_IN_COLUMNS)
        tries = [exact, (MOST_TYPES, known, 0), (MOST_TYPES // 4, known, 0)]
    for number, (most, edges, more_edges) in enumerate(tries):
        with _uncollected():
            refiner = Refiner.of(program, definition, most, edges, begin)
            found = _tried(refiner, definition, arguments or {}, at, more_edges)
        if isinstance(found, Refined):
            return found
        if number == len(tries) - 1:
            raise CompileError([found()])
        del refiner, found  # with all its tables
    raise AssertionError(tries)


def _tried(
    refiner: Refiner, definition: Definition, arguments: Mapping[str, Argument], at: At | None, most_edges: int
) -> Refined | Callable[[], Diagnostic]:
    """Return the forest, or what to say where it is too large. Raises CompileError on what another try does not mend."""
    try:
        with contained(refiner.program.limits, definition.declaration.name_span):
            return _refined(refiner, definition, arguments, at, most_edges)
    except TooLarge as large:
        named, types = large.named, refiner.keys.types
        return lambda: too_large(definition, refiner.program.limits, named(), types)
    except (Refusal, Exhausted) as refusal:
        raise CompileError([refusal.diagnostic]) from None


def _refined(
    refiner: Refiner, definition: Definition, arguments: Mapping[str, Argument], at: At | None, most_edges: int
) -> Refined:
    session = refiner.session(definition)
    session.flexible = True
    applied = applied_with(definition, arguments)
    if is_record(session.scopes, applied):
        into = refiner.inputs.number(at)
    else:
        into = refiner.keys.type(entered(session, definition, arguments, at)[1])
    if not refiner.most_types:
        forest = in_columns(refiner, refiner.plan(applied), into, most_edges)
        if forest is not None:
            return Refined(forest, refiner.pieces, (), definition, refiner.marks)
    group = refiner.run(("root",), _root(refiner, applied, into))
    if not group.outs:
        modules = refiner.program.scopes.modules
        deep = [
            name for module in modules for name, entry in module.own.items() if id(entry.declaration) in refiner.deep
        ]
        kind = None if into in refiner.inputs.known else refiner.keys.types[into]
        raise Refusal(empty(definition, kind, group.failure, deep))
    refiner.regions.selections.clear()  # these know the refiner, which goes now with all its tables
    return Refined(
        _compact(refiner, group, into), refiner.pieces, refiner.regions.root or (), definition, refiner.marks
    )


def _root(refiner: Refiner, applied: Value, into: int):  # type: ignore[no-untyped-def]
    return (yield from through(refiner, refiner.plan(applied), into, ()))


# ---------------------------------------------------------------- compaction
@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage where it is: a refinement keeps nearly all that it makes, and looking through it takes half the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _compact(refiner: Refiner, group: Group, into: int) -> Forest:
    """Return the states that the outputs of `group` reach, in an order in which children come first."""
    store = refiner.store
    top = [(PLAIN, (state,), 0, NO_USES) for state in group.outs.values()]
    order = _reached(store, list(group.outs.values()))
    number = dict(zip(order, range(len(order)), strict=True))
    rows = [*map(store.decided, order), top]
    edges = [way for row in rows for way in row]
    called = [below for _, below, _, _ in edges]
    lengths = list(map(len, called))
    children = np.fromiter(map(number.__getitem__, chain.from_iterable(called)), np.int64, sum(lengths))
    first_child = np.cumsum([0, *lengths])
    inside = np.repeat(first_child[:-1] + [count for _, _, count, _ in edges], lengths)
    mass = sum(store.mass[state] for state in group.outs.values())
    return Forest(
        first_edge=np.cumsum([0, *map(len, rows)]),
        first_child=first_child,
        children=children,
        nested=np.arange(len(children)) < inside,
        label=np.array([label for label, _, _, _ in edges], dtype=np.int64),
        decisions=tuple(store.labels),
        sites=tuple(store.sites),
        cells=_cells(refiner, order, into),
        uses=_uses(edges),
        root=len(order),
        lost=group.lost / (group.lost + mass) if group.lost else 0.0,
    )


def _uses(edges: Sequence[Way]) -> tuple[tuple[Use, ...], ...]:
    """Return what each edge adds; most add nothing."""
    return tuple(
        [tuple([Use(piece, *amount) for piece, amount in uses.items()]) if uses else () for _, _, _, uses in edges]
    )


def _cells(refiner: Refiner, order: Sequence[int], into: int) -> Cells:
    """Return the cells of some states of the store, and of the root."""
    store = refiner.store
    named = [store.names.get(store.origin(state), ("", -1)) for state in order]
    return Cells(
        names=(*(name for name, _ in named), refiner.root.name),
        sources=np.array([*(source for _, source in named), into], dtype=np.int64),
        targets=np.array([*(store.out_of[state][0] for state in order), -1], dtype=np.int64),
        types=refiner.keys.types,
    )


def _reached(store: Store, roots: Sequence[int]) -> list[int]:
    """Return the states that some reach, children first: a state is made after its children, and numbered so."""
    found = set(roots)
    waiting = list(found)
    while waiting:
        for _, below, _, _ in store.decided(waiting.pop()):
            for child in below:
                if child not in found:
                    found.add(child)
                    waiting.append(child)
    return sorted(found, key=store.origin)
