"""A network on a device -> how long it takes; and a table of the pieces of a space, to add up without running a network."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from archc.graph import Graph
from archc.members import Member, Space
from archc.search.tasks.inputs import random_inputs

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import Tensors


@dataclass(frozen=True, slots=True)
class Bench:
    """How to measure: on which device, samples a run, runs to warm up, runs that count, threads of torch."""

    device: str = "cpu"
    batch: int = 1
    warm: int = 5
    runs: int = 30
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of one forward pass: the median of `runs`, and the quartiles around it."""

    seconds: float
    low: float
    high: float
    runs: int


def latency(graph: Graph, bench: Bench = Bench()) -> Latency:
    """Return how long a network takes to evaluate random inputs of its types.

    Raises ValueError where a size of the input is not known.
    """
    import torch

    from archc.lower.torch_module import to_module

    device = torch.device(bench.device)
    return timed(to_module(graph, device=device), random_inputs(graph, bench.batch, device), bench)


def timed(module: "torch.nn.Module", inputs: "Tensors", bench: Bench) -> Latency:
    """Return how long a module takes to evaluate inputs that are on the same device; it is in evaluation mode then."""
    import torch

    device = torch.device(bench.device)
    module.eval()

    def run() -> None:
        module(*inputs)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    with _threads(bench.threads), torch.inference_mode():
        found = sorted(_times(run, bench))
    return Latency(median(found), found[len(found) // 4], found[3 * len(found) // 4], len(found))


def _times(run: Callable[[], None], bench: Bench) -> Iterator[float]:
    for _ in range(bench.warm):
        run()
    for _ in range(max(1, bench.runs)):
        begun = time.perf_counter()
        run()
        yield time.perf_counter() - begun


@contextmanager
def _threads(many: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(many)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(slots=True)
class Table:
    """How long each piece of a space takes by itself, measured when it is first asked for.

    An estimate adds pieces up, so that it is a cost of the edges of the forest like any other. It is of use for ranking and
    for bounds within a space; that it is near the truth is to be shown on some members (`archc.search.correlation`).
    """

    space: Space
    bench: Bench = Bench()
    pieces: dict[int, float] = field(default_factory=dict)
    """Seconds, by number of piece."""

    def estimate(self, member: Member) -> float:
        """Return seconds for a member: the sum over its edges."""
        return sum(self.edge(edge) for edge in member.derivation.edges)

    def edge(self, edge: int) -> float:
        """Return what one edge of the space's own forest adds, in seconds."""
        return sum(self._piece(use.piece) * use.runs for use in self.space.forest.uses[edge])

    def edges(self) -> list[float]:
        """Return what each edge adds, in seconds: measures all pieces of the space."""
        return [self.edge(edge) for edge in range(self.space.forest.edges)]

    def _piece(self, number: int) -> float:
        known = self.pieces.get(number)
        if known is None:
            graph = self.space.refined.refiner.pieces.graph(number)
            known = self.pieces[number] = latency(graph, self.bench).seconds if graph.nodes else 0.0
        return known
