"""`proxy:NAME`: a network is scored without training, by a zero-cost proxy or its size.

`proxy:gradsign`, synflow, naswot, jacov, zico, params, flops, or `proxy:all` for every one that the network has. Inputs and
targets are chance of the evaluation's seed; `proxy:NAME:TASK`, as in `proxy:naswot:digits`, takes them from a task's training
split.
"""

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from archc.cost import graph_cost
from archc.graph import Graph
from archc.search.protocol import Metrics, unknown
from archc.search.tasks.base import Budget, Candidate, Direction, task
from archc.search.tasks.inputs import random_inputs
from archc.search.tasks.proxies import PROXIES, Sample
from archc.search.tasks.trainer import Classification, goes_with, reproducible

if TYPE_CHECKING:
    import torch

SIZES = ("params", "flops")
BATCH = 32
_MAXIMIZE: Direction = "maximize"
_MINIMIZE: Direction = "minimize"


class Proxy:
    """Scores; greater is taken for better, but for params and flops, which are minimized where no other goal is given."""

    def __init__(self, name: str = "") -> None:
        head, _, data = name.partition(":")
        known = [*PROXIES, *SIZES, "all"]
        if not head:
            raise ValueError(f"expected proxy:NAME with one of {', '.join(known)}, found no name")
        if head not in known:
            raise ValueError(unknown("proxy", head, known))
        self.names = tuple(PROXIES) if head == "all" else (head,) if head in PROXIES else ()
        sizes = SIZES if head == "all" else () if head in PROXIES else (head,)
        self.metrics: Mapping[str, Direction] = dict.fromkeys(self.names, _MAXIMIZE) | dict.fromkeys(sizes, _MINIMIZE)
        self.quick = not self.names
        self.is_whole = head == "all"
        self.data = _data(data) if data else None

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return the scores; of `all`, those that this network has. Raises ValueError where it has none."""
        cost = graph_cost(candidate.graph)
        found = {name: float(getattr(cost, name).constant or 0) for name in SIZES if name in self.metrics}
        if self.names:
            found |= self._scores(candidate, budget)
        return found

    def identity(self, candidate: Candidate) -> str:
        """Return the architecture: recipes do not matter."""
        return candidate.hash

    def _scores(self, candidate: Candidate, budget: Budget) -> Metrics:
        import torch

        device = torch.device(budget.device)
        found: dict[str, float] = {}
        with reproducible(budget.seed, device):
            module = candidate.module(device=device)
            sample = _random(candidate.graph, module, device) if self.data is None else self._drawn(module, device)
            fresh = {name: tensor.clone() for name, tensor in module.state_dict().items()}
            for name in self.names:
                torch.manual_seed(budget.seed)
                module.load_state_dict(fresh)
                try:
                    found[name] = _finite(name, PROXIES[name](module, sample))
                except ValueError:
                    if not self.is_whole or (name == self.names[-1] and not found):
                        raise
        return found

    def _drawn(self, module: "torch.nn.Module", device: "torch.device") -> Sample:
        import torch

        assert self.data is not None
        goes_with(module, self.data.data, device)
        train = self.data.data.train
        return Sample(*train.batch(torch.randperm(len(train))[:BATCH], device))


def _data(name: str) -> Classification:
    found = task(name)
    if isinstance(found, Classification):
        return found
    raise ValueError(f"the task {name} has no samples that a proxy could look at; one that has is digits")


def _random(graph: Graph, module: "torch.nn.Module", device: "torch.device") -> Sample:
    """Return random inputs of a network's types, and random targets."""
    import torch

    inputs = random_inputs(graph, BATCH, device)
    module.eval()
    with torch.no_grad():
        scores = module(*inputs)
    if not isinstance(scores, torch.Tensor) or scores.dim() < 2:
        raise ValueError(f"a proxy needs scores of classes, and the network gives {graph.type}")
    return Sample(inputs, torch.randint(scores.shape[-1], scores.shape[:-1]).to(device))


def _finite(name: str, value: float) -> float:
    if not isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value
