"""A network on a device -> how long it takes; and a table of the pieces of a space, to add up without running a network."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from archc.graph import Graph
from archc.members import Space
from archc.search.protocol import Json
from archc.search.tasks.inputs import random_inputs
from archc.spaces.identity import hash_of

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import Tensors

LATENCY = "latency"
"""The cost that a table makes of itself."""


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
    """How long each piece of networks takes by itself, measured when it is first asked for.

    An estimate adds pieces up, so that it is a cost like any other: `space.where('latency <= 2ms')`, and the `cost` of the
    additive strategy. That it is near the truth is to be shown on some members (`archc.search.correlation`).
    """

    bench: Bench = Bench()
    pieces: dict[str, int] = field(default_factory=dict)
    """Nanoseconds, by the hash of a piece."""

    def onto(self, space: Space) -> Space:
        """Return a space whose members have the cost `latency`, in nanoseconds; what is not in the table is measured.

        Raises ValueError where a size of the input is not known.
        """
        pieces, forest = space.refined.pieces, space.refined.forest
        used = sorted({use.piece for uses in forest.uses for use in uses})
        taken = {number: self._piece(pieces.graph(number)) for number in used}
        edges = [sum(taken[use.piece] * use.runs for use in uses) for uses in forest.uses]
        return replace(space, measured=space.measured.beside(LATENCY, edges))

    def _piece(self, graph: Graph) -> int:
        if not graph.nodes:
            return 0
        name = hash_of(graph)
        if name not in self.pieces:
            self.pieces[name] = round(latency(graph, self.bench).seconds * 1e9)
        return self.pieces[name]

    def notes(self) -> dict[str, Json]:
        """Return what a store notes of the table."""
        return {"bench": asdict(self.bench), "pieces": dict(self.pieces)}


def table_of(notes: Json) -> Table | None:
    """Return the table that a store notes; None where it notes none."""
    match notes:
        case {
            "bench": {
                "device": str() as device,
                "batch": int() as batch,
                "warm": int() as warm,
                "runs": int() as runs,
                "threads": int() as threads,
            },
            "pieces": Mapping() as pieces,
        }:
            known = {name: taken for name, taken in pieces.items() if isinstance(taken, int)}
            return Table(Bench(device, batch, warm, runs, threads), known)
        case _:
            return None
