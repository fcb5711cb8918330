"""What a task is: a member of the space at a fidelity -> metrics. And where tasks are found by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Literal, Protocol, get_args, runtime_checkable

from archc.graph import Graph
from archc.search.brought import brought, raised_by
from archc.search.protocol import Json, Metrics, unknown

if TYPE_CHECKING:
    import torch

Direction = Literal["maximize", "minimize"]
Recipe = Mapping[str, Json]
"""How to train, where the space decides that too; a task has a default for what it does not find in it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may take, and its chance.

    `share` is the fidelity: how much of the full training, above 0 and at most 1; a task of 50 epochs trains 10 at 0.2.
    All chance of the evaluation comes from `seed`. `seconds` is when the worker is ended, None for never.
    """

    share: float = 1.0
    seed: int = 0
    seconds: float | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Candidate:
    """What is tried, on whichever machine: its graph (made when asked for), and modules with fresh weights."""

    key: str
    make: Callable[[], Graph] = field(repr=False)
    recipe: Recipe = field(default_factory=dict)

    @cached_property
    def graph(self) -> Graph:
        """The network as a dataflow graph."""
        return self.make()

    @cached_property
    def hash(self) -> str:
        """The canonical hash of the architecture."""
        from archc.spaces.identity import hash_of

        return hash_of(self.graph)

    def module(self, device: "torch.device | str | None" = None) -> "torch.nn.Module":
        """Return the network as a torch module with fresh weights, drawn from torch's own generator."""
        from archc.lower.torch_module import to_module

        return to_module(self.graph, device=device)


@runtime_checkable
class Task(Protocol):
    """Trains a network and measures it, in a child process with limits: it may use all of torch, hang, or die.

    `metrics` names what `fit` returns and which way is better; the first is the objective where none is given.
    Raise ValueError from `fit` where a network does not go with the data: the trial ends with that reason. A task may have
    `takes`, the type of the input that it hands to networks as .arch text: spaces of open sizes are searched at that.
    An object is made once for each search and reused: load data when made, and keep nothing from one `fit` to the next.
    """

    metrics: Mapping[str, Direction]

    def fit(self, module: "torch.nn.Module", recipe: Recipe, budget: Budget) -> Metrics:
        """Return the metrics of a module that comes with fresh weights, drawn with `torch.manual_seed(budget.seed)`."""


@runtime_checkable
class Reader(Protocol):
    """A task that reads the architecture instead of training it: a table, a proxy, an estimate.

    If `quick`, it takes milliseconds and no chance, and is asked in the driver's own process: not for users' code.
    """

    metrics: Mapping[str, Direction]
    quick: bool

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return the metrics of an architecture. Raises ValueError where it has none."""

    def identity(self, candidate: Candidate) -> str:
        """Return what the metrics depend on: `candidate.hash`, or the row of a table."""


AnyTask = Task | Reader

TASKS: dict[str, str] = {
    "digits": "archc.search.tasks.digits:Digits",
    "listops": "archc.search.tasks.listops:ListOps",
    "vertices": "archc.search.tasks.vertices:Vertices",
    "addnist": "archc.search.tasks.unseen:AddNist",
    "cifartile": "archc.search.tasks.unseen:CifarTile",
    "language": "archc.search.tasks.unseen:Language",
    "tabular": "archc.search.tasks.tabular:Tabular",
    "proxy": "archc.search.tasks.proxy:Proxy",
}
"""Where each task of archc is: a new one is one file in tasks/ and one line here. `NAME:REST` makes it with `REST`."""


def task(name: str) -> AnyTask:
    """Return the task of a name: `digits`, `tabular:PATH`, `proxy:NAME`, or `python:module:Class`.

    Python code of the user runs here, and only where it is named so. Raises KeyError on a name that nothing has, TypeError
    on a class that is no task, ValueError on what a task cannot be made with, and where the user's code raises something.
    """
    head, _, rest = name.partition(":")
    if head == "python":
        return _brought(rest)
    if head not in TASKS:
        raise KeyError(unknown("task", head, [*TASKS, "python"]))
    module, _, attribute = TASKS[head].partition(":")
    maker = getattr(import_module(module), attribute)
    if rest and not signature(maker).parameters:
        raise ValueError(f"{head} takes nothing behind its name, found {rest}")
    made: AnyTask = maker(*[rest] * bool(rest))
    return made


def _brought(place: str) -> AnyTask:
    """Return the task that a user's class makes. Raises BroughtError, TypeError where it makes something else."""
    maker = brought(place)
    if not callable(maker):
        raise TypeError(f"{place} is no class, found {maker!r:.50}")
    with raised_by(f"{place}()"):
        made: object = maker()
    if not isinstance(made, Task | Reader):
        raise TypeError(f"{place} is no task: expected `metrics` and `fit(module, recipe, budget)`")
    ways: object = made.metrics
    if not isinstance(ways, Mapping) or not set(ways.values()) <= set(get_args(Direction)):
        raise TypeError(
            f'{place}: expected metrics such as {{"accuracy": "maximize", "loss": "minimize"}}, found {ways!r:.80}'
        )
    return made


def evaluate(found: AnyTask, candidate: Candidate, budget: Budget) -> Metrics:
    """Return the metrics of a candidate. Raises what the task raises, and TypeError where it returns none."""
    if isinstance(found, Reader):
        return _metrics(found.read(candidate, budget), "read")
    import torch

    torch.manual_seed(budget.seed)
    return _metrics(found.fit(candidate.module(device=budget.device), candidate.recipe, budget), "fit")


def _metrics(found: object, method: str) -> Metrics:
    if isinstance(found, Mapping):
        return found
    raise TypeError(f'expected `{method}` to return metrics such as {{"accuracy": 0.9}}, found {found!r:.100}')
