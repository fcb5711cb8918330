"""Bounds on measures in spaces, against the members that building and counting ops leave of a larger space."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import product

import pytest

import archc
from archc.cost import graph_cost
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.members import Space

WIDTH = 4

BODIES = {
    "right": ": [d] -> [d] where {} = relu | gelu | linear(d) -> S",
    "left": ": [d] -> [d] where {} = relu | S -> linear(d)",
    "both": ": [d] -> [d] where {} = relu | (S, S) -> add",
    "argument": ": [d] -> [d] where {} = relu | linear(d) | Residual(S)",
    "point": ": (x: [d]) -> [d] where {} = x -> relu | { let y = x -> S  return (x, y) -> add }",
    "copies": ": [d] -> [d] where {} = relu | S * (2..3)",
    "turns": ": [d] -> [d] where {} = gelu | for n in [3, 2] {{ linear(n) -> linear(d) -> S }}",
    "chosen": ": [d] -> [d] where {} = relu | linear(d) | { choose f = S  return f -> f }",
    "shared": ": [d] -> [d] where {} = linear(d) | { let f = S  return f -> f } | S -> relu",
    "each": ": [d] -> [d] where {} = relu | linear(d) | clone(2) -> par(S, relu) -> add | clone(2) -> each(S) -> add",
    "types": ": [d] -> [n] where {} = relu | linear(2 | 3) -> S",
    "mutual": ": [d] -> [d] where {} = relu | linear(d) -> T\nspace T : [d] -> [d] = linear(d) -> S | gelu -> S",
}

DEEPEST = {"both": (5, 3), "copies": (3, 3), "turns": (6, 2), "chosen": (4, 3), "shared": (4, 4)}
"""The most nodes to look at, and how deep a space of so many nodes is at most; others add a node in each depth."""


def space(body: str, bounds: str, name: str = "S", more: str = "") -> Space:
    """Return a space of four wide vectors."""
    text = BODIES.get(body, body).replace("{{", "{").replace("}}", "}").replace("where {}", f"where {bounds}")
    return archc.loads(f"arch 0.1\nimport std.nn\nspace S {text}\n{more}")[name].space(at=(WIDTH,), most_types=0)


def ops(graph: Graph) -> Counter[str]:
    """Return how many ops of each name a network runs, as its nodes say."""
    found: Counter[str] = Counter()
    for node in graph.nodes:
        match node:
            case OpNode(op):
                found[op] += 1
            case CallNode(graph=inner):
                found += ops(inner)
            case LoopNode(steps=steps):
                for step in steps:
                    found += ops(step)
    return found


def params(graph: Graph) -> int:
    return graph_cost(graph).params.constant or 0


def nodes(graph: Graph) -> int:
    return ops(graph).total()


def linears(graph: Graph) -> int:
    return ops(graph)["linear"]


def macs(graph: Graph) -> int:
    return graph_cost(graph).macs.constant or 0


MEASURES: dict[str, Callable[[Graph], int]] = {"nodes": nodes, "params": params, "count(linear)": linears, "macs": macs}


def within(body: str, depth: int, measure: str, low: int, high: int) -> list[str]:
    """Return the keys of the members of a space of bounded depth that are within bounds when they are built."""
    return sorted(key for key, value in measured(body, depth, measure) if low <= value <= high)


@cache
def measured(body: str, depth: int, measure: str) -> tuple[tuple[str, int], ...]:
    """Return the key of each member with what is measured of its graph."""
    return tuple((member.key, MEASURES[measure](member.graph())) for member in space(body, f"depth <= {depth}"))


def keys_of(body: str, bounds: str) -> list[str]:
    """Return the keys of the members that a space within bounds has, of which there may be none."""
    try:
        found = space(body, bounds)
    except archc.CompileError as error:
        assert [entry.code for entry in error.diagnostics] == ["A0411"]
        return []
    assert found.exact
    return keys(found)


def keys(found: Space) -> list[str]:
    return sorted(member.key for member in found)


# ---------------------------------------------------------------- recursion that nodes bound
@pytest.mark.parametrize("body", BODIES)
def test_nodes_bound_a_recursion(body: str) -> None:
    high, depth = DEEPEST.get(body, (4, 5))
    for low in (0, high - 1, high):
        expected = within(body, depth, "nodes", low, high)
        assert expected or low == high
        assert keys_of(body, f"nodes >= {low}, nodes <= {high}") == expected


@pytest.mark.parametrize("body", BODIES)
def test_nodes_bound_it_together_with_depth(body: str) -> None:
    assert keys(space(body, "depth <= 2, nodes <= 3")) == within(body, 2, "nodes", 0, 3)


def test_a_tree_of_sums_has_as_many_shapes_as_catalan_says() -> None:
    assert [space("both", f"nodes == {2 * leaves - 1}").count() for leaves in range(1, 7)] == [
        1, 1, 2, 5, 14, 42,
    ]  # fmt: skip


def test_a_space_that_nodes_bound_may_stand_in_another() -> None:
    alone = space("right", "nodes <= 4").count()
    assert space("right", "nodes <= 4", "R", "space R : [d] -> [d] = S -> linear(d) -> S").count() == alone**2


# ---------------------------------------------------------------- measures that select
BOUNDS = [("params", 0, 20), ("params", 20, 30), ("macs", 16, 24), ("count(linear)", 1, 2), ("nodes", 2, 3)]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("measure", "low", "high"), BOUNDS)
def test_a_measure_selects_among_members(body: str, measure: str, low: int, high: int) -> None:
    bounds = f"depth <= 2, {measure} >= {low}, {measure} <= {high}"
    assert keys_of(body, bounds) == within(body, 2, measure, low, high)


@pytest.mark.parametrize("body", [body for body in BODIES if body != "types"])
@pytest.mark.parametrize(("measure", "low", "high"), BOUNDS)
def test_a_measure_selects_at_each_mention(body: str, measure: str, low: int, high: int) -> None:
    alone = len(within(body, 2, measure, low, high))
    bounds = f"depth <= 2, {measure} >= {low}, {measure} <= {high}"
    more = "space R : [d] -> [d] = S -> relu -> (S | gelu)"
    if not alone:
        with pytest.raises(archc.CompileError, match="A0411"):
            space(body, bounds, "R", more)
        return
    found = space(body, bounds, "R", more)
    assert found.count() == alone * (alone + 1)
    assert len({member.key for member in found} if found.count() < 2_000 else {}) in (0, found.count())


@pytest.mark.parametrize("body", BODIES)
def test_depth_may_be_bounded_from_below(body: str) -> None:
    depth = DEEPEST.get(body, (0, 3))[1]
    shallow, deep = (set(keys(space(body, f"depth <= {most}"))) for most in (depth - 1, depth))
    assert set(keys(space(body, f"depth == {depth}"))) == deep - shallow
    assert set(keys(space(body, f"depth in {depth}..{depth}"))) == deep - shallow


def test_what_a_name_stands_for_is_measured_where_it_is_used() -> None:
    options = {"id": 0, "linear(d)": 1, "linear(d) -> linear(d)": 2, "relu": 0}
    text = (
        "arch 0.1\n"
        "space A(f: [d] -> [d]) : [d] -> [d] where count(linear) in 1..2 = f -> (relu | linear(d)) -> f\n"
        f"space S : [d] -> [d] = {{ choose g = {' | '.join(options)}  return A(g) -> g -> A(g) }}\n"
    )
    expected = sum(
        all(1 <= 2 * options[g] + extra <= 2 for extra in extras)
        for g in options
        for extras in product((0, 1), repeat=2)
    )
    assert archc.loads(text)["S"].space(at=(WIDTH,)).count() == expected


def test_members_within_bounds_are_drawn_by_their_weights() -> None:
    found = space(": [d] -> [d] where count(linear) <= 1 = 90%: linear(d) -> linear(d) | 8%: linear(d) | 2%: relu", "")
    chances = sorted(2.718281828459045 ** found.logprob(member) for member in found)
    assert chances == pytest.approx([0.2, 0.8])


def test_a_space_that_is_too_large_says_where_its_types_come_from() -> None:
    text = "arch 0.1\nspace S : [d] -> [n] where depth <= 6 = linear(1 .. 50) | S -> S\n"
    with pytest.raises(archc.CompileError) as caught:
        archc.loads(text, limits=archc.Limits(edges=9_000))["S"].space(at=(WIDTH,), most_types=0)
    (found,) = caught.value.diagnostics
    assert found.code == "A0815"
    assert "9,000 edges" in found.label
    assert [(note.subject, "50 output types" in note.text) for note in found.notes] == [("`S`", True)]
