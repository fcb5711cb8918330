"""Members drawn of every example space: each builds, is of the type that its state says, costs what it says, and runs."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pytest
import torch

import archc
from archc.cost import graph_cost
from archc.members import Member, Space
from archc.tensor import Tensor, leaves

EXAMPLES = Path(__file__).parent.parent / "examples"


@dataclass(frozen=True)
class Drawn:
    """A space at an input, and how many members a quick test draws."""

    file: str
    name: str
    at: str
    quick: int
    parameters: tuple[tuple[str, int], ...] = ()
    edit: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"{self.file}:{self.name} {self.at}"


SHALLOW = ("depth <= 8", "depth <= 2")

CASES = [
    Drawn("nasbench201", "Cell", "[16, 8, 8]", 120, (("c", 16),)),
    Drawn("nasbench201", "LiveCell", "live [16, 8, 8]", 50, (("c", 16),)),
    Drawn("nasbench201", "NasBench201", "[3, 16, 16]", 10),
    Drawn("darts", "Cell", "(p: [8, 8, 8], q: [8, 8, 8])", 60, (("c", 8),)),
    Drawn("darts", "PaperCell", "(p: [8, 8, 8], q: [8, 8, 8])", 30, (("c", 8),)),
    Drawn("einspace", "Root", "[16, 8]", 160, (), ("depth <= 8", "depth <= 1")),
    Drawn("einspace", "Root", "[3, 32, 32]", 160, (), SHALLOW),
    Drawn("ofa_mobilenet", "OnceForAll", "[3, 32, 32]", 10),
    Drawn("flexibert", "FlexiBert", "Id(30522)[12]", 20),
    Drawn("star", "Star", "Id(32000)[16]", 4),
    Drawn("hytra", "HyTra", "[3, 64, 64]", 10),
    Drawn("gnn_design", "GraphNet", "(x: [30, 16], edges: Id(30)[2, 99])", 50),
    Drawn("hierarchical_nb201", "Published", "[3, 32, 32]", 2),
    Drawn("hierarchical_nb201", "Typed", "[3, 32, 32]", 2),
    Drawn("fbnet_joint", "Backbone", "[3, 192, 192]", 0, (("classes", 10), ("r", 192))),
    Drawn("anynet", "AnyNetX", "[3, 64, 64]", 0, (("deepest", 3), ("widest", 96), ("step", 24))),
]


QUICK = [case for case in CASES if case.quick]
"""The others take long to refine."""


@cache
def _space(case: Drawn) -> Space:
    text = (EXAMPLES / f"{case.file}.arch").read_text(encoding="ascii").replace(*case.edit)
    most = 8 if case.edit == SHALLOW else None
    return archc.loads(text, root=EXAMPLES)[case.name].space(at=case.at, most_types=most, **dict(case.parameters))


def _holds(member: Member) -> None:
    """Build a member and run it without memory; compare its type and costs with those that the forest tells."""
    graph = member.graph()
    cost = graph_cost(graph)
    assert str(graph.type).removeprefix("live ") == member.type.removeprefix("live "), member.key
    told = tuple(member.cost(name) for name in ("params", "macs", "activation_bytes"))
    assert told == (cost.params.constant, cost.macs.constant, cost.activation_bytes.constant), member.key
    module = member.module(device="meta").eval()
    inputs = [_entered(entry.type) for entry in graph.inputs]
    found = module(*inputs)
    shapes = [tuple(part.shape[1:]) for part in (found if isinstance(found, tuple) else (found,))]
    assert shapes == [tuple(size.constant for size in leaf.sizes) for leaf in leaves(graph.type)], member.key
    assert sum(weight.numel() for weight in module.parameters()) == member.cost("params"), member.key


def _entered(kind: Tensor) -> torch.Tensor:
    sizes = tuple(size.constant or 0 for size in kind.sizes)
    if kind.kind == "Id":
        return torch.zeros((2, *sizes), dtype=torch.int64, device="meta")
    return torch.zeros((2, *sizes), device="meta")


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_no_draw_is_ill_typed(case: Drawn) -> None:
    space = _space(case)
    for by in ("weights", "count"):
        for member in space.sample(Random(f"{case} {by}"), case.quick // 2 or 1, by=by):
            _holds(member)


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_no_mutation_is_ill_typed_or_equal_to_its_parent(case: Drawn) -> None:
    space, rng = _space(case), Random(f"mutations {case}")
    member = space.sample(rng)[0]
    for number in range(case.quick):
        child = space.mutate(member, rng)
        assert child.key != member.key
        if number % 8 == 0:
            _holds(child)
        member = child


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=str)
def test_none_of_a_hundred_thousand_draws_is_ill_typed(case: Drawn) -> None:
    total = sum(entry.quick for entry in CASES)
    space = _space(case)
    for member in space.sample(Random(f"soak {case}"), 100_000 * case.quick // total or 200):
        _holds(member)


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=str)
def test_none_of_a_hundred_thousand_mutations_is_ill_typed_or_nothing(case: Drawn) -> None:
    total = sum(entry.quick for entry in CASES)
    space, rng = _space(case), Random(f"soak mutations {case}")
    member = space.sample(rng)[0]
    for _ in range(100_000 * case.quick // total or 200):
        child = space.mutate(member, rng)
        assert child.key != member.key
        _holds(child)
        member = child
