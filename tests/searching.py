"""Tasks that the tests of search name: one that counts, and those that do what a task must never do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from archc.search.tasks.base import Budget, Candidate, Direction, Recipe

if TYPE_CHECKING:
    import torch


def decisions(key: str) -> list[int]:
    """Return the numbers of a key."""
    return [int(word) for word in key.split() if word.isdecimal()]


class Digits:
    """Reads a member as a number: its decisions, of which later ones count more."""

    metrics: Mapping[str, Direction] = {"sum": "maximize", "ones": "minimize"}
    quick = True

    def read(self, candidate: Candidate, budget: Budget) -> Mapping[str, float]:
        """Return the sum of the decisions by place, and how many are 1."""
        value = self.read_key(candidate.key)
        return {"sum": value * budget.share, "ones": float(decisions(candidate.key).count(1))}

    def read_key(self, key: str) -> float:
        """Return the sum of the decisions of a key by place."""
        return float(sum(digit * (place + 1) for place, digit in enumerate(decisions(key))))

    def identity(self, candidate: Candidate) -> str:
        """Return the key: no two members are one."""
        return candidate.key


class Quickest(Digits):
    """The same from a worker, at once."""

    quick = False


class Slow(Digits):
    """The same from a worker, and not at once."""

    quick = False

    def read(self, candidate: Candidate, budget: Budget) -> Mapping[str, float]:
        """Return the same behind a little while."""
        time.sleep(0.01 + sum(decisions(candidate.key)) % 3 / 100)
        return super().read(candidate, budget)


class Faulty:
    """Does the one of `FAULTS` that its seed numbers."""

    metrics: Mapping[str, Direction] = {"params": "maximize"}

    def fit(self, module: object, recipe: Recipe, budget: Budget) -> Mapping[str, float]:
        """Do it."""
        return list(FAULTS.values())[budget.seed]()


class Hanging:
    """Does the same as a reader, so that no torch is loaded for it."""

    metrics: Mapping[str, Direction] = {"params": "maximize"}
    quick = False

    def read(self, candidate: Candidate, budget: Budget) -> Mapping[str, float]:
        """Do it."""
        return list(FAULTS.values())[budget.seed]()

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


class Killer:
    """Ends the process that forked it for the first member of all, a little late; else it does well."""

    metrics: Mapping[str, Direction] = {"params": "maximize"}
    quick = False

    def read(self, candidate: Candidate, budget: Budget) -> Mapping[str, float]:
        """Do it."""
        if not any(decisions(candidate.key)):
            time.sleep(0.3)
            return patricide()
        return well()

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


class Weights:
    """Sums the weights of a module, which are those of its seed."""

    metrics: Mapping[str, Direction] = {"params": "maximize", "sum": "maximize"}

    def fit(self, module: "torch.nn.Module", recipe: Recipe, budget: Budget) -> Mapping[str, object]:
        """Return how many weights there are as a number of torch, and their sum with some chance of other kinds."""
        import random

        import numpy as np
        import torch

        weights = list(module.parameters())
        chance = random.random() + np.random.rand() + torch.rand(()).item()
        total = sum(weight.abs().sum() for weight in weights) + chance
        return {"params": torch.tensor(sum(weight.numel() for weight in weights)), "sum": total}


class Reading:
    """Returns what the recipe says."""

    metrics: Mapping[str, Direction] = {"epochs": "maximize"}

    def fit(self, module: object, recipe: Recipe, budget: Budget) -> Mapping[str, object]:
        """Return it."""
        train, tags = recipe["train"], recipe["tags"]
        assert isinstance(train, Mapping) and isinstance(tags, list)
        return {**train, "tags": len(tags)}


def memory() -> Mapping[str, float]:
    """Take more and more memory."""
    kept = []
    while True:
        kept.append(bytearray(b"x") * (64 * 2**20))


def tensor() -> Mapping[str, float]:
    """Take more memory than there is, at once."""
    import torch

    return {"params": float(torch.zeros(2**40).sum())}


def sleep() -> Mapping[str, float]:
    """Sleep for good."""
    while True:
        time.sleep(1000)


def spin() -> Mapping[str, float]:
    """Work for good."""
    while True:
        pass


def stop() -> Mapping[str, float]:
    """Stop its own process."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return sleep()


def deaf() -> Mapping[str, float]:
    """Hear no signal, and sleep."""
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    return sleep()


def lock() -> Mapping[str, float]:
    """Wait for a lock that nobody gives back, in C."""
    import threading

    held = threading.Lock()
    held.acquire()
    held.acquire()
    return {}


def daemon() -> Mapping[str, float]:
    """Leave processes behind in sessions of their own, then end well."""
    for _ in range(3):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", MARK], start_new_session=True)
    return {"params": 1.0}


def family() -> Mapping[str, float]:
    """Leave a process behind and hang."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", MARK])
    return sleep()


def crash() -> Mapping[str, float]:
    """End by a signal of the processor."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def leave() -> Mapping[str, float]:
    """End without an answer."""
    print("the last words")
    sys.stdout.flush()
    os._exit(3)


def talk() -> Mapping[str, float]:
    """Write without end."""
    while True:
        os.write(1, b"x" * 65536)


def boast() -> Mapping[str, float]:
    """Return far too many metrics."""
    return {f"metric {number}": 1.0 for number in range(70_000)}


def nan() -> Mapping[str, float]:
    """Return what is no number."""
    return {"params": float("nan")}


def nothing() -> Mapping[str, float]:
    """Return no metric."""
    return {}


def refuse() -> Mapping[str, float]:
    """Raise."""
    raise ValueError("no luck today")


def patricide() -> Mapping[str, float]:
    """End the process that forked it."""
    os.kill(os.getppid(), signal.SIGKILL)
    return sleep()


def well() -> Mapping[str, float]:
    """Do as it should."""
    return {"params": 1.0}


MARK = "archc-test-stray"

FAULTS = {
    entry.__name__: entry
    for entry in (memory, tensor, sleep, spin, stop, deaf, lock, daemon, family, crash, leave, talk)
    + (boast, nan, nothing, refuse, patricide, well)
}
