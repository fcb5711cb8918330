"""A walk through a space -> the values of the network that it makes, as far as another network has them too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from archc.grammar import syntax as s
from archc.graph import Graph, Input, OpNode, Static
from archc.rules.session import Site, Step
from archc.spaces.heads import renaming, type_text
from archc.spaces.terms import Layers, Store, Term, write
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

    `steps` are its ops in the order of its text, but for those that give nothing new. `sums` are its sums, products and
    maxima: of which op, and how often each operand is in it.
    """

    graph: Graph
    store: Store
    inputs: tuple[str, ...]
    results: tuple[int, ...]
    count: int
    steps: tuple[Written, ...]
    sums: tuple[tuple[str, Mapping[int, int]], ...]

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
    return Target(graph, store, inputs, results, len(store.terms), steps, sums)


@dataclass(slots=True, eq=False)
class Tracer:
    """An emitter that raises Mismatch at the first value that `target` has not, in any order or that of its text.

    In the order of the text, `position` is how many of its ops are made; it is None where values may come in any. `made` are the values of the target that some walk made, `tried` the ops that walks had for each input of an op, and
    `entered` are the types of the space's own inputs.
    """

    target: Target
    mention: Mention
    position: int | None = None
    made: set[int] = field(default_factory=set)
    tried: dict[tuple[int, ...], dict[str, OpNode]] = field(default_factory=dict)
    entered: tuple[str, ...] = ()
    _has: dict[int, bool] = field(default_factory=dict)

    def op(self, name: str, attributes: tuple[tuple[str, Static], ...], into: Flow, output: Type, site: Site) -> Flow:
        """Return the output of an operation. Raises Mismatch where the target has no such value."""
        inputs = terms_of(into)
        types = leaves(untagged(into.type)), leaves(untagged(output))
        node = OpNode(name, attributes, (), *types, name, False, site.span)
        made = self.target.store.op(node, inputs, Layers(()))
        if not self.target.store.is_idle(Written(node, tuple(inputs), tuple(made))):
            self.tried.setdefault(tuple(sorted(inputs)), {}).setdefault(repr((name, attributes)), node)
            self._expect(tuple(made))
            self.made.update(made)
        return formed(output, made)

    def _expect(self, made: tuple[int, ...]) -> None:
        if self.position is None:
            has = all(self._allows(number) for number in made)
        else:
            has = self.position < len(self.target.steps) and self.target.steps[self.position].made == made
            self.position += 1
        if not has:
            raise Mismatch

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
        return walk(into)

    def loop(self, kind: Literal["repeat", "for"], steps: tuple[Step, ...], into: Flow, site: Site) -> Flow:
        """Return what comes out of all turns."""
        for step in steps:
            into = step.walk(into)
        return into

    def define(self, layer: Layer) -> None:
        """Do nothing: weights are not told apart."""

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
