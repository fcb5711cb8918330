"""`--to arch`: the text of a graph checks, builds the same network again, and says the same when written again."""

from pathlib import Path

import pytest
from test_examples import INPUTS, MODELS, name

import archc
from archc.cost import graph_cost
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.lower.arch import to_arch
from archc.lower.weights import weights


def again(graph: Graph) -> Graph:
    return archc.loads(to_arch(graph))[graph.name].graph()


def ops(graph: Graph) -> list[tuple[str, object]]:
    """Return every op that runs, in order, with its parameters but for the names of axes."""
    found: list[tuple[str, object]] = []
    for node in graph.nodes:
        match node:
            case OpNode(op, attributes):
                found.append((op, [value for key, value in attributes if key != "p"]))
            case CallNode(graph=inner):
                found += ops(inner)
            case LoopNode(steps=steps):
                for step in steps:
                    found += ops(step)
    return found


@pytest.mark.parametrize(("file", "model"), MODELS, ids=name)
def test_a_model_at_its_input_comes_back(file: Path, model: str) -> None:
    graph = archc.load(file)[model].graph(at=INPUTS[model])
    found = again(graph)
    assert ops(found) == ops(graph)
    assert graph_cost(found) == graph_cost(graph)
    assert [weight.shape for weight in weights(found)] == [weight.shape for weight in weights(graph)]
    assert found.type == graph.type and found.docs == graph.docs


@pytest.mark.parametrize(("file", "model"), MODELS, ids=name)
def test_a_model_whose_sizes_are_open_comes_back(file: Path, model: str) -> None:
    graph = archc.load(file)[model].graph()
    found = again(graph)
    assert graph_cost(found) == graph_cost(graph) and found.type == graph.type


def test_text_is_written_the_same_again() -> None:
    for file, model in MODELS[:4]:
        text = archc.load(file)[model].arch(at=INPUTS[model])
        assert archc.loads(text)[model].arch() == text


NETWORKS = {
    "a layer used twice": """
        model Net : [4, 6] -> [4, 6] = { let f = linear(6)  return f -> relu -> f }
    """,
    "a layer lent to a block": """
        block Twice(f: [..s] -> [..s]) : [..s] -> [..s] = f -> tanh -> f
        model Net : [4, 6] -> [4, 6] = { let f = linear(6)  return Twice(f) -> f }
    """,
    "points in another order": """
        model Net : (a: [3, 4], b: [4, 5]) -> [3, 5] = { let c = b -> relu  return (a -> tanh, c) -> matmul }
    """,
    "several outputs": """
        model Net : (x: [6, 4]) -> [3, 4] = { let (p, q) = x -> chunk(2)  return (q, p -> relu) -> sub }
    """,
    "two results": """
        model Net : [6] -> ([2], [3]) = (linear(2), linear(3) -> relu)
    """,
    "axes that are split": """
        model Net(a = 3) : [12, 5] -> [5, 12] = rearrange([a*b, c] -> [b, c, a]) -> rearrange([b, c, a] -> [c, a*b])
    """,
    "a memory that each step reads": """
        block Layer : (x: [n, d], m: [k, d]) -> [n, d] = (x -> linear(d), m -> linear(d), m) -> attention(1)
        model Net : (x: [5, 8], m: [3, 8]) -> [5, 8] = x -> ((id, m) -> Layer) * 2
    """,
    "a loop of steps that differ": """
        model Net : [8] -> [2] = for d in [6, 4, 2] { linear(d) -> tanh }
    """,
}


@pytest.mark.parametrize("body", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_network_computes_the_same_when_written_and_read(body: str) -> None:
    import torch

    torch.manual_seed(0)
    net = archc.loads(f"arch 0.1\n{body}")["Net"]
    graph = net.graph()
    ours, twin = net.module().eval(), archc.loads(net.arch())["Net"].module().eval()
    twin.load_state_dict(dict(zip(twin.state_dict(), ours.state_dict().values(), strict=True)))
    inputs = [torch.randn(2, *(size.constant or 0 for size in entry.type.sizes)) for entry in graph.inputs]
    expected, found = ours(*inputs), twin(*inputs)
    if isinstance(expected, torch.Tensor):
        expected, found = (expected,), (found,)
    for one, other in zip(expected, found, strict=True):
        assert one.std() > 1e-3
        torch.testing.assert_close(other, one)


def test_a_block_does_not_have_the_name_of_the_model_that_mentions_it() -> None:
    text = "arch 0.1\nspace Net : [8] -> [8] where depth <= 2 = linear(8, bias=false | true) | Net -> relu -> Net\n"
    for member in archc.loads(text)["Net"].space():
        assert archc.loads(member.text)["Net"].summary().params.constant == member.cost("params")
