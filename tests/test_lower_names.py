"""Names, docs and strings of a program cannot break out of the Python and JSON that is made from it."""

import ast
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from graphs import Draft, Graph, shape, single
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.lower.json_graph import to_json
from archc.lower.names import MODULE_ATTRIBUTES, identifier, literal
from archc.lower.python import to_python
from archc.lower.torch_module import to_module
from archc.lower.weights import weights
from archc.sizes.size import Size

HOSTILE = (
    "forward", "half", "type", "T_destination", "train", "class", "None", "__class__", "__init__", "_modules", "F", "nn",
    "torch", "self", "takes", "list", "a b", "x\ry", "é", "1x", "", 'x"""', "import os", "a.b", "check_input", "\u202e",
)  # fmt: skip
CANARY = '"""\nimport os; raise SystemExit("out")\r\n# \u2028 {x} \\'


def hostile(name: str) -> Graph:
    """A network in which everything that has a name is called `name`."""
    block = Draft(name, {name: shape(4)})
    inner = block.done(block.linear(block[0], 4, key=name), docs=(name, CANARY))
    net = Draft(name, {name: shape(4, Size.var("n")), f"{name}'": shape(4)})
    x = net.call(inner, net[1], {name: 4}, key=name)
    x = net.loop([single(inner, {name: 3})] * 2, x, f"{name}_2")
    return net.done(x, docs=(CANARY, name), variables=("n",))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_docs_cannot_escape(name: str) -> None:
    graph = hostile(name)
    _only_allowed(to_python(graph))
    module = to_module(graph).eval()
    assert list(module.state_dict()) == [weight.name for weight in weights(graph)]
    assert module(torch.randn(2, 4, 3), torch.randn(2, 4)).shape == (2, 4)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=20), st.text(max_size=40))
def test_no_text_escapes(name: str, doc: str) -> None:
    graph = hostile(name)
    _only_allowed(to_python(replace(graph, docs=(doc, doc + '"', "\\"))))
    assert json.loads(to_json(graph))["name"] == name


@pytest.mark.parametrize("doc", ['ends with a quote"', "and a backslash\\", "", '"', "\\", '""""', "é × ∞"])
def test_a_doc_of_one_line_stays_one(doc: str) -> None:
    net = Draft("Net", {"x": shape(4)})
    source = to_python(net.done(net.op("relu", net[0]), docs=(doc,)))
    (entry,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    assert (ast.get_docstring(entry, clean=False) or "").splitlines()[0] == doc.rstrip()


@given(st.text(max_size=30))
def test_literals_are_what_they_say(text: str) -> None:
    source = literal((text, 1, 1e-5, 2.5e300, True, None, (text,)))
    assert ast.literal_eval(source) == (text, 1, 1e-5, 2.5e300, True, None, (text,))
    assert source.isprintable()


@given(st.text(max_size=30))
def test_identifiers_are_safe(text: str) -> None:
    name = identifier(text, {"x", "x_"})
    assert name.isidentifier() and name.isascii()
    assert not name.startswith("_") and name not in {"x", "x_"}


def test_every_attribute_of_a_module_is_reserved() -> None:
    """Asked of a process of its own: other libraries hang attributes of theirs on torch's modules."""
    ask = "import torch; print(*(name for name in dir(torch.nn.Module()) if not name.startswith('_')))"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) <= MODULE_ATTRIBUTES


_NODES = (
    ast.Module, ast.Import, ast.ImportFrom, ast.alias, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Return,
    ast.Assign, ast.Expr, ast.For, ast.If, ast.Raise, ast.Delete, ast.Call, ast.keyword, ast.Attribute, ast.Name,
    ast.Constant, ast.Tuple, ast.List, ast.Subscript, ast.Slice, ast.GeneratorExp, ast.comprehension, ast.BinOp, ast.Add,
    ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Compare, ast.NotEq, ast.Lt, ast.Gt, ast.Eq, ast.BoolOp, ast.Or,
    ast.JoinedStr, ast.FormattedValue, ast.Load, ast.Store, ast.Del, ast.UnaryOp, ast.USub,
)  # fmt: skip
_CALLED = {"self", "F", "nn", "torch", "super", "ValueError", "list", "range"}


def _only_allowed(source: str) -> None:
    """Assert that the source has the closed set of nodes, and calls only torch and what it defines itself."""
    tree = ast.parse(source)
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    steps = {
        node.target.id for node in ast.walk(tree) if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
    }
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef) for node in tree.body[1:])
    for node in ast.walk(tree):
        assert isinstance(node, _NODES), ast.dump(node)
        if isinstance(node, ast.Import):
            assert {entry.name for entry in node.names} <= {"math", "torch", "torch.nn.functional"}
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_") or node.attr == "__init__"
        if isinstance(node, ast.Call):
            assert _root(node.func) in {*_CALLED, *own, *steps}, ast.dump(node)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    assert isinstance(node, ast.Name), ast.dump(node)
    return node.id
