"""Jobs -> outcomes, each from a child process with limits. The children are forked by one process that has torch loaded."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from archc.grammar.diagnostics import CompileError
from archc.search.jobs import LONGEST_REASON, Job, judged
from archc.search.parts import parts
from archc.search.protocol import Json, Objective, Outcome

START = 300.0
"""Seconds within which the task has to be made: importing torch and reading the data."""

END = 10.0
"""Seconds within which everything has to end when the workers are closed."""


class WorkerError(Exception):
    """No worker could be started; the message says why."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one evaluation may take: seconds, bytes of memory, and bytes that it writes to its output; None: no limit."""

    seconds: float | None = 3600.0
    memory: int | None = None
    output: int = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many workers there are, and what each is given."""

    slots: int = 1
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    device: str = "cpu"
    threads: int | None = None
    """Threads of torch in each worker; None: the cores shared out."""


def entry_of(job: Job) -> dict[str, Json]:
    """Return what a worker is told of a job. Raises ValueError or CompileError where it has no network to try."""
    network, recipe = parts(job.member)
    entry: dict[str, Json] = {"number": job.number, "key": job.member.key, "text": network.text, "recipe": recipe}
    return entry | {"share": job.fidelity, "seed": job.seed}


class Workers:
    """Evaluates jobs of a task, by name, in child processes. Whatever ends the driver, `kill -9` too, ends them all.

    Raises WorkerError where the task cannot be made.
    """

    def __init__(self, task: str, objective: Objective, fleet: Fleet = Fleet()) -> None:
        self.slots, self.seconds = fleet.slots, fleet.limits.seconds
        self._objective = objective
        self._under_way: dict[int, None] = {}
        self._ended: list[tuple[int, Outcome]] = []
        self._config: Mapping[str, Json] = {
            "task": task,
            "path": [entry or os.getcwd() for entry in sys.path],
            "device": fleet.device,
            **asdict(fleet.limits),
        }
        self._threads = fleet.threads or max(1, (os.cpu_count() or 1) // fleet.slots)
        self._read = b""
        self._nursery = self._started()

    # ---------------------------------------------------------------- what the loop asks
    def start(self, job: Job) -> None:
        """Hand a job to a worker."""
        try:
            entry = entry_of(job)
        except (ValueError, CompileError) as error:
            self._ended.append((job.number, Outcome(reason=f"{type(error).__name__}: {error}"[:LONGEST_REASON])))
            return
        self.begin(job.number, entry)

    def begin(self, number: int, entry: Mapping[str, Json]) -> None:
        """Hand what `entry_of` says of a job to a worker."""
        self._under_way[number] = None
        try:
            self._send(entry)
        except OSError:
            self._lose()

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return which jobs have ended since; wait for one at most `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self._ended and self._under_way:
            left = None if end is None else max(0.0, end - time.monotonic())
            entries = self._answers(left)
            if entries is None:
                self._lose()
            for entry in entries or ():
                self._take(entry)
            if not entries and left == 0.0:
                break
        found, self._ended = self._ended, []
        return found

    def close(self) -> None:
        """End all that is under way, and every process."""
        self._under_way.clear()
        self._stop()

    # ---------------------------------------------------------------- the process that forks
    def _started(self) -> "subprocess.Popen[bytes]":
        threads = {name: str(self._threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self._read = b""
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "archc.search.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **threads},
            start_new_session=True,
        )
        try:
            self._send(self._config)
            answers = self._first()
        except OSError as error:
            self._stop()
            raise WorkerError(f"no worker could be started: {error}") from error
        match answers:
            case {"ready": True}:
                return self._nursery
            case {"broken": str() as why}:
                self._stop()
                raise WorkerError(why)
            case _:
                self._stop()
                raise WorkerError(f"the task was not made within {START:.0f} s, or ended the process that made it")

    def _first(self) -> Mapping[str, object] | None:
        end = time.monotonic() + START
        while time.monotonic() < end:
            answers = self._answers(end - time.monotonic())
            if answers is None:
                return None
            if answers:
                return answers[0]
        return None

    def _send(self, entry: Mapping[str, Json]) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(json.dumps(entry).encode() + b"\n")
        self._nursery.stdin.flush()

    def _answers(self, timeout: float | None) -> list[Mapping[str, object]] | None:
        """Return what came within a time; None where the other side is gone."""
        assert self._nursery.stdout is not None
        handle = self._nursery.stdout.fileno()
        if not select.select([handle], [], [], timeout)[0]:
            return []
        data = os.read(handle, 1 << 16)
        if not data:
            return None
        *lines, self._read = (self._read + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _take(self, entry: Mapping[str, object]) -> None:
        match entry:
            case {"number": int() as number, "seconds": float() as seconds, **rest} if number in self._under_way:
                del self._under_way[number]
                match rest:
                    case {"metrics": Mapping() as metrics}:
                        outcome = judged(metrics, self._objective, seconds)
                    case _:
                        outcome = Outcome(reason=str(rest.get("reason", "no reason was given")), seconds=seconds)
                self._ended.append((number, outcome))

    def _lose(self) -> None:
        """All that was under way is to be tried again, by new workers."""
        lost = Outcome(reason="its worker was lost", retry=True)
        self._ended.extend((number, lost) for number in self._under_way)
        self._under_way.clear()
        self._stop()
        self._nursery = self._started()

    def _stop(self) -> None:
        """End the process that forks, which ends all that it forked."""
        nursery = self._nursery
        with suppress(OSError):
            if nursery.stdin is not None:
                nursery.stdin.close()
        try:
            nursery.wait(END)
        except subprocess.TimeoutExpired:
            nursery.kill()
            nursery.wait()
        if nursery.stdout is not None:
            nursery.stdout.close()
