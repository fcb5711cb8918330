"""Workers on a Ray cluster: each slot is an actor that keeps the same process that forks as a local worker does.

Limits of time, memory and output are those of local workers, since the same code keeps them. An actor that is lost, with its
node or by itself, is begun again elsewhere, and its trial too: the loop does that at most three times.
"""

import socket
import sys
from collections.abc import Mapping, Sequence
from logging import ERROR
from typing import TYPE_CHECKING

from archc.grammar.diagnostics import CompileError
from archc.search.jobs import LONGEST_REASON, Job
from archc.search.protocol import Json, Objective, Outcome
from archc.search.workers import Fleet, WorkerError, Workers, entry_of

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

LOCAL = "local"

ANSWER = 10.0
"""Seconds within which the port of a cluster has to answer."""


class ClusterError(Exception):
    """There is no cluster, or no Ray; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


Answer = tuple[dict[str, float], str, float, bool]
"""Metrics, reason, seconds, and whether another worker may try."""


class Slot:
    """One worker of a node: what an actor does."""

    def __init__(self, task: str, goals: Sequence[tuple[str, bool]], fleet: Fleet, path: Sequence[str]) -> None:
        from archc.search.protocol import Goal

        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        self._workers = Workers(task, Objective(tuple(Goal(*goal) for goal in goals)), fleet)

    def ready(self) -> bool:
        """Return True once the task is made."""
        return True

    def evaluate(self, number: int, entry: Mapping[str, Json]) -> Answer:
        """Return how an evaluation ended."""
        self._workers.begin(number, entry)
        while True:
            for _, outcome in self._workers.wait():
                return dict(outcome.metrics), outcome.reason, outcome.seconds, outcome.retry


class OnRay:
    """Evaluates jobs on a Ray cluster. `address` is that of a cluster, or `local` for one on this machine.

    Raises ClusterError where Ray is not installed, does not answer, or the task cannot be made there.
    """

    def __init__(self, task: str, objective: Objective, fleet: Fleet, address: str) -> None:
        self.slots, self.seconds = fleet.slots, fleet.limits.seconds
        self._goals = [(goal.metric, goal.maximize) for goal in objective.goals]
        self._task, self._fleet = task, Fleet(1, fleet.limits, fleet.device, fleet.threads or 1)
        _connect(address, self.slots)
        self._free: list[ActorHandle[Slot]] = [self._actor() for _ in range(self.slots)]
        self._under_way: dict[ObjectRef[Answer], tuple[int, ActorHandle[Slot]]] = {}
        self._refused: list[tuple[int, Outcome]] = []
        self._require_task()

    def start(self, job: Job) -> None:
        """Hand a job to a free slot."""
        try:
            entry = entry_of(job)
        except (ValueError, CompileError) as error:
            self._refused.append((job.number, Outcome(reason=f"{type(error).__name__}: {error}"[:LONGEST_REASON])))
            return
        actor = self._free.pop()
        self._under_way[actor.evaluate.remote(job.number, entry)] = job.number, actor

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return which jobs have ended since; wait for one at most `timeout` seconds."""
        import ray

        if self._refused or not self._under_way:
            found, self._refused = self._refused, []
            return found
        waited = list(self._under_way)
        ready, _ = ray.wait(waited, num_returns=1, timeout=timeout)
        if ready:
            more, _ = ray.wait(waited, num_returns=len(waited), timeout=0)
            ready = list(dict.fromkeys([*ready, *more]))
        return [self._ended(reference) for reference in ready]

    def close(self) -> None:
        """End all that is under way, and leave the cluster."""
        import ray

        for actor in [*self._free, *(actor for _, actor in self._under_way.values())]:
            ray.kill(actor)
        self._free.clear()
        self._under_way.clear()
        ray.shutdown()

    def _ended(self, reference: "ObjectRef[Answer]") -> tuple[int, Outcome]:
        import ray

        number, actor = self._under_way.pop(reference)
        try:
            metrics, reason, seconds, retry = ray.get(reference)
        except ray.exceptions.RayError as error:
            self._free.append(self._actor())
            return number, Outcome(reason=f"its worker was lost: {type(error).__name__}", retry=True)
        self._free.append(actor)
        return number, Outcome(metrics, reason, seconds, retry)

    def _actor(self) -> "ActorHandle[Slot]":
        import ray

        path = [entry for entry in sys.path if entry]
        made = ray.remote(Slot).options(num_cpus=1, max_restarts=0)
        actor = made.remote(self._task, self._goals, self._fleet, path)
        assert not isinstance(actor, type), actor
        return actor

    def _require_task(self) -> None:
        """Wait until a slot has made the task. Raises ClusterError where it cannot."""
        import ray

        try:
            ray.get(self._free[0].ready.remote())
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            self.close()
            raise ClusterError(f"the task {self._task} cannot be made on Ray: {cause or error}") from error


def _connect(address: str, slots: int) -> None:
    try:
        import ray
    except ImportError:
        raise ClusterError("Ray is not installed", "pip install 'archc[ray]'") from None
    _require_answer(address)
    slots_here = slots if address == LOCAL else None
    board = False if address == LOCAL else None
    try:
        ray.init(address, num_cpus=slots_here, include_dashboard=board, log_to_driver=False, logging_level=ERROR)
    except (ConnectionError, ValueError, RuntimeError, WorkerError) as error:
        raise ClusterError(f"no Ray cluster answers at {address}: {error}", "ray start --head") from error


def _require_answer(address: str) -> None:
    """Raise ClusterError where nothing listens at HOST:PORT: Ray itself tries for minutes, and then ends the process."""
    host, found, port = address.removeprefix("ray://").rpartition(":")
    if not found:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster answers at {address}: {error}", "ray start --head") from error
