"""The typed dataflow graph of one network: SSA values, named weights, blocks and loops kept."""

from dataclasses import dataclass, field
from typing import Literal

from archc.grammar.source import NOWHERE, Span
from archc.sizes.size import Size
from archc.tensor import Tensor, Type


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of `rearrange`, `reduce`, `broadcast` or `einsum`.

    Each side is a tuple of operands (one, but for einsum), an operand a tuple of axes, an axis a tuple of the names of
    its factors from the outermost to the innermost: `[h*w, d]` is `(("h", "w"), ("d",))`. A constant axis 1 is `()`.
    `sizes` gives the size of every name.
    """

    left: tuple[tuple[tuple[str, ...], ...], ...]
    right: tuple[tuple[str, ...], ...]
    sizes: tuple[tuple[str, Size], ...]


Static = Size | float | bool | str | None | Pattern | tuple["Static", ...]
"""A parameter's value once everything static is evaluated; whole numbers are Sizes, lists are tuples."""


@dataclass(frozen=True, slots=True)
class Value:
    """An SSA value of one graph by its number: the inputs come first, then the outputs of each node in order."""

    index: int


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that enters a graph. Outermost inputs are named by the program; inner ones `x`, `y` or as declared."""

    name: str
    type: Tensor


@dataclass(frozen=True, slots=True)
class OpNode:
    """One application of an operation of std.

    `attributes` holds every parameter in declared order, defaults filled in. `key` names its weights inside the graph;
    two nodes of one key share them. `borrowed` tells that `key` is one of the graph's `borrowed` names instead: the
    weights belong to a caller.
    """

    op: str
    attributes: tuple[tuple[str, Static], ...]
    inputs: tuple[Value, ...]
    input_types: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    key: str
    borrowed: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __getitem__(self, name: str) -> Static:
        return dict(self.attributes)[name]


@dataclass(frozen=True, slots=True)
class CallNode:
    """One mention of a block: `graph` is its body at these arguments and types.

    `arguments` holds the block's parameters and the sizes that its signature binds, for reading and naming.
    `lends` pairs each of the inner graph's `borrowed` names with this graph's key (or own borrowed name) for it.
    """

    block: str
    arguments: tuple[tuple[str, Static], ...]
    graph: "Graph"
    inputs: tuple[Value, ...]
    input_types: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    key: str
    lends: tuple[tuple[str, str], ...] = ()
    borrowed: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LoopNode:
    """`body * n` ("repeat") or `for x in xs { body }` ("for"): the steps run in order, each with weights of its own.

    The first `carried` inputs flow from step to step and come out; the other inputs are the same for every step.
    Weights of step i of key k are named `k.i.`: where a step is a single call or op, that one takes the place of the
    step, so `Encoder * 12` has `encoder.0.`, not `repeat.0.encoder.`; then `key` is the name of the block or op.
    Equal steps are one object. `bindings` gives, for "for", the loop names and the values of each step.
    """

    kind: Literal["repeat", "for"]
    steps: tuple["Graph", ...]
    carried: int
    inputs: tuple[Value, ...]
    input_types: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    key: str
    bindings: tuple[tuple[tuple[str, Static], ...], ...] = ()
    lends: tuple[tuple[str, str], ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Node = OpNode | CallNode | LoopNode


@dataclass(frozen=True, slots=True)
class Condition:
    """Something a symbolic input size must fulfil at run time: `left relation right`, or `left` divides `right`."""

    relation: Literal["==", "!=", ">=", "divides"]
    left: Size
    right: Size
    message: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A network, or the body of a block, as dataflow.

    `results` are the values that come out, flat; `type` is the output type that they form. `borrowed` names weights
    that the caller owns. On the outermost graph, `signature` is the declared input type with labels, `variables` are the
    sizes that stay symbolic, and `conditions` what they must fulfil; sizes in types are expressions over `variables`.
    """

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    results: tuple[Value, ...]
    type: Type
    borrowed: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    docs: tuple[str, ...] = ()

    def types(self) -> tuple[Tensor, ...]:
        """Return the type of every value, by number."""
        found = [entry.type for entry in self.inputs]
        for node in self.nodes:
            found.extend(node.outputs)
        return tuple(found)
