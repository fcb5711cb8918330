"""A forest and a network -> the options of its choices that can lead to the network: those whose values have its types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archc.grammar.source import Span
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.names.scope import Scopes
from archc.rules.openness import free_names
from archc.spaces.forest import Cells, Forest
from archc.tensor import Part, Tensor, tensors
from archc.values import Definition

Place = tuple[str, int, int, tuple[float, ...]]
"""A choice in the text of a space, with its shares."""

BESIDE = frozenset(("zero", "permute", "transpose", "rearrange", "flatten", "reshape"))
"""Ops of which a member may have more than a network that it is: what they make may have types of its own."""

MOST_EDGES = 100_000
"""In a larger forest it takes longer to find out what can lead to a network than to try."""


@dataclass(slots=True)
class Options:
    """The options that are left at some choices, by number; all are left at the others."""

    left: Mapping[Place, tuple[int, ...]] = field(default_factory=dict)
    _all: dict[tuple[float, ...], tuple[int, ...]] = field(default_factory=dict)

    def possible(self, shares: tuple[float, ...], span: Span) -> tuple[int, ...]:
        """Return the options to try at a choice: those that have a share, and are left."""
        left = self.left.get(_place(shares, span)) if self.left else None
        if left is not None:
            return left
        if shares not in self._all:
            self._all[shares] = tuple(number for number, share in enumerate(shares) if share)
        return self._all[shares]


def options_for(graph: Graph, forest: Forest, scopes: Scopes, definition: Definition) -> Options:
    """Return the options that members of a space can have that are a network, as far as types tell."""
    cells = forest.cells
    if graph.variables or forest.edges > MOST_EDGES or not isinstance(cells, Cells) or _makes_more(scopes, definition):
        return Options()
    known = _types(graph)
    fits = [all(part in known or not isinstance(part, Tensor) for part in tensors(kind)) for kind in cells.types]
    targets = cells.targets.tolist()
    alive: list[bool] = []
    for state, row in enumerate(forest.rows):
        typed = targets[state] < 0 or fits[targets[state]]
        alive.append(typed and any(all(alive[child] for child in forest.calls[edge]) for edge in row))
    left: dict[int, set[int]] = {site: set() for site in range(len(forest.sites))}
    for edge in _reached(forest, alive):
        for site, option in forest.decisions[int(forest.label[edge])]:
            left[site].add(option)
    return Options(
        {_place(forest.sites[site].shares, forest.sites[site].span): tuple(sorted(some)) for site, some in left.items()}
    )


def _reached(forest: Forest, alive: list[bool]) -> list[int]:
    """Return the edges of the derivations that are made of states which are alive."""
    found: list[int] = []
    seen, waiting = {forest.root}, [forest.root]
    while waiting:
        for edge in forest.rows[waiting.pop()]:
            children = forest.calls[edge]
            if all(alive[child] for child in children):
                found.append(edge)
                waiting.extend(child for child in children if child not in seen)
                seen.update(children)
    return found


def _place(shares: tuple[float, ...], span: Span) -> Place:
    return span.source.name if span.source else "", span.start, span.end, shares


def _types(graph: Graph) -> frozenset[Part]:
    """Return the types of the values of a network."""
    found: set[Part] = {entry.type for entry in graph.inputs}
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case OpNode(outputs=outputs):
                    found.update(outputs)
                case CallNode(graph=inner):
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
    return frozenset(found)


def _makes_more(scopes: Scopes, definition: Definition) -> bool:
    """Return whether some op in reach of a space is one of BESIDE."""
    seen, waiting = set[int](), [definition]
    while waiting:
        entry = waiting.pop()
        declaration = entry.declaration
        if id(declaration) in seen:
            continue
        seen.add(id(declaration))
        if declaration.kind == "op" and declaration.name in BESIDE:
            return True
        for expr in (declaration.value, *(parameter.default for parameter in declaration.parameters or ())):
            for name in free_names(expr)[0] if expr is not None else ():
                found = scopes.mentioned(entry.module, name)
                if found is not None:
                    waiting.append(found)
    return False
