"""Identity of architectures: blind to how a network is written, and to nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import permutations, product
from random import Random

import pytest
import torch
from graphs import Draft, shape
from test_examples import INPUTS, MODELS, name

import archc
from archc.graph import Graph, Value
from archc.lower.torch_module import to_module
from archc.spaces.identity import canonical, hash_of

Cell = tuple[str, ...]

# ---------------------------------------------------------------- NAS-Bench-201
OPERATIONS = {"none": "zero", "skip": "id", "conv1": "Conv(c, 1)", "conv3": "Conv(c, 3)", "pool": "avg_pool(3, 1, 1)"}
IMAGE = shape(16, 32, 32)
CELLS = list(product(OPERATIONS, repeat=6))


@cache
def conv_block(k: int) -> Graph:
    block = Draft("Conv", {"x": IMAGE})
    return block.done(block.norm(block.conv(block.op("relu", block[0]), 16, k, 1, k // 2)))


def cell_graph(cell: Cell) -> Graph:
    """Return the graph of a cell: edges to node 1, to node 2 from 0 and 1, to node 3 from 0, 1 and 2."""
    net = Draft("Cell", {"x": IMAGE})

    def edge(operation: str, x: Value) -> Value:
        match operation:
            case "none":
                return net.op("zero", x)
            case "skip":
                return x
            case "pool":
                return net.op("avg_pool", x, k=3, stride=1, pad=1, count_pad=True)
        return net.call(conv_block(int(operation[-1])), x)

    a = edge(cell[0], net[0])
    b = net.op("add", [edge(cell[1], net[0]), edge(cell[2], a)])
    return net.done(net.op("add", [edge(cell[3], net[0]), edge(cell[4], a), edge(cell[5], b)]))


def cell_text(cell: Cell) -> str:
    edges = [OPERATIONS[operation] for operation in cell]
    return f"""arch 0.1
block Conv(c, k: 1 | 3) : [a, h, w] -> [c, h, w] = relu -> conv(c, k, pad = (k - 1) / 2, bias=false) -> batch_norm
model Cell(c = 16) : (x: [c, 32, 32]) -> [c, 32, 32] = {{
    let a = x -> {edges[0]}
    let b = (x -> {edges[1]}, a -> {edges[2]}) -> add
    return (x -> {edges[3]}, a -> {edges[4]}, b -> {edges[5]}) -> add
}}
"""


def rule_of_the_benchmark(cell: Cell) -> str:
    """Return a cell as the benchmark compares cells: each node as a string, made from those before it.

    An edge with `none`, or out of a node that is nothing, is `#`; `skip` is the string of its node; any other operation
    puts that into brackets and stands behind it. A node sorts and joins its edges. So what is nothing stays in a sum, a
    sum of sums is sorted in two steps, and nothing tells whether a node used twice is one set of weights or two.
    """
    edges = iter(cell)
    nodes = ["0"]
    for _ in range(3):
        found = []
        for before, operation in zip(list(nodes), edges, strict=False):
            nothing = operation == "none" or before == "#"
            found.append("#" if nothing else before if operation == "skip" else f"({before})@{operation}")
        nodes.append("+".join(sorted(found)))
    return nodes[-1]


def test_cells_of_nasbench201_are_as_many_architectures_as_a_peer_counts() -> None:
    texts = [canonical(cell_graph(cell)).text for cell in CELLS]
    assert len(texts) == 15_625
    assert len(set(texts)) == 5_260
    assert sum("zero" not in text for text in texts) == 15_284, "cells with a path from input to output"


def test_cells_of_nasbench201_are_as_many_strings_as_the_benchmark_counts() -> None:
    assert len({rule_of_the_benchmark(cell) for cell in CELLS}) == 6_466


@pytest.mark.parametrize("cell", Random(201).sample(CELLS, 12), ids="-".join)
def test_a_cell_from_text_is_the_cell_made_by_hand(cell: Cell) -> None:
    assert hash_of(archc.loads(cell_text(cell))["Cell"].graph()) == hash_of(cell_graph(cell))


# ---------------------------------------------------------------- how a network is written
def hash_of_text(body: str) -> str:
    return hash_of(archc.loads(f"arch 0.1\n{body}")["Net"].graph())


def model(body: str, kind: str = "[4, 6] -> [4, 6]") -> str:
    return f"model Net : {kind} = {body}\n"


TWO_LAYERS = "let a = x -> linear(6)  let b = x -> linear(6)"
TWICE = "block Twice(f: [..s] -> [..s]) : [..s] -> [..s] = f -> tanh -> f\n"
ONE = {
    "brackets": (model("(relu -> linear(6)) -> tanh"), model("relu -> (linear(6) -> tanh)")),
    "names": (
        model("{ let a = x -> relu  return (a, x) -> sub }", "(x: [4, 6]) -> [4, 6]"),
        model("{ let rest = into -> relu  return (rest, into) -> sub }", "(into: [4, 6]) -> [4, 6]"),
    ),
    "names of open sizes": (model("relu", "[b, 6, a] -> [b, 6, a]"), model("relu", "[n, 6, m] -> [n, 6, m]")),
    "qualifiers": (model("zero -> relu", "causal [4, 6] -> [4, 6]"), model("zero -> relu")),
    "id": (model("linear(6) -> relu"), model("id -> linear(6) -> id -> (relu -> id)")),
    "a block": (
        model("linear(6) -> relu -> linear(6)"),
        f"block Part(c) : [..s, d] -> [..s, c] = linear(c) -> relu\n{model('Part(6) -> linear(6)')}",
    ),
    "a combinator": (model("(id, tanh -> linear(6)) -> add"), "import std.nn (Residual)\n" + model("Residual(tanh -> linear(6))")),
    "a loop": (model("linear(6) -> relu -> linear(6) -> relu"), model("(linear(6) -> relu) * 2")),
    "a for": (model("linear(3) -> linear(6)"), model("for c in [3, 6] { linear(c) }")),
    "order of a sum": (model("(relu, tanh -> linear(6)) -> add"), model("(tanh -> linear(6), relu) -> add")),
    "order of a product": (model("(relu, tanh) -> mul"), model("(tanh, relu) -> mul")),
    "order of a maximum": (model("(relu, tanh, relu) -> max_of"), model("(tanh, relu) -> max_of")),
    "sums of sums": (model("((relu, tanh) -> add, id) -> add"), model("(id, relu, tanh) -> add")),
    "equal parts without weights": (
        model("(relu -> linear(6), relu -> linear(6)) -> add"),
        model("relu -> (linear(6), linear(6)) -> add"),
    ),
    "a zero in a sum": (model("(relu, tanh -> zero -> relu) -> add"), model("relu")),
    "a zero in a product": (model("(relu, zero) -> mul"), model("zero")),
    "zero through a convolution": (
        model("(id, zero -> conv(4, 1, bias=false) -> batch_norm) -> add"),
        model("id"),
    ),
    "dead parts": (model("{ let a = x -> linear(9)  return x -> relu }", "(x: [4, 6]) -> [4, 6]"), model("relu")),
    "a permutation that moves nothing": (model("permute([0, 1]) -> relu"), model("relu")),
    "permutations that cancel": (model("transpose -> permute([1, 0]) -> relu"), model("relu")),
    "permutations that follow each other": (
        model("permute([1, 2, 0]) -> permute([1, 2, 0]) -> relu", "[2, 3, 4] -> [4, 2, 3]"),
        model("rearrange([a, b, c] -> [c, a, b]) -> relu", "[2, 3, 4] -> [4, 2, 3]"),
    ),
    "axes named otherwise": (
        model("rearrange([n, a*3] -> [a, n, 3])", "[4, 6] -> [2, 4, 3]"),
        model("rearrange([x, y*3] -> [y, x, 3])", "[4, 6] -> [2, 4, 3]"),
    ),
    "shapes in between": (
        model("reshape([2, 12]) -> flatten -> relu", "[4, 6] -> [24]"),
        model("flatten -> relu", "[4, 6] -> [24]"),
    ),
    "counting from the end": (model("softmax(-1)"), model("softmax(1)")),
    "all of it": (model("slice(0, 4) -> roll(4) -> relu"), model("relu")),
    "defaults": (model("linear(6) -> dropout"), model("linear(6, bias = true) -> dropout(0.1)")),
    "constants": (f"const c = 2*3\n{model('linear(c)')}", model("linear(6)")),
    "a layer mentioned once": (
        model("{ let f = linear(6)  return relu -> f }"),
        model("relu -> linear(6)"),
    ),
    "a shared layer on one input": (
        model("{ let f = linear(6)  return (f, f -> relu) -> mul }"),
        model("{ let y = x -> linear(6)  return (y, y -> relu) -> mul }", "(x: [4, 6]) -> [4, 6]"),
    ),
    "a shared block": (
        model("{ let f = linear(6) -> relu  return f -> f }"),
        model("{ let f = linear(6)  return f -> relu -> f -> relu }"),
    ),
    "which of two layers is also a result": (
        model(f"{{ {TWO_LAYERS}  return ((a, b) -> mul, a, b) }}", "(x: [4, 6]) -> ([4, 6], [4, 6], [4, 6])"),
        model(f"{{ {TWO_LAYERS}  return ((a, b) -> mul, b, a) }}", "(x: [4, 6]) -> ([4, 6], [4, 6], [4, 6])"),
    ),
    **{
        f"which of two layers {op} is applied to": (
            model(f"{{ {TWO_LAYERS}  return ((a, b) -> mul, a -> {op}) -> sub }}", "(x: [4, 6]) -> [4, 6]"),
            model(f"{{ {TWO_LAYERS}  return ((a, b) -> mul, b -> {op}) -> sub }}", "(x: [4, 6]) -> [4, 6]"),
        )
        for op in ("relu", "tanh")
    },
    "a layer lent to a block": (
        f"{TWICE}{model('{ let g = linear(6)  return Twice(g) -> g }')}",
        model("{ let g = linear(6)  return g -> tanh -> g -> g }"),
    ),
}  # fmt: skip

TWO = {
    "width": (model("linear(8) -> linear(6)"), model("linear(9) -> linear(6)")),
    "kernel": (model("conv(4, 3, pad = 1)", "[4, 6] -> [4, 6]"), model("conv(4, 5, pad = 2)", "[4, 6] -> [4, 6]")),
    "a parameter": (model("leaky_relu(0.01)"), model("leaky_relu(0.02)")),
    "op": (model("relu"), model("relu6")),
    "input": (model("relu", "[4, 6] -> [4, 6]"), model("relu", "[6, 4] -> [6, 4]")),
    "an input that is not used": (
        model("x -> relu", "(x: [4, 6], y: [4]) -> [4, 6]"),
        model("x -> relu", "(x: [4, 6], y: [5]) -> [4, 6]"),
    ),
    "order of what is subtracted": (model("(relu, tanh) -> sub"), model("(tanh, relu) -> sub")),
    "order of what is concatenated": (
        model("(relu, tanh) -> concat", "[4, 6] -> [8, 6]"),
        model("(tanh, relu) -> concat", "[4, 6] -> [8, 6]"),
    ),
    "order of results": (
        model("(relu, tanh)", "[4] -> ([4], [4])"),
        model("(tanh, relu)", "[4] -> ([4], [4])"),
    ),
    "which output": (
        model("{ let (p, q) = x -> chunk(2)  return p }", "(x: [4, 6]) -> [2, 6]"),
        model("{ let (p, q) = x -> chunk(2)  return q }", "(x: [4, 6]) -> [2, 6]"),
    ),
    "order in a chain": (model("relu -> linear(6)"), model("linear(6) -> relu")),
    "connection": (
        model("{ let a = x -> linear(6)  let b = a -> linear(6)  return (a, b) -> add }", "(x: [4, 6]) -> [4, 6]"),
        model("{ let a = x -> linear(6)  let b = a -> linear(6)  return (x, b) -> add }", "(x: [4, 6]) -> [4, 6]"),
    ),
    "sharing in a chain": (
        model("{ let f = linear(6)  return f -> relu -> f }"),
        model("linear(6) -> relu -> linear(6)"),
    ),
    "sharing in a sum": (
        model("{ let f = linear(6)  return (f, f) -> add }"),
        model("(linear(6), linear(6)) -> add"),
    ),
    "how often a sum has it": (model("(id, relu) -> add"), model("(id, relu, relu) -> add")),
    "one point or two": (
        model("{ let a = x -> linear(6)  return (a -> relu, a -> tanh) -> add }", "(x: [4, 6]) -> [4, 6]"),
        model("(linear(6) -> relu, linear(6) -> tanh) -> add"),
    ),
    "a draw or two": (
        model("{ let a = x -> dropout  return (a -> relu, a -> tanh) -> add }", "(x: [4, 6]) -> [4, 6]"),
        model("(dropout -> relu, dropout -> tanh) -> add"),
    ),
    "a bias where nothing comes in": (model("(id, zero -> linear(6)) -> add"), model("id")),
    "a maximum with zero": (model("(id, zero) -> max_of"), model("id")),
    "permutation": (model("permute([1, 2, 0])", "[4, 4, 4] -> [4, 4, 4]"), model("permute([2, 0, 1])", "[4, 4, 4] -> [4, 4, 4]")),
    "which open sizes are equal": (
        model("relu", "(x: [n, m]) -> [n, m]"), model("relu", "(x: [n, n]) -> [n, n]"),
    ),
    "tied tables": (
        model("{ let t = embedding(9, 4)  return t -> t.decode }", "Id(9)[5] -> [5, 9]"),
        model("embedding(9, 4) -> embedding_decode(9, 4)", "Id(9)[5] -> [5, 9]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ONE.values(), ids=ONE.keys())
def test_a_network_written_in_two_ways_is_one_architecture(one: str, other: str) -> None:
    assert hash_of_text(one) == hash_of_text(other)


@pytest.mark.parametrize(("one", "other"), TWO.values(), ids=TWO.keys())
def test_networks_that_differ_are_two_architectures(one: str, other: str) -> None:
    assert hash_of_text(one) != hash_of_text(other)


@pytest.mark.parametrize(("file", "model"), MODELS, ids=name)
def test_an_example_with_everything_static_worked_out_is_the_same_architecture(file: object, model: str) -> None:
    declared = archc.load(str(file))[model]
    again = archc.loads(declared.arch(at=INPUTS[model]))[model]
    assert hash_of(again.graph()) == hash_of(declared.graph(at=INPUTS[model]))


# ---------------------------------------------------------------- against every renaming of the weights
VECTOR = shape(4)
Step = tuple[str, tuple[int, ...], int]
"""An op, the values it takes by number (0 is the input), and which weights it has."""


def steps_of(rng: Random, length: int, layers: int) -> list[Step]:
    """Return a random network whose layers share weights; the last value is the result."""
    steps: list[Step] = []
    for made in range(1, length + 1):
        op = rng.choice(["linear", "linear", "linear", "add", "mul", "sub", "tanh"])
        count = {"linear": 1, "tanh": 1, "sub": 2}.get(op, rng.choice([2, 2, 3]))
        steps.append((op, tuple(rng.randrange(max(0, made - 4), made) for _ in range(count)), rng.randrange(layers)))
    return steps


def graph_of(steps: Sequence[Step]) -> Graph:
    net = Draft("Net", {"x": VECTOR})
    for op, inputs, layer in steps:
        values = [Value(index) for index in inputs]
        if op == "linear":
            net.linear(values[0], 4, key=f"layer_{layer}", bias=True)
        else:
            net.op(op, values)
    return net.done(Value(len(steps)))


def expression(steps: Sequence[Step], names: Sequence[int]) -> str:
    """Return the network written out as one expression, merged and sorted, with weights called by `names`."""
    texts: list[tuple[str, list[str]]] = [("", ["x"])]
    for op, inputs, layer in steps:
        whole = [texts[i][1][0] if len(texts[i][1]) == 1 else f"{texts[i][0]}({' '.join(texts[i][1])})" for i in inputs]
        match op:
            case "add" | "mul":
                parts = [texts[i][1] if texts[i][0] == op else [text] for i, text in zip(inputs, whole, strict=True)]
                texts.append((op, sorted(part for found in parts for part in found)))
            case "linear":
                texts.append(("", [f"linear{names[layer]}({whole[0]})"]))
            case _:
                texts.append(("", [f"{op}({' '.join(whole)})"]))
    return f"{texts[-1][0]}({' '.join(texts[-1][1])})"


def form(steps: Sequence[Step], layers: int) -> str:
    """Return the least expression over all names for the weights: equal exactly where networks are."""
    return min(expression(steps, names) for names in permutations(range(layers)))


@pytest.mark.parametrize(("length", "layers"), [(3, 2), (4, 3), (6, 3), (8, 4)])
def test_hashes_are_equal_exactly_where_some_renaming_of_the_weights_makes_networks_equal(
    length: int, layers: int
) -> None:
    rng = Random(length)
    forms: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for _ in range(1000 if layers < 4 else 500):
        steps = steps_of(rng, length, layers)
        found, hashed = form(steps, layers), hash_of(graph_of(steps))
        assert forms.setdefault(hashed, found) == found, f"one hash, two networks: {steps}"
        assert hashes.setdefault(found, hashed) == hashed, f"one network, two hashes: {steps}"
    assert len(forms) > 20


# ---------------------------------------------------------------- the same network in another order
def shuffled(steps: Sequence[Step], rng: Random) -> list[Step]:
    """Return the same network with its steps, operands and weights in another order."""
    names = rng.sample(range(100), 100)
    places, made = {0: 0}, list[Step]()
    waiting = list(range(len(steps) - 1))
    while waiting:
        ready = [step for step in waiting if all(index in places for index in steps[step][1])]
        step = rng.choice(ready)
        waiting.remove(step)
        made.append(_moved(steps[step], places, names, rng))
        places[step + 1] = len(made)
    return [*made, _moved(steps[-1], places, names, rng)]


def _moved(step: Step, places: dict[int, int], names: Sequence[int], rng: Random) -> Step:
    op, inputs, layer = step
    found = [places[index] for index in inputs]
    if op in ("add", "mul"):
        rng.shuffle(found)
    return op, tuple(found), names[layer]


@pytest.mark.parametrize("seed", range(60))
def test_order_and_names_do_not_matter(seed: int) -> None:
    rng = Random(seed)
    steps = steps_of(rng, rng.randrange(5, 40), rng.randrange(1, 8))
    assert hash_of(graph_of(shuffled(steps, rng))) == hash_of(graph_of(steps))


def products(size: int) -> list[Step]:
    """Every layer of one kind times every one of another: no layer can be told from another by what is near it."""
    steps: list[Step] = [("linear", (0,), layer) for layer in range(2 * size)]
    steps += [("mul", (1 + one, 1 + size + other), 0) for one in range(size) for other in range(size)]
    return [*steps, ("add", tuple(range(2 * size + 1, len(steps) + 1)), 0)]


def rings(*sizes: int) -> list[Step]:
    """Rings of layers, neighbours multiplied, everything added: all layers look alike, whatever the rings are."""
    total = sum(sizes)
    steps: list[Step] = [("linear", (0,), layer) for layer in range(total)]
    start = 1
    for size in sizes:
        steps += [("mul", (start + place, start + (place + 1) % size), 0) for place in range(size)]
        start += size
    return [*steps, ("add", tuple(range(total + 1, len(steps) + 1)), 0)]


def cubic(size: int, rng: Random) -> list[Step]:
    """Layers of which each is multiplied with three others, drawn at random: all have as many neighbours, and so have those."""
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < 3 * size // 2 or any(one == other for one, other in pairs):
        ends = rng.sample([layer for layer in range(1, size + 1) for _ in range(3)], 3 * size)
        pairs = {(min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=True)}
    steps: list[Step] = [("linear", (0,), layer) for layer in range(size)]
    steps += [("mul", pair, 0) for pair in sorted(pairs)]
    return [*steps, ("add", tuple(range(size + 1, len(steps) + 1)), 0)]


def nested(depth: int, width: int) -> Graph:
    """Return `width` branches, each with a shortcut around `width` branches, and so on: what einspace derives."""
    block = Draft("Leaf", {"x": VECTOR})
    inner = block.done(block.op("tanh", block.linear(block[0], 4)))
    for _ in range(depth):
        block = Draft("Branch", {"x": VECTOR})
        arms = []
        for _ in range(width):
            y = block.linear(block[0], 4)
            arms.append(block.op("mul", [y, block.call(inner, y)]))
        inner = block.done(block.op("add", arms))
    return inner


@pytest.mark.parametrize("steps", [products(6), rings(6), rings(3, 3), rings(12), rings(4, 4, 4)], ids=len)
def test_networks_full_of_symmetry_have_one_hash_in_any_order(steps: list[Step]) -> None:
    assert hash_of(graph_of(shuffled(steps, Random(1)))) == hash_of(graph_of(steps))


@pytest.mark.parametrize("size", [8, 12, 16])
def test_networks_whose_layers_have_alike_neighbours_have_one_hash_in_any_order(size: int) -> None:
    rng = Random(size)
    steps = cubic(size, rng)
    assert len({hash_of(graph_of(shuffled(steps, rng))) for _ in range(6)}) == 1


def test_networks_that_look_alike_everywhere_are_told_apart() -> None:
    assert len({hash_of(graph_of(rings(*sizes))) for sizes in [(12,), (3, 9), (6, 6), (4, 8), (3, 3, 6)]}) == 5


def test_branches_within_branches_take_no_search() -> None:
    graph = nested(3, 8)
    text = canonical(graph).text
    assert text.count("weights") == 8 + 64 + 512 + 512


# ---------------------------------------------------------------- what a network computes
def carried(one: Graph, other: Graph) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Return both networks, the other one with the weights of the first where the canonical forms say so."""
    first, second = canonical(one), canonical(other)
    assert first.text == second.text
    with torch.random.fork_rng():
        torch.manual_seed(5)
        source, target = to_module(one).eval(), to_module(other).eval()
    known, renamed = source.state_dict(), {**target.state_dict()}
    for mine, theirs in zip(first.weights, second.weights, strict=True):
        prefix, wanted = ".".join(mine), ".".join(theirs)
        for key, value in known.items():
            if key == prefix or key.startswith(f"{prefix}."):
                renamed[wanted + key.removeprefix(prefix)] = value
    target.load_state_dict(renamed)
    return source, target


def agree(one: Graph, other: Graph) -> None:
    source, target = carried(one, other)
    generator = torch.Generator().manual_seed(3)
    sizes = [[size.constant or 0 for size in entry.type.sizes] for entry in one.inputs]
    inputs = [torch.randn(2, *dims, generator=generator, dtype=torch.float64) for dims in sizes]
    with torch.no_grad():
        expected, found = source.double()(*inputs), target.double()(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


LOOPS = {"a loop", "a for"}
"""What `*` and `for` call their weights does not follow the keys, so these are compared by their text alone."""


@pytest.mark.parametrize("case", [case for case in ONE if case not in {*LOOPS, "names of open sizes"}])
def test_two_ways_to_write_a_network_compute_the_same(case: str) -> None:
    one, other = (archc.loads(f"arch 0.1\n{body}")["Net"].graph() for body in ONE[case])
    agree(one, other)


@pytest.mark.parametrize("seed", range(8))
def test_a_network_in_another_order_computes_the_same(seed: int) -> None:
    rng = Random(seed)
    steps = steps_of(rng, 25, 6)
    agree(graph_of(steps), graph_of(shuffled(steps, rng)))


def test_cells_of_one_hash_compute_the_same() -> None:
    rng = Random(7)
    first: dict[str, Cell] = {}
    pairs = []
    for cell in rng.sample(CELLS, 1500):
        text = canonical(cell_graph(cell)).text
        if first.setdefault(text, cell) != cell and text.count("conv") > 1:
            pairs.append((first[text], cell))
    assert len(pairs) > 50
    for one, other in pairs[:6]:
        agree(cell_graph(one), cell_graph(other))


# ---------------------------------------------------------------- nothing in, nothing out
NOTHING = {
    "[4, 6] -> [4, 6]": [
        "scale", "layer_scale", "dropout", "drop_path", "relu", "relu6", "mish", "gelu", "silu", "tanh", "leaky_relu",
        "hardswish", "rms_norm", "layer_norm", "roll(1)", "rope", "(id, id) -> sub", "(relu, id) -> add", "(id, relu) -> max_of",
        "batch_norm", "instance_norm", "group_norm(2)", "linear(6, bias=false)", "causal_conv(3, bias=false)",
        "conv(4, 3, pad=1, bias=false)", "depthwise(3, pad=1, bias=false)", "conv_transpose(4, 3, pad=1, bias=false)",
        "max_pool(3, 1, 1)", "avg_pool(3, 1, 1)",
    ],
    "[4, 6] -> [8, 6]": ["(id, id) -> concat", "pad(0, 0) -> (id, id) -> concat"],
    "[4, 6] -> [2, 4, 6]": ["(id, id) -> stack"],
    "[4, 6] -> [2, 6]": ["{ let (p, q) = x -> chunk(2)  return q }", "{ let (p, q) = x -> split([2, 2])  return q }", "slice(1, 3)"],
    "[4, 6] -> [4, 3]": ["glu", "reduce([a, b*2] -> [a, b])", "adaptive_avg_pool(3)", "adaptive_max_pool(3)"],
    "[4, 6] -> [6, 4]": ["transpose", "permute([1, 0])", "rearrange([a, b] -> [b, a])"],
    "[4, 6] -> [24]": ["flatten", "reshape([24])"],
    "[4, 6] -> [4, 12]": ["upsample(2)", "broadcast([a, b] -> [a, b*2])", "pad(3, 3)"],
    "[4, 6] -> [4]": ["global_avg_pool"],
    "[4, 6] -> [6]": ["mean_tokens", "readout", "take(1)"],
    "[4, 6] -> [4, 4]": ["(id, transpose) -> matmul", "(id, id) -> einsum(([a, b], [c, b]) -> [a, c])"],
    "[4, 6, 8] -> [1, 12, 16]": ["pixel_shuffle(2)"],
    "[4, 6, 8] -> [16, 3, 4]": ["pixel_unshuffle(2)"],
    "[4, 6, 8] -> [12, 16]": ["patchify(2)", "unfold(2, 2)"],
    "[4, 6, 8] -> [6, 4, 8]": ["window(2)"],
    "[6, 4, 8] -> [4, 6, 8]": ["unwindow(2, 2, 3)"],
    "[24, 8] -> [8, 4, 6]": ["grid(4, 6)"],
    "[4, 6, 8] -> [4, 6, 8]": ["(id, global_avg_pool) -> gate", "(id, relu -> softmax) -> mul"],
}  # fmt: skip
"""Bodies that give zero for zero, by type."""

SOMETHING = [
    "linear(6)", "conv(4, 1)", "softmax", "sigmoid", "softplus", "hardsigmoid", "bias_learned", "pos_learned(9)",
    "causal_conv(3)", "gru(6)", "(id, sigmoid) -> max_of", "(id, softplus) -> add",
]  # fmt: skip


def on_zero(body: str, kind: str) -> Graph:
    source, target = kind.split(" -> ")
    text = f"""arch 0.1
block Body : (x: {source}) -> {target} = {body if body.startswith("{") else f"x -> {body}"}
model Net : {kind} = zero -> Body
"""
    return archc.loads(text)["Net"].graph()


@pytest.mark.parametrize(("body", "kind"), [(body, kind) for kind, bodies in NOTHING.items() for body in bodies])
def test_what_is_dropped_behind_a_zero_is_zero(body: str, kind: str) -> None:
    graph = on_zero(body, kind)
    assert " zero " in " ".join(canonical(graph).text.split()) and len(canonical(graph).text.splitlines()) == 3
    sizes = [size.constant or 0 for size in graph.inputs[0].type.sizes]
    module = to_module(graph)
    assert not module.eval()(torch.randn(2, *sizes, generator=torch.Generator().manual_seed(1))).any()


@pytest.mark.parametrize("body", SOMETHING)
def test_what_makes_something_of_zero_is_kept(body: str) -> None:
    graph = on_zero(body, "[4, 6] -> [4, 6]")
    assert len(canonical(graph).text.splitlines()) > 3
    generator = torch.Generator().manual_seed(1)
    module = to_module(graph).eval()
    for weight in module.parameters():
        torch.nn.init.normal_(weight, generator=generator)
    assert module(torch.randn(2, 4, 6, generator=generator)).any()


# ---------------------------------------------------------------- everywhere the same
SYMMETRIC = model(
    """{
    let a = x -> linear(6)  let b = x -> linear(6)  let c = x -> linear(6)  let d = x -> linear(6)
    return ((a, b) -> mul, (b, c) -> mul, (c, d) -> mul, (d, a) -> mul) -> add
}""",
    "(x: [4, 6]) -> [4, 6]",
)


def test_a_hash_is_the_same_in_every_process() -> None:
    texts = [SYMMETRIC, *(text for pair in [*ONE.values(), *TWO.values()] for text in pair)]
    expected = [hash_of_text(text) for text in texts]
    program = (
        "import sys, json, archc\n"
        "from archc.spaces.identity import hash_of\n"
        "texts = json.load(sys.stdin)\n"
        "print(json.dumps([hash_of(archc.loads('arch 0.1\\n' + text)['Net'].graph()) for text in texts]))\n"
    )
    for seed in ("1", "2024"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120, env=environment
        )
        assert json.loads(done.stdout) == expected


def test_blocks_may_nest_deeper_than_python_recurses() -> None:
    graph = Draft("Leaf", {"x": VECTOR})
    inner = graph.done(graph.op("tanh", graph.linear(graph[0], 4)))
    for _ in range(2000):
        block = Draft("Wrap", {"x": VECTOR})
        inner = block.done(block.call(inner, block.op("relu", block[0])))
    assert canonical(inner).text.count("relu") == 2000
