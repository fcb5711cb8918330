"""Graphs made by hand, so that lowering is tested without the front end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from archc.graph import CallNode, Graph, Input, LoopNode, Node, OpNode, Static, Value
from archc.sizes.size import Size, floordiv
from archc.tensor import Product, Tensor, Type

Dim = int | Size
Given = int | float | bool | str | None | Size | tuple["Given", ...]
Arguments = dict[str, Given]


def size(dim: Dim) -> Size:
    """Return a size."""
    return Size.of(dim) if isinstance(dim, int) else dim


def shape(*dims: Dim, kind: str = "Float", bound: int | None = None) -> Tensor:
    """Return a tensor type."""
    return Tensor(tuple(map(size, dims)), kind, None if bound is None else Size.of(bound))


def static(value: Given) -> Static:
    """Return a parameter's value as a graph keeps it."""
    if isinstance(value, tuple):
        return tuple(static(item) for item in value)
    return Size.of(value) if isinstance(value, int) and not isinstance(value, bool) else value


def statics(values: Arguments) -> tuple[tuple[str, Static], ...]:
    """Return parameters as a graph keeps them."""
    return tuple((name, static(value)) for name, value in values.items())


@dataclass
class Draft:
    """A graph under construction: every method adds a node and returns its output."""

    name: str
    inputs: dict[str, Tensor]
    nodes: list[Node] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.types = list(self.inputs.values())

    def __getitem__(self, index: int) -> Value:
        return Value(index)

    def op(
        self,
        op: str,
        inputs: Value | Sequence[Value],
        *outputs: Tensor,
        key: str = "",
        borrowed: bool = False,
        **given: Given,
    ) -> Value:
        """Add an op; without `outputs` it keeps the type of its first input."""
        values = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
        types = self._types(values)
        return self._add(
            OpNode(op, statics(given), values, types, outputs or types[:1], key or self._key(op), borrowed)
        )

    def conv(self, x: Value, out: int, k: int, stride: int = 1, pad: int = 0, *, bias: bool = False) -> Value:
        """Add a convolution."""
        _, *grid = self.types[x.index].sizes
        cells = [floordiv(cell + (2 * pad - k), Size.of(stride)) + 1 for cell in grid]
        given: Arguments = {"k": k, "stride": stride, "pad": pad, "dilation": 1, "groups": 1, "bias": bias}
        return self.op("conv", x, shape(out, *cells), out=out, **given)

    def norm(self, x: Value) -> Value:
        """Add a batch norm."""
        return self.op("batch_norm", x, eps=1e-5)

    def linear(self, x: Value, out: Dim, *, key: str = "", bias: bool = True) -> Value:
        """Add a linear map of the last axis."""
        *rest, _ = self.types[x.index].sizes
        return self.op("linear", x, shape(*rest, out), key=key, out=out, bias=bias)

    def call(
        self,
        graph: Graph,
        inputs: Value | Sequence[Value],
        arguments: Arguments | None = None,
        *,
        key: str = "",
        lends: dict[str, str] | None = None,
        borrowed: bool = False,
    ) -> Value:
        """Add a mention of a block."""
        values = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", graph.name).lower()
        outputs = tuple(graph.types()[value.index] for value in graph.results)
        pairs = tuple((lends or {}).items())
        given = statics(arguments or {})
        node = CallNode(graph.name, given, graph, values, self._types(values), outputs, key or self._key(snake), pairs)
        return self._add(replace(node, borrowed=borrowed))

    def loop(
        self,
        steps: Sequence[Graph],
        inputs: Value | Sequence[Value],
        key: str,
        *,
        bindings: Sequence[Arguments] = (),
        carried: int = 1,
        lends: dict[str, str] | None = None,
    ) -> Value:
        """Add a loop; with `bindings` it is a `for`."""
        values = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
        outputs = tuple(steps[-1].types()[value.index] for value in steps[-1].results)
        node = LoopNode(
            "for" if bindings else "repeat",
            tuple(steps),
            carried,
            values,
            self._types(values),
            outputs,
            self._key(key),
            tuple(map(statics, bindings)),
            tuple((lends or {}).items()),
        )
        return self._add(node)

    def done(
        self,
        *results: Value,
        kind: Type | None = None,
        borrowed: tuple[str, ...] = (),
        variables: tuple[str, ...] = (),
        docs: tuple[str, ...] = (),
    ) -> Graph:
        """Return the graph."""
        types = self._types(results)
        inputs = tuple(Input(name, kind) for name, kind in self.inputs.items())
        kind = kind or (types[0] if len(types) == 1 else Product(types))
        return Graph(self.name, inputs, tuple(self.nodes), results, kind, borrowed, variables, (), docs)

    def _types(self, values: Sequence[Value]) -> tuple[Tensor, ...]:
        return tuple(self.types[value.index] for value in values)

    def _key(self, base: str) -> str:
        self.keys[base] = self.keys.get(base, 0) + 1
        return base if self.keys[base] == 1 else f"{base}_{self.keys[base]}"

    def _add(self, node: Node) -> Value:
        self.nodes.append(node)
        first = len(self.types)
        self.types += node.outputs
        return Value(first)


def single(graph: Graph, arguments: Arguments | None = None) -> Graph:
    """Return the step of a loop that is one mention of `graph`."""
    step = Draft("step", {entry.name: entry.type for entry in graph.inputs})
    return step.done(step.call(graph, [Value(index) for index in range(len(graph.inputs))], arguments))


# ---------------------------------------------------------------- networks
def basic(a: int, c: int, stride: int, h: Size, w: Size) -> Graph:
    """Return the block of ResNet-18."""
    block = Draft("Basic", {"x": shape(a, h * stride, w * stride)})
    y = block.op("relu", block.norm(block.conv(block[0], c, 3, stride, 1)))
    y = block.norm(block.conv(y, c, 3, 1, 1))
    shortcut = block[0] if a == c and stride == 1 else block.norm(block.conv(block[0], c, 1, stride))
    return block.done(block.op("relu", block.op("add", [y, shortcut])), docs=("Two convolutions around a shortcut.",))


def resnet18(h: Dim, w: Dim) -> Graph:
    """Return ResNet-18 on images of 32*h by 32*w."""
    h, w = size(h), size(w)
    net = Draft("ResNet18", {"x": shape(3, h * 32, w * 32)})
    x = net.op("relu", net.norm(net.conv(net[0], 64, 7, 2, 3)))
    x = net.op("max_pool", x, shape(64, h * 8, w * 8), k=3, stride=2, pad=1, dilation=1)
    first = single(basic(64, 64, 1, h * 8, w * 8), {"c": 64, "stride": 1, "a": 64, "h": h * 8, "w": w * 8})
    x = net.loop([first, first], x, "basic")
    turns = []
    for turn, c in enumerate((128, 256, 512)):
        high, wide, a = h * (4 >> turn), w * (4 >> turn), c // 2
        stage = Draft("for", {"x": shape(a, high * 2, wide * 2)})
        sizes: Arguments = {"h": high, "w": wide}
        y = stage.call(basic(a, c, 2, high, wide), stage[0], {"c": c, "stride": 2, "a": a, **sizes})
        y = stage.call(basic(c, c, 1, high, wide), y, {"c": c, "stride": 1, "a": c, **sizes})
        turns.append(stage.done(y))
    x = net.loop(turns, x, "for", bindings=[{"c": c} for c in (128, 256, 512)])
    x = net.linear(net.op("global_avg_pool", x, shape(512)), 1000)
    return net.done(x, variables=tuple(sorted(h.variables | w.variables)), docs=("ResNet-18.",))


def decoder(n: Dim, d: int, heads: int) -> Graph:
    """Return a layer of GPT-2."""
    block = Draft("Decoder", {"x": shape(n, d)})
    x = block.op("layer_norm", block[0], eps=1e-5, bias=True)
    q, k, v = (block.linear(x, d) for _ in range(3))
    given: Arguments = {"heads": heads, "kv_heads": heads, "causal": True, "window": 0, "scale": 0.0}
    y = block.linear(block.op("attention", [q, k, v], **given), d)
    x = block.op("add", [block[0], y])
    y = block.linear(block.op("layer_norm", x, eps=1e-5, bias=True), 4 * d)
    y = block.linear(block.op("gelu", y, approx=True), d)
    return block.done(block.op("add", [x, y]))


def gpt2(depth: int = 12, d: int = 768, vocab: int = 50257, context: int = 1024) -> Graph:
    """Return GPT-2 for any number of tokens; its head is tied to the table."""
    n = Size.var("n")
    net = Draft("Gpt2", {"tokens": shape(n, kind="Id", bound=vocab)})
    x = net.op("embedding", net[0], shape(n, d), vocab=vocab, d=d)
    x = net.op("pos_learned", x, max=context)
    layer = single(decoder(n, d, d // 64), {"heads": d // 64, "n": n, "d": d})
    x = net.loop([layer] * depth, x, "decoder")
    x = net.op("layer_norm", x, eps=1e-5, bias=True)
    x = net.op("embedding_decode", x, shape(n, vocab), key="embedding", vocab=vocab, d=d)
    return net.done(x, variables=("n",))


def growth(c: int, g: int) -> Graph:
    """Return a layer of DenseNet."""
    block = Draft("Growth", {"x": shape(c, 8, 8)})
    y = block.conv(block.op("relu", block.norm(block[0])), g, 3, 1, 1)
    return block.done(block.op("concat", [block[0], y], shape(c + g, 8, 8), axis=0))


def densenet(counts: Sequence[int] = (3, 4), g: int = 4) -> Graph:
    """Return a few dense stages, each with a transition behind it."""
    net = Draft("Dense", {"x": shape(8, 8, 8)})
    turns, c = [], 8
    for count in counts:
        stage = Draft("for", {"x": shape(c, 8, 8)})
        steps = [single(growth(c + g * i, g), {"g": g, "c": c + g * i}) for i in range(count)]
        y = stage.loop(steps, stage[0], "growth")
        turns.append(stage.done(stage.conv(y, 8 * len(turns) + 8, 1)))
        c = 8 * len(turns)
    return net.done(net.loop(turns, net[0], "for", bindings=[{"n": count} for count in counts]))
