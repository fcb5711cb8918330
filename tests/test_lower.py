"""Lowering: generated source stands alone, names weights as documented, and cannot be broken out of."""

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from graphs import Draft, Graph, decoder, densenet, gpt2, resnet18, shape
from hypothesis import given
from hypothesis import strategies as st

from archc.grammar.diagnostics import CompileError
from archc.graph import Condition
from archc.lower.json_graph import to_json
from archc.lower.python import to_python
from archc.lower.reading import arithmetic
from archc.lower.torch_module import to_module
from archc.lower.weights import weights
from archc.sizes.size import Size, exact, floordiv, maximum
from archc.tensor import Product

H, W, N = Size.var("h"), Size.var("w"), Size.var("n")


def shared() -> Graph:
    """One linear layer that a body uses twice, and lends to a block that uses it once more."""
    block = Draft("Wrap", {"x": shape(8)})
    y = block.op("linear", block.op("relu", block[0]), key="f", borrowed=True, out=8, bias=True)
    wrap = block.done(block.op("add", [block[0], y]), borrowed=("f",))
    net = Draft("Shared", {"x": shape(8)})
    x = net.linear(net.linear(net[0], 8, key="once"), 8, key="once")
    return net.done(net.linear(net.call(wrap, x, lends={"f": "once"}), 3))


def lent_only() -> Graph:
    """A layer that its owner never applies: only a loop's step inside does."""
    step = Draft("step", {"x": shape(8)})
    y = step.op("linear", step[0], key="f", borrowed=True, out=8, bias=True)
    inner = step.done(step.op("relu", y), borrowed=("f",))
    net = Draft("Lent", {"x": shape(8)})
    return net.done(net.loop([inner] * 3, net[0], "repeat", lends={"f": "table"}))


def tuples() -> Graph:
    """Several inputs, a nested tuple of outputs, and a block with two results."""
    block = Draft("Swap", {"p": shape(4), "q": shape(4)})
    swap = block.done(block.linear(block[1], 4), block[0])
    net = Draft("Tuples", {"left": shape(4), "right": shape(4)})
    a = net.call(swap, [net[0], net[1]])
    b = net.op("add", [net[0], a])
    kind = Product((Product((shape(4), shape(4))), shape(4)))
    return net.done(a, net[a.index + 1], b, kind=kind)


def carrying() -> Graph:
    """A loop that carries two tensors, both of them one input, and sees a third at each step."""
    step = Draft("step", {"x": shape(4), "y": shape(4), "m": shape(4)})
    a = step.op("add", [step.linear(step[0], 4), step[2]])
    body = step.done(step.op("mul", [a, step[1]]), a)
    net = Draft("Carrying", {"x": shape(4)})
    out = net.loop([body] * 3, [net[0], net[0], net[0]], "repeat", carried=2)
    return net.done(net.op("add", [out, net[out.index + 1], net[0]]))


def uneven() -> Graph:
    """Turns of different kinds in one list, an op told something else at each turn, and one with weights as well."""
    net = Draft("Uneven", {"x": shape(8, 16)})
    turns = []
    for bias in (True, False):
        turn = Draft("for", {"x": shape(8, 16)})
        y = turn.linear(turn.op("relu", turn[0]) if bias else turn[0], 16, bias=bias)
        turns.append(turn.done(y))
    x = net.loop(turns, net[0], "for", bindings=[{"bias": True}, {"bias": False}])
    axes = []
    for axis in (-1, 0):
        turn = Draft("for", {"x": shape(8, 16)})
        axes.append(turn.done(turn.op("softmax", turn[0], axis=axis)))
    x = net.loop(axes, x, "softmax", bindings=[{"axis": -1}, {"axis": 0}])
    turn = Draft("repeat", {"x": shape(8, 16)})
    x = net.loop([turn.done(turn.op("relu", turn[0]))] * 2, x, "relu")
    rows = [Draft("repeat", {"x": shape(8, 16)}) for _ in range(2)]
    return net.done(net.loop([row.done(row.linear(row[0], 16)) for row in rows], x, "linear"))


def handed_down() -> Graph:
    """A block that lays tokens on a grid, whose sides no axis of its own input tells."""
    block = Draft("Square", {"x": shape(H * W, 4)})
    square = block.done(block.op("grid", block[0], shape(4, H, W), h=H, w=W))
    net = Draft("HandedDown", {"tokens": shape(H * W, 4), "image": shape(4, H * 2, W)})
    return net.done(net.call(square, net[0]), net.op("relu", net[1]), variables=("h", "w"))


NETWORKS: dict[str, tuple[Callable[[], Graph], tuple[tuple[int, ...], ...]]] = {
    "resnet18": (lambda: resnet18(H, W), ((2, 3, 64, 32),)),
    "resnet18 at 32": (lambda: resnet18(1, 1), ((2, 3, 32, 32),)),
    "densenet": (densenet, ((2, 8, 8, 8),)),
    "shared": (shared, ((2, 8),)),
    "lent only": (lent_only, ((2, 8),)),
    "tuples": (tuples, ((2, 4), (2, 4))),
    "carrying": (carrying, ((2, 4),)),
    "handed down": (handed_down, ((2, 15, 4), (2, 4, 6, 5))),
    "uneven": (uneven, ((2, 8, 16),)),
}
EVERY = pytest.mark.parametrize("name", NETWORKS)


# ---------------------------------------------------------------- the file and the module
def test_files_run_alone_with_the_names_and_numbers_of_their_modules(tmp_path: Path) -> None:
    answers = {}
    for number, (make, shapes) in enumerate(NETWORKS.values()):
        graph = make()
        module = to_module(graph).eval()
        inputs = tuple(torch.randn(shape) for shape in shapes)
        (tmp_path / f"net{number}.py").write_text(to_python(graph), encoding="utf-8")
        torch.save((graph.name, module.state_dict(), inputs), tmp_path / f"net{number}.given")
        answers[number] = module(*inputs)
    program = (
        "import importlib, sys, torch\n"
        f"for number in range({len(answers)}):\n"
        "    name, state, inputs = torch.load(f'net{number}.given', weights_only=True)\n"
        "    made = getattr(importlib.import_module(f'net{number}'), name)().eval()\n"
        "    assert list(made.state_dict()) == list(state)\n"
        "    made.load_state_dict(state)\n"
        "    torch.save(made(*inputs), f'net{number}.answer')\n"
        "assert not any(name.split('.')[0] == 'archc' for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for number, answer in answers.items():
        found = torch.load(tmp_path / f"net{number}.answer", weights_only=True)
        torch.testing.assert_close(found, answer, rtol=0, atol=0)


@EVERY
def test_weights_are_those_of_the_state_dict(name: str) -> None:
    graph = NETWORKS[name][0]()
    module = to_module(graph, device="meta")
    named = [(weight.name, weight.shape) for weight in weights(graph)]
    assert named == [(key, tuple(value.shape)) for key, value in module.state_dict().items()]
    buffers = {weight.name for weight in weights(graph) if weight.buffer}
    assert buffers == {key for key, _ in module.named_buffers()}


def test_the_source_is_laid_out_and_linted(tmp_path: Path) -> None:
    for number, (make, _) in enumerate(NETWORKS.values()):
        (tmp_path / f"net{number}.py").write_text(to_python(make()), encoding="utf-8")
    for command in (["format", "--diff"], ["check", "--select", "F,E,I,UP,B"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_gpt2_has_its_parameters_and_keeps_one_table() -> None:
    module = to_module(gpt2(), device="meta")
    assert sum(weight.numel() for weight in module.parameters()) == 124_439_808
    assert sum("embedding" in key for key in module.state_dict()) == 1
    assert all(weight.is_meta for weight in module.parameters())


def test_a_module_can_be_copied_and_cast() -> None:
    module = to_module(gpt2(depth=1, d=64, vocab=11), dtype=torch.float64).eval()
    tokens = torch.randint(0, 11, (2, 5))
    answer = module(tokens)
    assert answer.dtype == torch.float64
    torch.testing.assert_close(copy.deepcopy(module)(tokens), answer)


def test_a_traceback_shows_the_generated_line() -> None:
    module = to_module(densenet())
    with pytest.raises(ValueError, match="got") as error:
        module(torch.randn(2, 8, 8, 9))
    assert any("self.check_input(x)" in str(entry.statement) for entry in error.traceback)


def test_the_order_of_the_state_dict_is_torchs_where_a_module_owns_tensors_itself() -> None:
    names = [weight.name for weight in weights(NETWORKS["resnet18"][0]())]
    assert names[:6] == ["conv.weight", *(f"batch_norm.{name}" for name in _NORM)]
    assert "stage.1.basic_2.conv_2.weight" in names


_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


# ---------------------------------------------------------------- structure
def test_blocks_of_one_structure_are_one_class_with_parameters() -> None:
    source = to_python(resnet18(H, W))
    assert _classes(source) == ["Basic", "Basic2", "Stage", "ResNet18"]
    assert "def __init__(self, a: int, c: int) -> None:" in source
    assert "self.conv_3 = nn.Conv2d(a, c, 1, stride=2, bias=False)" in source
    assert "self.basic = nn.ModuleList(Basic(64) for _ in range(2))" in source
    assert "self.stage = nn.ModuleList(Stage(c) for c in (128, 256, 512))" in source
    assert "self.basic = Basic2(c // 2, c)" in source


def test_steps_that_grow_are_one_comprehension() -> None:
    source = to_python(densenet())
    assert _classes(source) == ["Growth", "Stage", "Dense"]
    assert "nn.ModuleList(Growth(8 + 4 * i) for i in range(n))" in source
    assert "nn.ModuleList(Stage(n, c, out) for n, c, out in ((3, 20, 8), (4, 24, 16)))" in source


def test_a_value_that_is_a_multiple_of_an_argument_is_written_so() -> None:
    net = Draft("Two", {"x": shape(5, 64)})
    y = net.call(decoder(5, 64, 4), net[0], {"heads": 4, "d": 64})
    source = to_python(net.done(net.call(decoder(5, 128, 4), net.linear(y, 128), {"heads": 4, "d": 128})))
    assert "self.linear_5 = nn.Linear(d, 4 * d)" in source
    assert "self.linear_6 = nn.Linear(4 * d, d)" in source
    assert "def __init__(self, d: int) -> None:" in source
    assert "# [5, 4*d]" in source


def test_an_option_at_torchs_default_in_one_place_only_is_a_parameter() -> None:
    net = Draft("Strides", {"x": shape(3, 8, 8)})
    x = net[0]
    for stride in (1, 2):
        block = Draft("Down", {"x": net.types[x.index]})
        x = net.call(block.done(block.conv(block[0], 3, 1, stride)), x, {"stride": stride})
    source = to_python(net.done(x))
    assert _classes(source) == ["Down", "Strides"]
    assert "nn.Conv2d(3, 3, 1, stride=stride, bias=False)" in source


def test_locals_are_taken_again_so_that_no_dead_tensor_stays() -> None:
    source = to_python(gpt2(depth=2, d=64))
    assert "y = attention(self.linear(y), self.linear_2(y), self.linear_3(y), 1, causal=True)" in source
    assert "return x + self.linear_6(y)" in source


def test_numbers_become_parameters_and_texts_do_not() -> None:
    net = Draft("Kinds", {"x": shape(8)})
    x = net[0]
    for op in ("relu", "tanh", "relu"):
        block = Draft("Act", {"x": shape(8)})
        x = net.call(block.done(block.op(op, block[0])), x)
    assert _classes(to_python(net.done(x))) == ["Act", "Act2", "Kinds"]


def _classes(source: str) -> list[str]:
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def test_loops_are_written_as_what_they_keep() -> None:
    source = to_python(uneven())
    assert "nn.ModuleList([Stage(), Stage2()])" in source
    assert "nn.ModuleList(Stage3(dim) for dim in (-1, 1))" in source
    assert "        for _ in range(2):\n            x = F.relu(x)\n" in source
    assert "self.linear = nn.ModuleList(nn.Linear(16, 16) for _ in range(2))" in source


# ---------------------------------------------------------------- the check of inputs
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((2, 3, 100, 64), "ResNet18 takes [batch, 3, 32*h, 32*w]; got [2, 3, 100, 64]: 100 is not a multiple of 32"),
        ((2, 4, 64, 64), "ResNet18 takes [batch, 3, 32*h, 32*w]; got [2, 4, 64, 64]: axis 1 is 4, not 3"),
        ((3, 64, 64), "ResNet18 takes [batch, 3, 32*h, 32*w]; got [3, 64, 64]: x has 3 axes, not 4"),
        ((2, 3, 0, 64), "ResNet18 takes [batch, 3, 32*h, 32*w]; got [2, 3, 0, 64]: every size has to be 1 or more"),
    ],
)
def test_a_wrong_shape_is_said_in_the_models_words(given: tuple[int, ...], said: str) -> None:
    with pytest.raises(ValueError, match="ResNet18") as error:
        to_module(resnet18(H, W), device="meta")(torch.empty(given, device="meta"))
    assert str(error.value) == said


def test_a_fixed_shape_and_several_inputs_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^ResNet18 takes \[batch, 3, 32, 32\]; got \[1, 3, 32, 33\]$"):
        to_module(resnet18(1, 1), device="meta")(torch.empty(1, 3, 32, 33, device="meta"))
    with pytest.raises(ValueError, match="got left .2, 4., right .3, 4.: the batches differ"):
        to_module(tuples())(torch.randn(2, 4), torch.randn(3, 4))
    with pytest.raises(ValueError, match=r"got tokens \[2, 14, 4\]: axis 1 is 14, not h\*w with h = 3, w = 5"):
        to_module(handed_down())(torch.randn(2, 14, 4), torch.randn(2, 4, 6, 5))


@pytest.mark.parametrize(
    ("condition", "wrong", "said"),
    [
        (Condition(">=", Size.of(8), N, "`Net` needs n <= 8"), 9, "`Net` needs n <= 8 with n = 9"),
        (Condition("divides", Size.of(4), N), 6, "4 divides n does not hold with n = 6"),
        (Condition("!=", N, Size.of(5)), 5, "n != 5 does not hold with n = 5"),
        (Condition("==", N * N, N * 4), 3, "n*n == 4*n does not hold with n = 3"),
    ],
)
def test_conditions_are_checked(condition: Condition, wrong: int, said: str) -> None:
    net = Draft("Net", {"x": shape(N)})
    graph = net.done(net.op("relu", net[0]), variables=("n",))
    module = to_module(replace(graph, conditions=(condition,)))
    assert module(torch.ones(2, 4)).shape == (2, 4)
    with pytest.raises(ValueError, match="Net takes") as error:
        module(torch.ones(2, wrong))
    assert str(error.value).endswith(f": {said}")


def test_a_weight_of_unknown_shape_is_a_diagnostic_with_an_input_to_give() -> None:
    net = Draft("Open", {"x": shape(3, N * 32)})
    graph = net.done(net.linear(net[0], 10), variables=("n",))
    for lowering in (weights, to_python, to_module):
        with pytest.raises(CompileError) as error:
            lowering(graph)
        (entry,) = error.value.diagnostics
        assert (entry.code, entry.hint) == ("A0701", "--at '[3, 224]'")
        assert "linear" in entry.message and "32*n" in entry.message
    assert json.loads(to_json(graph))["weights"] is None


@given(st.integers(1, 40), st.integers(1, 40))
def test_sizes_are_written_as_python_computes_them(n: int, m: int) -> None:
    big, small = Size.var("n"), Size.var("m")
    values = {"n": n, "m": m}
    for size in (
        big * 3 - small * 2 + 1,
        floordiv(big * 2 + 1, small + 2) * 3,
        maximum(big, small * 2 - 7),
        exact(big * small * 6, small * 3),
        exact(big * (small + 1), small + 1) - big * big,
    ):
        text = arithmetic(size, {"n": "n", "m": "m"})
        assert eval(text, dict(values)) == size.evaluate(values)  # noqa: S307  the text is ours


# ---------------------------------------------------------------- JSON
def test_json_holds_each_graph_once_and_names_the_weights() -> None:
    graph = resnet18(H, W)
    found = json.loads(to_json(graph))
    assert [entry["name"] for entry in found["graphs"]].count("Basic") == 7
    assert found["graphs"][found["main"]]["name"] == "ResNet18" == found["name"]
    assert found["total"]["params"] == 11_689_512
    assert [entry["name"] for entry in found["weights"]] == [weight.name for weight in weights(graph)]


def test_what_is_written_does_not_depend_on_hashing() -> None:
    program = (
        "import graphs\nfrom archc.lower.json_graph import to_json\nfrom archc.lower.python import to_python\n"
        "from archc.sizes.size import Size\nnet = graphs.resnet18(Size.var('h'), Size.var('w'))\n"
        "print(to_json(net), to_python(net))"
    )
    here = Path(__file__).parent
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=here, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(runs) == 1
