"""A space of a program, its arguments and its input type -> Forest: every derivation in it is well typed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from archc.build import Argument, At, applied_with, entered
from archc.check import Program
from archc.grammar.diagnostics import CompileError
from archc.rules.records import is_record
from archc.rules.session import Exhausted, Refusal, contained
from archc.spaces.complaints import empty, too_large
from archc.spaces.dispatch import begin
from archc.spaces.forest import Cell, Forest, Use
from archc.spaces.frames import through
from archc.spaces.groups import PLAIN, Group, Store, Way
from archc.spaces.measures import Bound
from archc.spaces.refiner import Refiner, TooLarge
from archc.values import Definition, Value

EXACT_EDGES = 400_000
"""So many edges are tried before the output types of each mention of a space are bounded."""

MOST_TYPES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A forest with what its edges add to the network: an architecture without choices and its input, by piece."""

    forest: Forest
    refiner: Refiner

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The bounds of the space on measures that its forest is still to be held to."""
        return self.refiner.regions.root or ()


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
    tries = [0, MOST_TYPES, MOST_TYPES // 4] if most_types is None else [most_types]
    for number, most in enumerate(tries):
        edges = program.limits.edges
        edges = min(edges, EXACT_EDGES) if most_types is None and number == 0 else edges
        refiner = Refiner.of(program, definition, most, edges, begin)
        try:
            with contained(program.limits, definition.declaration.name_span):
                return _refined(refiner, definition, arguments or {}, at)
        except TooLarge:
            if number == len(tries) - 1:
                raise CompileError([too_large(definition, program.limits, refiner.store, refiner.keys.types)]) from None
        except (Refusal, Exhausted) as refusal:
            raise CompileError([refusal.diagnostic]) from None
    raise AssertionError(tries)


def _refined(refiner: Refiner, definition: Definition, arguments: Mapping[str, Argument], at: At | None) -> Refined:
    session = refiner.session(definition)
    session.flexible = True
    applied = applied_with(definition, arguments)
    if is_record(session.scopes, applied):
        into = refiner.inputs.number(at)
    else:
        into = refiner.keys.type(entered(session, definition, arguments, at)[1])
    group = refiner.run(("root",), _root(refiner, applied, into))
    if not group.outs:
        modules = refiner.program.scopes.modules
        deep = [
            name for module in modules for name, entry in module.own.items() if id(entry.declaration) in refiner.deep
        ]
        kind = None if into in refiner.inputs.known else refiner.keys.types[into]
        raise Refusal(empty(definition, kind, group.failure, deep))
    return Refined(_compact(refiner, group, into), refiner)


def _root(refiner: Refiner, applied: Value, into: int):  # type: ignore[no-untyped-def]
    return (yield from through(refiner, refiner.plan(applied), into, ()))


# ---------------------------------------------------------------- compaction
def _compact(refiner: Refiner, group: Group, into: int) -> Forest:
    """Return the states that the outputs of `group` reach, in an order in which children come first."""
    store = refiner.store
    rows: dict[int, list[Way]] = {}
    number: dict[int, int] = {}
    order: list[int] = []
    for root in group.outs.values():
        _visit(store, root, rows, number, order)
    ways = [rows[state] for state in order]
    top: list[Way] = [(PLAIN, (state,), 0, {}) for state in group.outs.values()]
    ways.append(top)
    edges = [way for row in ways for way in row]
    children = [number[child] for _, below, _, _ in edges for child in below]
    nested = [place < count for _, below, count, _ in edges for place in range(len(below))]
    mass = sum(store.mass[state] for state in group.outs.values())
    return Forest(
        first_edge=np.cumsum([0, *map(len, ways)]),
        first_child=np.cumsum([0, *(len(below) for _, below, _, _ in edges)]),
        children=np.array(children, dtype=np.int64),
        nested=np.array(nested, dtype=np.bool_),
        label=np.array([label for label, _, _, _ in edges], dtype=np.int64),
        decisions=tuple(store.labels),
        sites=tuple(store.sites),
        cells=(*(_cell(refiner, state) for state in order), Cell(refiner.root.name, str(refiner.keys.types[into]), "")),
        uses=tuple(tuple(Use(piece, *amount) for piece, amount in uses.items()) for _, _, _, uses in edges),
        root=len(order),
        lost=group.lost / (group.lost + mass) if group.lost else 0.0,
    )


def _cell(refiner: Refiner, state: int) -> Cell:
    kind = refiner.store.out_of[state][0]
    while state in refiner.store.scaled:
        state = refiner.store.scaled[state][0]
    name, source = refiner.store.names.get(state, ("", -1))
    types = refiner.keys.types
    return Cell(name, str(types[source]) if source >= 0 else "", str(types[kind]) if kind >= 0 else "")


def _visit(store: Store, root: int, rows: dict[int, list[Way]], number: dict[int, int], order: list[int]) -> None:
    """Number the states below `root`, children first."""
    waiting = [root]
    while waiting:
        state = waiting[-1]
        if state in number:
            waiting.pop()
        elif state in rows:
            number[state] = len(order)
            order.append(state)
            waiting.pop()
        else:
            rows[state] = list(store.decided(state))
            waiting.extend(child for _, below, _, _ in rows[state] for child in below if child not in number)
