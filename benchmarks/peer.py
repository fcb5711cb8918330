"""Sound draws of einspace's own sampler, in a process of its own: `python peer.py CHECKOUT DEPTH SECONDS`.

A draw is sound when the network compiles and computes an output. Only drawing is on the clock; what is too large to be
computed here counts as sound. Prints one line: `peer`, then draws that came back, sound ones, and seconds of drawing.
"""

import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from importlib import import_module
from os import devnull
from types import FrameType

import torch

CAP = 5.0
"""Seconds of the processor for one draw."""

MEMORY = 12 << 30
"""Bytes of address space; what needs more is not computed."""

SHAPES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What torch and plain Python raise where shapes do not fit."""


class Late(BaseException):
    """The cap is reached; no handler of exceptions on the way stops this."""


@contextmanager
def capped() -> Iterator[None]:
    """Raise Late in the block once it has had its seconds of the processor."""
    signal.setitimer(signal.ITIMER_PROF, CAP)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _late(number: int, frame: FrameType | None) -> None:
    raise Late


def sound(network: Callable[[], Callable[[torch.Tensor], object]], refusal: type[Exception]) -> bool:
    """Return whether a network compiles, which it may decline by `refusal`, and computes."""
    try:
        with capped(), torch.no_grad():
            network()(torch.randn(1, 3, 32, 32))
    except (Late, MemoryError):
        return True
    except (*SHAPES, refusal) as error:
        return "memory" in str(error)
    return True


def measure(depth: int, seconds: float) -> tuple[int, int, float]:
    """Return how many draws came back, how many of them are sound, and the seconds that drawing took."""
    space = import_module("einspace.search_spaces").EinSpace(
        (1, 3, 32, 32), "im", computation_module_prob=0.32, max_module_depth=depth
    )
    compiler = import_module("einspace.compiler").Compiler()
    refusal = import_module("einspace.utils").ArchitectureCompilationError
    drawn = good = 0
    taken = 0.0
    while taken < seconds:
        start = time.process_time()
        found = None
        try:
            with capped():
                found = space.sample()
        except (Late, MemoryError):
            pass
        taken += time.process_time() - start
        if found is not None:
            drawn += 1
            good += sound(partial(compiler.compile, found), refusal)
    return drawn, good, taken


def main() -> None:
    """Measure, quietly, and print."""
    checkout, depth, seconds = sys.argv[1:]
    sys.path.insert(0, checkout)
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _late)
    with open(devnull, "w", encoding="ascii") as nowhere, redirect_stdout(nowhere):
        drawn, good, taken = measure(int(depth), float(seconds))
    print("peer", drawn, good, taken)


if __name__ == "__main__":
    main()
