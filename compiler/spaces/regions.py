"""Mentions of spaces with bounds on measures: what is counted inside them, and which of their members stay."""

from collections.abc import Callable
from dataclasses import dataclass

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.rules.infer import measures
from archc.rules.openness import free_names
from archc.spaces.groups import Draft, Group, Out
from archc.spaces.marks import NODES, Mark, Marked
from archc.spaces.measures import Bound, bounds_of
from archc.spaces.refiner import Refiner
from archc.spaces.selecting import Selection
from archc.values import Definition, Env


@dataclass(frozen=True, slots=True)
class Region:
    """One mention of a space, outside itself: its marked input, its own marks, and the bounds to hold what comes out to."""

    into: int
    own: tuple[Mark, ...] = ()
    nodes: Bound | None = None
    held: tuple[Bound, ...] = ()


def enter(refiner: Refiner, definition: Definition, env: Env, into: int) -> Region:
    """Return the region of a mention; where the mention stands inside the same space, it is a part of that region."""
    declaration = definition.declaration
    if declaration.kind != "space" or not any(measures(declaration, clause) for clause in declaration.where):
        return Region(into)
    number = id(declaration)
    if any(mark[0] == number for mark, _ in refiner.marks.of(into)):
        return Region(into)
    bounds = bounds_of(refiner.session(definition), declaration, env)
    nodes = next((bound for bound in bounds if bound.measure == NODES and not bound.path), None)
    inside = _is_recursive(refiner, definition)
    counting = nodes if nodes is not None and nodes.high is not None and inside else None
    held = tuple(
        bound for bound in bounds if bound is not counting and (bound.measure != "depth" or bound.low is not None)
    )
    if declaration is refiner.root.declaration:
        refiner.regions.defer(tuple(bound for bound in held if bound.measure != "depth"))
        held = tuple(bound for bound in held if bound.measure == "depth")
    own: Marked = ()
    if counting is not None:
        own = (((number, NODES), max(counting.high or 0, -1)),)
    elif inside:
        own = (((number, ""), 0),)
    paths = tuple(((number, ".".join(bound.path)), bound.path) for bound in bounds if bound.path)
    if paths and into in refiner.inputs.known:
        into = refiner.inputs.counting(into, paths)
    elif own:
        into = refiner.marks.number(into, tuple(sorted((*refiner.marks.of(into), *own))))
    return Region(into, tuple(mark for mark, _ in own), counting, held)


def leave(refiner: Refiner, definition: Definition, region: Region, group: Group, draft: Draft) -> dict[Out, list[int]]:
    """Return what comes out of a region and is within its bounds: the states of each type."""
    if not region.own and not region.held:
        return {out: [state] for out, state in group.outs.items()}
    found: dict[Out, list[int]] = {}
    for (kind, demands), state in group.outs.items():
        marks = refiner.marks.of(kind)
        used = [(region.nodes.high or 0) - left for mark, left in marks if region.nodes and mark == region.own[0]]
        if region.nodes is None or region.nodes.allows(used[0]):
            rest = tuple(entry for entry in marks if entry[0] not in region.own)
            found.setdefault((refiner.marks.number(kind, rest), demands), []).append(state)
    for bound in region.held:
        kept: dict[Out, list[int]] = {}
        selection = _selection(refiner, definition, bound)
        for out, states in found.items():
            for state in states:
                for demands, inner in selection.within(out[1], state):
                    kept.setdefault((out[0], demands), []).append(inner)
        found = kept
    if group.outs and not found:
        draft.refuse((2, lambda: _outside(definition, region)))
    return found


def _outside(definition: Definition, region: Region) -> Diagnostic:
    bounds = [*region.held, *([region.nodes] if region.nodes else [])]
    text = f"no member of `{definition.name}` at this type has {' and '.join(map(str, bounds))}"
    return Diagnostic("A0411", text, bounds[0].span)


def _selection(refiner: Refiner, definition: Definition, bound: Bound) -> Selection:
    key = id(definition.declaration), bound
    known = refiner.regions.selections.get(key)
    if known is None:
        weigh = _weigher(refiner, definition, bound)
        known = refiner.regions.selections[key] = Selection(
            refiner.store, bound, id(definition.declaration), weigh, refiner.check
        )
    return known


def _weigher(refiner: Refiner, definition: Definition, bound: Bound) -> Callable[[int], int]:
    """Return what a piece adds to the measure of a bound."""
    if bound.measure == "depth":
        return lambda _: 0
    counted = refiner.counted(definition, ".".join(bound.path))
    return lambda piece: refiner.pieces.measured(piece, bound.measure) if counted(piece) else 0


def _is_recursive(refiner: Refiner, definition: Definition) -> bool:
    """Return whether a declaration comes back to itself."""
    number = id(definition.declaration)
    known = refiner.regions.recursive
    if number not in known:
        known[number] = number in _reached(refiner, definition)
    return known[number]


def _reached(refiner: Refiner, definition: Definition) -> set[int]:
    found: set[int] = set()
    waiting = [definition]
    while waiting:
        entry = waiting.pop()
        exprs = (entry.declaration.value, *(parameter.default for parameter in entry.declaration.parameters or ()))
        for name in {name for expr in exprs if expr is not None for name in free_names(expr)[0]}:
            other = refiner.program.scopes.mentioned(entry.module, name)
            kind = other.declaration.kind if other is not None else ""
            if other is not None and kind in ("space", "block", "model") and id(other.declaration) not in found:
                found.add(id(other.declaration))
                waiting.append(other)
    return found


def least_after(refiner: Refiner, stages: tuple[s.Expr, ...], env: Env, into: int) -> int:
    """Return how many nodes the rest of a pipeline takes at least, where nodes are counted."""
    return sum(refiner.least.expression(stage, env) for stage in stages) if refiner.marks.counts(into) else 0
