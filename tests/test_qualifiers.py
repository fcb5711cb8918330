"""Qualifiers: what archc says is causal never looks ahead, and what it says is live is reached by the input."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archc
from archc.check import Program
from archc.grammar.format import format_source
from archc.grammar.source import NOWHERE, Source
from archc.names.qualifiers import qualifiers, told
from archc.sizes.size import Size
from archc.tensor import Lost, Power, Product, Tensor, Type, Variable, tagged, tags_of, tensors, untagged, with_tags

N = 7
T = f"[{N}, 6]"
IDS = f"Id(5)[{N}]"
LIVE, CAUSAL = frozenset({"live"}), frozenset({"causal"})


@dataclass(frozen=True)
class Net:
    """A network on `source`, and whether it is causal; `output` is its type."""

    body: str
    output: str
    causal: bool = True
    source: str = T

    def text(self) -> str:
        return f"arch 0.1\nmodel M : {self.source} -> causal {self.output} = {self.body}\n"


POINTWISE = (
    "scale", "relu", "relu6", "mish", "hardsigmoid", "gelu", "silu", "tanh", "sigmoid", "softplus", "leaky_relu",
    "hardswish", "dropout", "drop_path", "layer_scale", "layer_norm", "rms_norm", "pos_learned(9)", "pos_sinusoidal",
    "bias_learned", "rope", "softmax", "softmax(axis=-1)", "roll(2, axis=1)", "causal_conv(3)", "causal_conv(9)",
    "dilated_causal_conv(2, 3)", "ssm", "gru(6)", "lstm(6)", "rnn(6)", "linear(6)", "slice(0, 7)", "zero",
)  # fmt: skip
NETS = (
    *(Net(body, T) for body in POINTWISE),
    Net("glu", f"[{N}, 3]"),
    Net("slice(2, 5, axis=1)", f"[{N}, 3]"),
    Net("slice(0, 4)", "[4, 6]"),
    Net("slice(1, 4)", "[3, 6]", causal=False),
    Net("prepend_token", f"[{N + 1}, 6]"),
    Net("embedding(5, 4)", f"[{N}, 4]", source=IDS),
    Net("{ let table = embedding(5, 6)  return table -> table.decode }", f"[{N}, 5]", source=IDS),
    Net("(id, causal_conv(2)) -> add", T),
    Net("(id, causal_conv(2)) -> sub", T),
    Net("(id, causal_conv(2)) -> mul", T),
    Net("(id, causal_conv(2)) -> max_of", T),
    Net("gate", T, source=f"(x: {T}, g: [{N}])"),
    Net("(id, id) -> concat(1)", f"[{N}, 12]"),
    Net("(id, id) -> concat", f"[{2 * N}, 6]"),
    Net("(id, id) -> stack(1)", f"[{N}, 2, 6]"),
    Net("(id, id) -> stack(axis=-1)", f"[{N}, 6, 2]"),
    Net("(id, id) -> stack", f"[2, {N}, 6]", causal=False),
    Net("(id, id) -> stack(axis=-3)", f"[2, {N}, 6]", causal=False),
    Net("chunk(2, axis=1) -> add", f"[{N}, 3]"),
    Net("chunk(2, axis=-1) -> sub", f"[{N}, 3]"),
    Net("pad(0, 0) -> chunk(7) -> add", "[1, 6]", causal=False),
    Net("split([2, 4], axis=1) -> second", f"[{N}, 4]"),
    Net("split([2, 5]) -> second", "[5, 6]", causal=False),
    Net("((id, id) -> stack(1), (id, id) -> stack(2)) -> matmul", f"[{N}, 2, 2]"),
    Net("(linear(7), id) -> matmul", T, causal=False),
    Net("(id, id, id) -> attention(2, causal=true)", T),
    Net("(id, id, id) -> attention(2, causal=true, window=2)", T),
    Net("(id, slice(0, 4), slice(0, 4)) -> attention(2, causal=true)", T),
    Net("(id, id, id) -> attention(2)", T, causal=False),
    Net("(id, id, id) -> linear_attention(2, causal=true)", T),
    Net('(id, id, id) -> linear_attention(2, causal=true, map="softmax")', T),
    Net("(id, id, id) -> linear_attention(2)", T, causal=False),
    Net("(id, softplus, linear(16), linear(16)) -> selective_scan(16)", T),
    Net("gru(6, dirs=2)", f"[{N}, 12]", causal=False),
    Net("lstm(6, dirs=2)", f"[{N}, 12]", causal=False),
    Net("rnn(6, dirs=2)", f"[{N}, 12]", causal=False),
    Net("softmax(axis=0)", T, causal=False),
    Net("softmax(axis=-2)", T, causal=False),
    Net("roll(2)", T, causal=False),
    Net("roll(2, axis=-2)", T, causal=False),
    Net("conv(7, 3, pad=1)", T, causal=False),
    Net("transpose -> linear(7) -> transpose", T, causal=False),
    Net("rearrange([n, d] -> [d, n]) -> softmax -> rearrange([d, n] -> [n, d])", T, causal=False),
    Net("group_norm(1)", T, causal=False),
    Net("linear(6)", "[6]", causal=False, source="[7]"),
    Net("layer_norm", "[7]", causal=False, source="[7]"),
    Net("glu", "[4]", causal=False, source="[8]"),
    Net("gelu", "[7]", source="[7]"),
)  # fmt: skip


def modules(net: str, shapes: list[tuple[int, ...]], ids: int, seed: int) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """Return the model M with random weights, and random inputs for it."""
    generator = torch.Generator().manual_seed(seed)
    module = archc.loads(net)["M"].module().double().eval()
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2
    if ids:
        return module, [torch.randint(ids, (1, *shape), generator=generator) for shape in shapes]
    return module, [torch.randn((1, *shape), generator=generator, dtype=torch.float64) for shape in shapes]


def sees_ahead(net: str, shapes: list[tuple[int, ...]], ids: int = 0, seed: int = 0) -> bool:
    """Return whether a change of any place of the inputs changes an earlier place of the output."""
    module, inputs = modules(net, shapes, ids, seed)
    with torch.no_grad():
        before = module(*inputs)
        for place in range(1, shapes[0][0]):
            changed = [(entry + 1) % ids if ids else entry + 1 + entry.abs() for entry in inputs]
            for after, entry in zip(changed, inputs, strict=True):
                after[:, :place] = entry[:, :place]
            found = module(*changed)[:, :place]
            if not torch.allclose(found, before[:, :place], rtol=1e-9, atol=1e-9):
                return True
    return False


def shapes_of(source: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, part.split("]")[0].split(","))) for part in source.split("[")[1:]]


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.body} on {net.source}")
def test_what_is_called_causal_does_not_look_ahead_and_what_is_not_does(net: Net) -> None:
    free = net.text().replace("-> causal", "->")
    ahead = sees_ahead(free, shapes_of(net.source), ids=5 if "Id" in net.source else 0)
    assert ahead is not net.causal
    if net.causal:
        archc.loads(net.text())
    else:
        with pytest.raises(archc.CompileError) as caught:
            archc.loads(net.text())
        assert [found.code for found in caught.value.diagnostics] == ["A0216"]


def library() -> Program:
    return archc.loads("arch 0.1\nmodel M : [2] -> [2] = id\n").checked


def test_every_op_that_keeps_causal_is_run() -> None:
    own = library().scopes.modules[0].own.values()
    keeping = {entry.name for entry in own if any(name == "causal" for name, _ in told(entry.declaration))}
    run = " ".join(net.body for net in NETS if net.causal).replace(".decode", " embedding_decode")
    assert not {name for name in keeping if name not in run.replace("(", " ").replace(",", " ").split()}


def test_std_says_which_qualifiers_there_are_and_no_op_speaks_of_others() -> None:
    scopes = library().scopes
    assert qualifiers(scopes) == ("live", "causal")
    own = scopes.modules[0].own.values()
    assert {name for entry in own for name, _ in told(entry.declaration)} == {"live", "causal"}


# ---------------------------------------------------------------- random networks
STAGES = (
    "gelu", "layer_norm", "linear(6)", "causal_conv(3)", "pos_sinusoidal", "gru(6)", "SelfAttention(2, causal=true)",
    "SelfAttention(2)", "conv(7, 3, pad=1)", "softmax(axis=0)", "roll(1)", "lstm(3, dirs=2)", "softmax",
)  # fmt: skip


def network(rng: Random, depth: int) -> str:
    """Return a network on [7, 6]; one stage in three at the leaves may look ahead."""
    match rng.randrange(6) if depth else 0:
        case 0:
            return rng.choice(STAGES[:7] if rng.random() < 0.8 else STAGES)
        case 1:
            return f"({network(rng, depth - 1)} -> {network(rng, depth - 1)})"
        case 2:
            return f"({network(rng, depth - 1)}, {network(rng, depth - 1)}) -> {rng.choice(['add', 'mul', 'sub'])}"
        case 3:
            return f"Residual({network(rng, depth - 1)})"
        case 4:
            return f"PreNorm({network(rng, depth - 1)})"
        case _:
            return f"({network(rng, depth - 1)}) * 2"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_no_random_network_that_is_called_causal_looks_ahead(seed: int) -> None:
    rng = Random(seed)
    body = network(rng, 2)
    text = f"arch 0.1\nimport std.nn\nmodel M : {T} -> causal {T} = {body}\n"
    try:
        archc.loads(text)
        claimed = True
    except archc.CompileError as error:
        assert {found.code for found in error.diagnostics} == {"A0216"}, text
        claimed = False
    ahead = any(stage in body.replace("causal=true", "true") for stage in STAGES[7:12])
    assert claimed is not ahead, text
    if claimed:
        assert not sees_ahead(text, [(N, 6)], seed=seed)


# ---------------------------------------------------------------- live
EDGES = ("zero", "id", "Conv(1)", "Conv(3)", "avg_pool(3, pad=1)")
CELL = """arch 0.1
block Conv(k: 1 | 3) : [c, h, w] -> [c, h, w] = relu -> conv(c, k, pad = k // 2, bias=false)
model M : (x: [4, 5, 5]) -> {live}[4, 5, 5] = {{
    let a = x -> {0}
    let b = (x -> {1}, a -> {2}) -> add
    return (x -> {3}, a -> {4}, b -> {5}) -> add
}}
"""


def is_reached(edges: tuple[str, ...]) -> bool:
    """Return whether the output of a cell of NAS-Bench-201 has a path from its input without `zero`."""
    first, direct, second, out_x, out_a, out_b = (edge != "zero" for edge in edges)
    return out_x or (out_a and first) or (out_b and (direct or (second and first)))


def cells(count: int) -> Iterator[tuple[str, ...]]:
    rng = Random(201)
    for _ in range(count):
        yield tuple("zero" if rng.random() < 0.5 else rng.choice(EDGES) for _ in range(6))


def test_a_cell_is_live_where_its_output_is_reached() -> None:
    verdicts = set()
    for edges in cells(40):
        try:
            archc.loads(CELL.format(*edges, live="live "))
            live = True
        except archc.CompileError as error:
            assert [found.code for found in error.diagnostics] == ["A0216"]
            live = False
        assert live is is_reached(edges), edges
        module, inputs = modules(CELL.format(*edges, live=""), [(4, 5, 5)], 0, 1)
        with torch.no_grad():
            assert bool((module(*inputs) != module(inputs[0] + 1)).any()) is live, edges
        verdicts.add(live)
    assert verdicts == {True, False}


def test_the_live_cells_are_counted_as_they_are_reached() -> None:
    edges = "zero | id | conv(c, 1) | conv(c, 3, pad=1) | avg_pool(3, pad=1)"
    text = f"""arch 0.1
space Edge(c) : [c, h, w] -> [c, h, w] = {edges}
space Cell(c) : (x: [c, h, w]) -> live [c, h, w] = {{
    let a = x -> Edge(c)
    let b = (x -> Edge(c), a -> Edge(c)) -> add
    return (x -> Edge(c), a -> Edge(c), b -> Edge(c)) -> add
}}
"""
    reached = sum(4 ** (6 - kinds.count("zero")) for kinds in product(("zero", "id"), repeat=6) if is_reached(kinds))
    assert reached == 15_284
    assert archc.loads(text)["Cell"].space(at=(16, 8, 8), c=16).count() == reached


# ---------------------------------------------------------------- in spaces
def members(text: str, name: str, at: tuple[int, ...]) -> int:
    return archc.loads(text)[name].space(at=at).count()


def test_a_causal_space_has_the_members_that_do_not_look_ahead() -> None:
    mixers = "linear(6) | causal_conv(3) | gru(6) | conv(7, 1) | softmax(axis=0)"
    head = f"arch 0.1\nspace Mixer : [n, 6] -> [n, 6] = {mixers}\n"
    assert members(head + "space S : [7, 6] -> causal [7, 6] = Mixer * 2", "S", (7, 6)) == 9
    assert members(head + "space S : [7, 6] -> [7, 6] = Mixer * 2", "S", (7, 6)) == 25
    text = head + "space S : [7, 6] -> causal [7, 6] = { choose m = Mixer  return (m, Mixer -> m) -> add }"
    assert members(text, "S", (7, 6)) == 9


def test_a_choice_of_an_argument_decides_what_is_causal() -> None:
    text = "arch 0.1\nspace S : [7, 6] -> causal [7, 6] = (id, id, id) -> attention(2, causal = true | false)"
    assert members(text, "S", (7, 6)) == 1
    text = "arch 0.1\nspace S : [7, 6] -> causal [7, d] = lstm(4 | 8, dirs=_)"
    assert members(text, "S", (7, 6)) == 2


def test_a_recursive_space_keeps_what_it_is_declared_to_keep() -> None:
    text = """arch 0.1
space S : causal [n, d] -> causal [n, d] where depth <= 3 = S -> S | causal_conv(3) | (S, id) -> add
"""
    free = text.replace("causal [", "[")
    assert members(text, "S", (7, 6)) == members(free, "S", (7, 6))
    mixed = text.replace("causal_conv(3) |", "causal_conv(3) | conv(n, 1) |")
    with pytest.raises(archc.CompileError) as caught:
        archc.loads(mixed)
    assert caught.value.diagnostics[0].code == "A0404"


def test_a_space_without_a_member_that_keeps_it_is_empty() -> None:
    text = """arch 0.1
space E : [7, 6] -> [7, 6] = conv(7, 1) | roll(1)
space S : [7, 6] -> causal [7, 6] = E -> E
"""
    with pytest.raises(archc.CompileError) as caught:
        members(text, "S", (7, 6))
    assert caught.value.diagnostics[0].code == "A0216"


EXAMPLES = ("anynet", "darts", "einspace", "fbnet_joint", "flexibert", "hytra", "ofa_mobilenet", "star")


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_has_no_zero_is_live(name: str) -> None:
    file = Path(__file__).parent.parent / f"examples/{name}.arch"
    text = file.read_text(encoding="utf-8")
    asked = re.sub(r"(^(?:model|space)(?:[^=]|= \w+[,)])*?-> )(\[)", r"\1live \2", text, flags=re.MULTILINE)
    assert asked != text
    archc.loads(asked, root=file.parent)


LANGUAGE_MODELS = ("gpt2_small", "llama_1b", "mamba")


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_the_language_models_do_not_look_ahead(name: str) -> None:
    text = (Path(__file__).parent.parent / f"examples/{name}.arch").read_text(encoding="utf-8")
    asked = text.replace("Id(vocab)[n]) -> [n, vocab]", "Id(vocab)[n]) -> live causal [n, vocab]")
    assert asked != text
    archc.loads(asked)
    if "causal=true" in text:
        with pytest.raises(archc.CompileError, match="A0216"):
            archc.loads(asked.replace("causal=true", "causal=false"))


# ---------------------------------------------------------------- building and writing
def test_the_arguments_of_a_model_are_held_to_its_promise() -> None:
    text = """arch 0.1
import std.nn (SelfAttention)
model M(causal: Bool = true) : [n, 8] -> causal [n, 8] = SelfAttention(2, causal=causal) * 2
"""
    model = archc.loads(text)["M"]
    assert str(model.graph(at=(5, 8)).type) == "causal [5, 8]"
    assert '"type": "causal [n, 8]"' in model.json()
    assert "-> causal [5, 8]" in model.arch(at=(5, 8))
    archc.loads(model.arch(at=(5, 8)))
    with pytest.raises(archc.CompileError, match="A0216"):
        model.graph(at=(5, 8), causal=False)


def test_graphs_inside_have_no_qualifiers() -> None:
    text = "arch 0.1\nblock B : causal [n, d] -> causal [n, d] = gelu\nmodel M : [3, 4] -> causal [3, 4] = B * 2\n"
    graph = archc.loads(text)["M"].graph()
    assert not any(kind.tags or kind.lost for kind in graph.types())


def test_a_copy_that_loses_a_qualifier_is_seen_when_it_is_built() -> None:
    text = "arch 0.1\nblock B : [3, 4] -> [3, 4] = conv(3, 1)\nmodel M(n: Nat = 0) : [3, 4] -> causal [3, 4] = B * n\n"
    model = archc.loads(text)["M"]
    model.graph()
    with pytest.raises(archc.CompileError, match="A0216"):
        model.graph(n=1)


def layout(text: str) -> str:
    return format_source(Source("case.arch", text))


def test_a_signature_is_shown_with_its_qualifiers_and_written_in_one_layout() -> None:
    text = "arch 0.1\n\nblock B(f: live\n[n]  ->causal live Id( 5)[n]) : live   causal [ n ] -> causal a = id\n"
    written = layout(text)
    assert "block B(f: live [n] -> causal live Id(5)[n]) : live causal [n] -> causal a" in written
    assert layout(written) == written
    assert archc.loads("arch 0.1\nblock B : causal   [n, d] -> causal[n, d] = gelu\n")["B"].signature == (
        "causal [n, d] -> causal [n, d]"
    )


def test_a_qualifier_keeps_the_comments_around_it() -> None:
    text = "arch 0.1\nblock B : causal # one [x]\n  [n, d] # two\n  -> causal [n, d] = gelu\n"
    assert layout(text).count("# one [x]") == layout(text).count("# two") == 1


# ---------------------------------------------------------------- types with tags
TENSOR = Tensor((Size.of(3), Size.of(4)))
TYPES: Mapping[str, Type] = {
    "a tensor": TENSOR,
    "a tuple": Product((TENSOR, Product((TENSOR, Variable("a"))))),
    "a power": Power(TENSOR, Size.var("n")),
    "a variable": Variable("a"),
}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())
def test_types_are_equal_without_their_tags_and_have_keys_with_them(kind: Type) -> None:
    live = with_tags(kind, LIVE, (Lost("causal", NOWHERE),))
    assert live == kind and hash(live) == hash(kind) and tagged(live) != tagged(kind)
    assert tagged(live) == tagged(with_tags(kind, LIVE)) != tagged(with_tags(kind, CAUSAL))
    assert tags_of(live) == LIVE and tags_of(kind) == frozenset()
    assert tagged(untagged(live)) == tagged(kind) and untagged(kind) is kind
    assert len(list(tensors(live))) == str(live).count("live ")


def test_a_type_is_written_with_its_tags() -> None:
    both = with_tags(TENSOR, LIVE | CAUSAL)
    assert str(both) == "causal live [3, 4]"
    assert str(Product((both, Tensor((Size.of(2),), "Id", Size.of(9), LIVE)))) == "(causal live [3, 4], live Id(9)[2])"


def test_combinators_inside_each_other_are_read_once() -> None:
    text = """arch 0.1
import std.nn
block Twice(f: [n, d] -> [n, d]) : [n, d] -> [n, d] = { let g = f  return Residual(g) -> Residual(g) }
space Mix : [n, d] -> [n, d] = causal_conv(3) | linear(d)
"""
    deep = "Mix"
    for _ in range(16):
        deep = f"Twice({deep})"
    space = archc.loads(f"{text}space S : [n, d] -> causal [n, d] = {deep}\n", limits=archc.Limits(steps=20_000))["S"]
    assert space.kind == "space"
    ahead = deep.replace("Mix", "Mix -> roll(1)")
    with pytest.raises(archc.CompileError) as caught:
        archc.loads(f"{text}space S : [n, d] -> causal [n, d] = {ahead}\n")
    assert caught.value.diagnostics[0].code == "A0216"
