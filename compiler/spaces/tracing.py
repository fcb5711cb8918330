"""A walk through a space -> the values of the network that it makes, as far as another network has them too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archc.grammar import syntax as s
from archc.graph import Graph, Input, OpNode, Static
from archc.ops import find
from archc.rules.session import Site, Step
from archc.spaces.heads import RANDOM, does_nothing, head, renaming, type_text
from archc.spaces.terms import CHANCE, WEIGHTS, Layers, Network, Operands, Store, Term, network, write
from archc.spaces.terms import Step as Written
from archc.tensor import Product, Type, leaves, untagged
from archc.values import Flow, Layer, Value, formed

Mention = Callable[[s.Declaration, Mapping[str, Value], Flow, Callable[[Flow], Flow]], Flow]
"""What comes out of one mention of a block or space, of which the last argument walks the body."""

MOVES = ("permute ", "reshape ")


class Mismatch(Exception):
    """The walk makes what the other network has not."""


class Ended(Exception):
    """The walk is at its end, with this result."""

    def __init__(self, result: Flow) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A network that is looked for. Its values are the first `count` terms of `store`, whatever weights make them.

    `steps` are its ops in the order of its text, but for those that give nothing new; `text` are all of them but those
    that give back what goes in. `sums` are its sums, products and maxima: of which op, and how often each operand is in
    it. `drawn` counts its ops that have weights or draw, where each makes something else on weights of its own; or None.
    """

    graph: Graph
    store: Store
    inputs: tuple[str, ...]
    results: tuple[int, ...]
    count: int
    steps: tuple[Written, ...]
    text: tuple[Written, ...]
    sums: tuple[tuple[str, Mapping[int, int]], ...]
    drawn: int | None

    def has(self, number: int) -> bool:
        """Whether a term is a value of the network, or may be a part of one: a zero, some operands, other axes."""
        if number < self.count or number in self.store.zeros:
            return True
        term = self.store.terms[number]
        return self._has_operands(term) if term.is_merge else self._has_moved(term)

    def _has_operands(self, term: Term) -> bool:
        return any(
            head == term.head and all(whole.get(operand, 0) >= times for operand, times in term.operands)
            for head, whole in self.sums
        )

    def _has_moved(self, term: Term) -> bool:
        return term.head.startswith(MOVES) and self.has(term.operands[0][0])


def target(graph: Graph) -> Target:
    """Return a network as what is looked for."""
    store = Store(renaming(graph), blind=True)
    inputs, results = write(store, graph)
    sums = tuple((term.head, dict(term.operands)) for term in store.terms if term.is_merge)
    steps = tuple(step for step in store.steps if not store.is_idle(step))
    text = tuple(step for step in store.steps if not does_nothing(step.node))
    drawn = _drawn(network(graph), Network(inputs, tuple(store.terms), results, {}))
    return Target(graph, store, inputs, results, len(store.terms), steps, text, sums, drawn)


def _drawn(exact: Network, blind: Network) -> int | None:
    apart, alike = _drawing(exact), _drawing(blind)
    own = {operands[-1] for _, operands in apart}
    return len(apart) if len(apart) == len(alike) == len(own) else None


def _drawing(found: Network) -> set[tuple[str, Operands]]:
    """Return the ops that lead to a result and have weights or draw, as the last of their operands says."""
    live = set(found.results)
    ops: set[tuple[str, Operands]] = set()
    for number in range(len(found.terms) - 1, -1, -1):
        term = found.terms[number]
        if number in live:
            live.update(operand for operand, _ in term.operands)
            if term.operands and found.terms[term.operands[-1][0]].head in (WEIGHTS, CHANCE):
                ops.add((term.head.partition(" output ")[0], term.operands))
    return ops


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An op of a walk: what it makes of which terms. It is `idle` where it gives nothing new."""

    step: Written
    output: Flow
    idle: bool
    draws: bool


@dataclass(slots=True, eq=False)
class Tracer:
    """An emitter that raises Mismatch at the first value that `target` has not, in any order or that of `steps`.

    In an order, `position` is how many of the steps are made; `every` tells whether they are all of a text, or those
    that give something new. `drawn` counts the ops so far that have weights or draw, and `shares` is set where some may
    have weights of others: a layer is mentioned twice, or by another body than the one that has it in `layers`. `last` are the ops that came last, `found` are the values of the target that some walk made,
    `tried` the ops that walks had for each input of an op, and `entered` the types of the space's own inputs.
    """

    target: Target
    mention: Mention
    steps: Sequence[Written] | None = None
    every: bool = False
    position: int = 0
    drawn: int = 0
    shares: bool = False
    layers: dict[object, int] = field(default_factory=dict)
    last: list[Made] = field(default_factory=list)
    found: set[int] = field(default_factory=set)
    tried: dict[tuple[int, ...], dict[str, OpNode]] = field(default_factory=dict)
    entered: tuple[str, ...] = ()
    _has: dict[int, bool] = field(default_factory=dict)

    def op(self, name: str, attributes: tuple[tuple[str, Static], ...], into: Flow, output: Type, site: Site) -> Flow:
        """Return the output of an operation. Raises Mismatch where the target has no such value."""
        inputs = terms_of(into)
        types = leaves(untagged(into.type)), leaves(untagged(output))
        node = OpNode(name, attributes, (), *types, name, False, site.span)
        store = self.target.store
        step = Written(node, tuple(inputs), tuple(store.op(node, inputs, Layers(()))))
        idle = store.is_idle(step)
        draws = not idle and (name in RANDOM or bool(find(name).weights(node)))
        if not idle:
            self.tried.setdefault(tuple(sorted(inputs)), {}).setdefault(repr((name, attributes)), node)
        self.last.append(Made(step, formed(output, step.made), idle, draws))
        return self.arrive(self.last[-1])

    def arrive(self, made: Made) -> Flow:
        """Return what an op makes. Raises Mismatch where it is not what comes next, or no value of the target."""
        step, steps = made.step, self.steps
        if steps is None:
            if not made.idle and not all(map(self._allows, step.made)):
                raise Mismatch
        elif not does_nothing(step.node) if self.every else not made.idle:
            if self.position >= len(steps) or not self._is(step, steps[self.position]):
                raise Mismatch
            self.position += 1
        self.drawn += made.draws
        self.found.update(step.made)
        return made.output

    def _is(self, step: Written, other: Written) -> bool:
        if step.made != other.made:
            return False
        if not self.every:
            return True
        names = self.target.store.names
        return step.inputs == other.inputs and head(step.node, names) == head(other.node, names)

    def _allows(self, number: int) -> bool:
        if number not in self._has:
            self._has[number] = self.target.has(number)
        return self._has[number]

    def call(
        self,
        declaration: s.Declaration,
        names: Mapping[str, Value],
        into: Flow,
        site: Site,
        walk: Callable[[Flow], Flow],
    ) -> Flow:
        """Return what comes out of a mention of a block or space."""
        return self.mention(declaration, names, into, walk)

    def shared(self, into: Flow, site: Site, walk: Callable[[Flow], Flow]) -> Flow:
        """Return what comes out of one mention of a layer."""
        assert site.layer is not None, site
        self.use(site.layer)
        return walk(into)

    def loop(self, kind: Literal["repeat", "for"], steps: tuple[Step, ...], into: Flow, site: Site) -> Flow:
        """Return what comes out of all turns."""
        for step in steps:
            into = step.walk(into)
        return into

    def define(self, layer: Layer) -> None:
        """Note a layer of the body that is walked."""
        self.layers[layer.token] = 0

    def use(self, layer: Layer) -> None:
        """Note a mention of a layer."""
        uses = self.layers.get(layer.token, 1) + 1
        self.layers[layer.token] = uses
        self.shares = self.shares or uses > 1

    def enter(self, inputs: tuple[Input, ...], kind: Type) -> Flow:
        """Return the input. Raises Mismatch where it is of another type."""
        texts = self.entered = tuple(type_text(entry.type, self.target.store.names) for entry in inputs)
        if texts != self.target.inputs:
            raise Mismatch
        return formed(kind, self.target.store.inputs(texts))

    def finish(self, result: Flow) -> Graph:
        """Raise Ended."""
        raise Ended(result)


def terms_of(value: Flow) -> list[int]:
    """Return the terms that a value is made of, from left to right."""
    if isinstance(value.type, Product):
        return [term for part in value.parts for term in terms_of(part)]
    assert isinstance(value.handle, int), value
    return [value.handle]
