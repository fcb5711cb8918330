"""Graph -> terms: blocks and loops written out, equal values made one, what does nothing or makes nothing taken away."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.ops import find
from archc.spaces.heads import (
    MERGING,
    RANDOM,
    Renaming,
    does_nothing,
    head,
    makes_nothing,
    order,
    renaming,
    type_text,
)
from archc.tensor import Tensor

Operands = tuple[tuple[int, int], ...]
"""Terms by number, each with its place; of a sum, with how often it is added."""

WEIGHTS, CHANCE = "weights", "chance"
"""The heads of what is new wherever it stands: a set of weights, and a draw."""


@dataclass(frozen=True, slots=True)
class Term:
    """A value of a network, or one of its sets of weights: what makes it, out of what."""

    head: str
    operands: Operands = ()

    @property
    def is_merge(self) -> bool:
        """Whether the operands stand in no order."""
        return self.head in MERGING


@dataclass(frozen=True, slots=True)
class Network:
    """A graph as terms, operands before what they make; two terms of one head and the same operands are one.

    Only WEIGHTS and CHANCE may occur twice: such terms differ in nothing but in being two. `layers` gives for each set of
    weights the keys under which the graph keeps it.
    """

    inputs: tuple[str, ...]
    terms: tuple[Term, ...]
    results: tuple[int, ...]
    layers: dict[int, tuple[str, ...]]


def network(graph: Graph) -> Network:
    """Return `graph` as terms; some of them may not lead to a result.

    The rewriting is by value: `id` and what else does nothing is gone, permutations that follow each other are one, and so
    are sums of sums; zero is absorbed. A sum with n operands that is an operand of n sums takes n*n steps.
    """
    store = Store(renaming(graph))
    inputs, results = write(store, graph)
    return Network(inputs, tuple(store.terms), results, store.layers)


def write(store: "Store", graph: Graph) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Write a graph down in `store`; return the types of its inputs as text, and the terms of its results."""
    inputs = tuple(type_text(entry.type, store.names) for entry in graph.inputs)
    entered = store.inputs(inputs)
    found: list[int] | None = None
    waiting = [_walk(store, graph, entered, Layers(()))]
    while waiting:
        try:
            inner = waiting[-1].send(found) if found is not None else next(waiting[-1])
        except StopIteration as stop:
            waiting.pop()
            found = stop.value
        else:
            waiting.append(_walk(store, *inner))
            found = None
    return inputs, tuple(found or ())


# ---------------------------------------------------------------- writing out
@dataclass(slots=True, eq=False)
class Layers:
    """The weights below one key: those of a layer, and the parts of a block; `lent` belong to whoever called it."""

    path: tuple[str, ...]
    parts: dict[str, "Layers"] = field(default_factory=dict)
    lent: dict[str, "Layers"] = field(default_factory=dict)
    weights: int | None = None

    def at(self, key: str, *, borrowed: bool = False) -> "Layers":
        """Return what is kept under a key."""
        if borrowed:
            return self.lent[key]
        if key not in self.parts:
            self.parts[key] = Layers((*self.path, key))
        return self.parts[key]

    def lend(self, lends: Sequence[tuple[str, str]], to: "Layers") -> None:
        """Let `to` use layers of this body by its own names for them."""
        for inner, outer in lends:
            to.lent[inner] = self.at(outer, borrowed=outer in self.lent)


@dataclass(frozen=True, slots=True)
class Step:
    """An op as it was written down: the terms that go in, and those that come out."""

    node: OpNode
    inputs: tuple[int, ...]
    made: tuple[int, ...]


_Body = tuple[Graph, list[int], Layers]


def _walk(store: "Store", graph: Graph, values: list[int], layers: Layers) -> Generator[_Body, list[int], list[int]]:
    """Write down the ops of a body; yield the bodies inside it, for the values that they return; return its results."""
    values = list(values)
    for node in graph.nodes:
        inputs = [values[value.index] for value in node.inputs]
        match node:
            case OpNode():
                made = store.op(node, inputs, layers)
                store.steps.append(Step(node, tuple(inputs), tuple(made)))
                values += made
            case CallNode():
                inside = layers.at(node.key, borrowed=node.borrowed)
                layers.lend(node.lends, inside)
                values += yield node.graph, inputs, inside
            case LoopNode():
                flow, rest = inputs[: node.carried], inputs[node.carried :]
                for place, step in enumerate(node.steps):
                    inside = layers.at(node.key).at(str(place))
                    layers.lend(node.lends, inside)
                    flow = yield step, flow + rest, inside
                values += flow
    return [values[value.index] for value in graph.results]


@dataclass(slots=True, eq=False)
class Store:
    """The terms so far, and what is known of them; `steps` are the ops of a graph in its order.

    Where it is `blind`, weights are not told apart, nor draws: then two values that are made alike are one term.
    """

    names: Renaming
    blind: bool = False
    terms: list[Term] = field(default_factory=list)
    known: dict[tuple[str, Operands], int] = field(default_factory=dict)
    zeros: set[int] = field(default_factory=set)
    orders: dict[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    shapes: dict[int, tuple[Tensor, int]] = field(default_factory=dict)
    layers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def is_idle(self, step: Step) -> bool:
        """Whether an op gives nothing new: what went in, or zeros."""
        return all(value in step.inputs or value in self.zeros for value in step.made)

    def inputs(self, types: Sequence[str]) -> list[int]:
        """Return the inputs of a network, of these types."""
        return [self.term(f"input {place} {kind}") for place, kind in enumerate(types)]

    def op(self, node: OpNode, inputs: list[int], layers: Layers) -> list[int]:
        """Return the outputs of an op."""
        if node.op in MERGING:
            leaves = len(node.outputs)
            return [self.merge(node.op, inputs[leaf::leaves]) for leaf in range(leaves)]
        if node.op == "zero" or makes_nothing(node, tuple(value in self.zeros for value in inputs)):
            return [self.zero(kind) for kind in node.outputs]
        if does_nothing(node) or (node.op == "sub" and inputs[1] in self.zeros):
            return inputs[:1]
        if (moved := order(node)) is not None:
            return [self.permute(moved, inputs[0])]
        if node.op in ("flatten", "reshape"):
            return [self.reshape(node, inputs[0])]
        return self.plain(node, inputs, layers)

    def plain(self, node: OpNode, inputs: list[int], layers: Layers) -> list[int]:
        """Return the outputs of an op by itself, on the weights that it has."""
        operands = [*inputs]
        if node.op in RANDOM:
            operands.append(self.new(CHANCE))
        elif find(node.op).weights(node):
            operands.append(self.weights(layers.at(node.key, borrowed=node.borrowed)))
        text = head(node, self.names)
        places = tuple(zip(operands, range(len(operands)), strict=True))
        if len(node.outputs) == 1:
            return [self.term(text, places)]
        return [self.term(f"{text} output {place}", places) for place in range(len(node.outputs))]

    def merge(self, op: str, inputs: list[int]) -> int:
        """Return a sum, product or maximum, with its operands' own operands in the place of operands of the same op."""
        zero = next((value for value in inputs if value in self.zeros), None)
        if zero is not None and op != "max_of":
            inputs = [] if op == "mul" else [value for value in inputs if value not in self.zeros]
            if not inputs:
                return zero
        counts: dict[int, int] = {}
        for value in inputs:
            term = self.terms[value]
            for operand, times in term.operands if term.head == op else ((value, 1),):
                counts[operand] = 1 if op == "max_of" else counts.get(operand, 0) + times
        if sum(counts.values()) == 1:
            return next(iter(counts))
        return self.term(op, tuple(sorted(counts.items())))

    def permute(self, moved: tuple[int, ...], value: int) -> int:
        """Return a permutation, together with the one that is permuted."""
        if value in self.orders:
            before, value = self.orders[value]
            moved = tuple(before[axis] for axis in moved)
        if moved == tuple(range(len(moved))):
            return value
        made = self.term(f"permute {','.join(map(str, moved))}", ((value, 0),))
        self.orders[made] = moved, value
        return made

    def reshape(self, node: OpNode, value: int) -> int:
        """Return other axes for the same numbers in the same order, whatever axes there were in between."""
        kind, value = self.shapes.get(value, (node.input_types[0], value))
        if kind == node.outputs[0]:
            return value
        made = self.term(f"reshape {type_text(node.outputs[0], self.names)}", ((value, 0),))
        self.shapes[made] = kind, value
        return made

    def zero(self, kind: Tensor) -> int:
        """Return the zeros of a type."""
        made = self.term(f"zero {type_text(kind, self.names)}")
        self.zeros.add(made)
        return made

    def weights(self, layer: Layers) -> int:
        """Return the weights of a layer, the same ones wherever it is used."""
        if layer.weights is None:
            layer.weights = self.new(WEIGHTS)
            self.layers[layer.weights] = layer.path
        return layer.weights

    def term(self, text: str, operands: Operands = ()) -> int:
        """Return the term of this head on these operands."""
        made = self.known.setdefault((text, operands), len(self.terms))
        if made == len(self.terms):
            self.terms.append(Term(text, operands))
        return made

    def new(self, text: str) -> int:
        """Return a term that is no other, or the one of all such terms where the store is blind."""
        if self.blind:
            return self.term(text)
        self.terms.append(Term(text))
        return len(self.terms) - 1
