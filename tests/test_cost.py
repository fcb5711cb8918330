"""What graphs cost: shared weights once, lent weights where they belong, equal steps once."""

from dataclasses import replace

from archc import cost
from archc.graph import CallNode, Graph, Input, LoopNode, Node, OpNode, Value
from archc.sizes.size import Size
from archc.tensor import Tensor

WIDTH = 4
TOKENS = Tensor((Size.var("n"), Size.of(WIDTH)))
WEIGHTS = Size.of(WIDTH * WIDTH)
ZERO = Size.of(0)


def _linear(key: str, *, at: int = 0, borrowed: bool = False) -> OpNode:
    attributes = (("out", Size.of(WIDTH)), ("bias", False))
    return OpNode("linear", attributes, (Value(at),), (TOKENS,), (TOKENS,), key, borrowed)


def _graph(*nodes: Node, borrowed: tuple[str, ...] = ()) -> Graph:
    return Graph("G", (Input("x", TOKENS),), nodes, (Value(len(nodes)),), TOKENS, borrowed)


def _call(graph: Graph, key: str, *, at: int = 0, lends: tuple[tuple[str, str], ...] = ()) -> CallNode:
    return CallNode("B", (), graph, (Value(at),), (TOKENS,), (TOKENS,), key, lends)


def _loop(*steps: Graph, lends: tuple[tuple[str, str], ...] = ()) -> LoopNode:
    return LoopNode("repeat", steps, 1, (Value(0),), (TOKENS,), (TOKENS,), "repeat", (), lends)


def test_sizes_that_stay_symbolic_give_formulas() -> None:
    h, w = Size.var("h"), Size.var("w")
    numbers = {"out": 8, "k": 3, "stride": 1, "pad": 1, "dilation": 1, "groups": 2}
    attributes = (*((name, Size.of(value)) for name, value in numbers.items()), ("bias", True))
    inputs, outputs = (Tensor((Size.of(4), h, w)),), (Tensor((Size.of(8), h, w)),)
    node = OpNode("conv", attributes, (Value(0),), inputs, outputs, "conv")
    assert cost.macs(node) == Size.of(8 * 2 * 9) * h * w
    assert cost.flops(node) == Size.of(2 * 8 * 2 * 9) * h * w
    assert cost.parameters(node) == Size.of(8 * 2 * 9 + 8)
    assert cost.activation_bytes(node) == Size.of(4 * 8) * h * w


def test_ids_take_eight_bytes_and_truths_one() -> None:
    for kind, each in (("Float", 4), ("Id", 8), ("Int", 8), ("Bool", 1)):
        node = replace(_linear("a"), outputs=(replace(TOKENS, kind=kind), TOKENS))
        assert cost.activation_bytes(node) == Size.of(each * WIDTH + 4 * WIDTH) * Size.var("n")


def test_buffers_are_no_parameters() -> None:
    image = Tensor((Size.of(6), Size.of(8), Size.of(8)))
    node = OpNode("batch_norm", (("eps", 1e-5),), (Value(0),), (image,), (image,), "batch_norm")
    assert cost.parameters(node) == Size.of(12)


def test_nodes_of_one_key_share_their_weights_and_each_computes() -> None:
    total = cost.graph_cost(_graph(_linear("a"), _linear("b", at=1), _linear("a", at=2)))
    assert total.params == Size.of(2) * WEIGHTS
    assert total.macs == Size.of(3) * WEIGHTS * Size.var("n")
    assert total.flops == Size.of(2) * total.macs
    assert total.activation_bytes == Size.of(3 * 4 * WIDTH) * Size.var("n")


def test_calls_of_one_key_share_and_others_do_not() -> None:
    inner = _graph(_linear("a"), _linear("b", at=1))
    assert cost.graph_cost(_graph(_call(inner, "f"), _call(inner, "f", at=1))).params == Size.of(2) * WEIGHTS
    assert cost.graph_cost(_graph(_call(inner, "f"), _call(inner, "g", at=1))).params == Size.of(4) * WEIGHTS


def test_what_is_lent_counts_once_at_its_owner() -> None:
    inner = _graph(_linear("f", borrowed=True), _linear("own", at=1), borrowed=("f",))
    assert cost.graph_cost(inner).params == WEIGHTS
    used_by_owner = _graph(_linear("table"), _call(inner, "b", at=1, lends=(("f", "table"),)))
    assert cost.graph_cost(used_by_owner).params == Size.of(2) * WEIGHTS
    used_by_others_only = _graph(_call(inner, "b", lends=(("f", "t"),)), _call(inner, "c", at=1, lends=(("f", "t"),)))
    assert cost.graph_cost(used_by_others_only).params == Size.of(3) * WEIGHTS


def test_what_is_lent_on_passes_through() -> None:
    inner = _graph(_linear("f", borrowed=True), borrowed=("f",))
    middle = _graph(_call(inner, "b", lends=(("f", "g"),)), borrowed=("g",))
    assert cost.graph_cost(middle).params == ZERO
    assert cost.graph_cost(_graph(_call(middle, "c", lends=(("g", "table"),)))).params == WEIGHTS


def test_a_borrowed_block_counts_at_its_owner() -> None:
    block = _graph(_linear("a"), _linear("b", at=1))
    inner = _graph(replace(_call(block, "f"), borrowed=True), borrowed=("f",))
    assert cost.graph_cost(inner).params == ZERO
    assert cost.graph_cost(_graph(_call(inner, "c", lends=(("f", "g"),)))).params == Size.of(2) * WEIGHTS


def test_each_step_of_a_loop_has_weights_of_its_own_and_borrows_the_same() -> None:
    step = _graph(_linear("a"), _linear("f", at=1, borrowed=True), borrowed=("f",))
    total = cost.graph_cost(_graph(_loop(*[step] * 12, lends=(("f", "table"),))))
    assert total.params == Size.of(13) * WEIGHTS
    assert total.macs == Size.of(24) * WEIGHTS * Size.var("n")


def test_deeply_repeated_steps_are_looked_at_once() -> None:
    graph = _graph(_linear("a"))
    for _ in range(40):
        graph = _graph(_loop(graph, graph))
    assert cost.graph_cost(graph).params == Size.of(2**40) * WEIGHTS
