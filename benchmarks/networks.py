"""Compiled networks against plain torch ones: speed side by side, memory in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

import torch
from figures import Figure, ratio
from plain import JOINED, PLAIN, adopt
from torch import Tensor, nn

import archc

EXAMPLES = Path(__file__).parent.parent / "examples"
TIME_BOUND, MEMORY_BOUND, TEXT_BOUND = 1.03, 1.02, 0.5
Side = Literal["archc", "plain"]


@dataclass(frozen=True, slots=True)
class Network:
    """One network of the benchmark and the input that it is timed on."""

    name: str
    file: str
    at: tuple[int, ...]
    batch: int
    training_batch: int

    def input(self, batch: int) -> Tensor:
        """Return a batch of the same pictures or tokens each time."""
        torch.manual_seed(0)
        shape = (batch, *self.at)
        return torch.randint(50257, shape) if len(self.at) == 1 else torch.rand(shape)

    def module(self, side: Side, device: str = "cpu") -> nn.Module:
        """Return the compiled network or its plain twin."""
        if side == "plain":
            return PLAIN[self.name]()
        at = f"Id(50257)[{self.at[0]}]" if len(self.at) == 1 else self.at
        return archc.load(EXAMPLES / self.file)[self.name].module(at=at, device=device)


NETWORKS = (
    Network("ResNet18", "resnet18.arch", (3, 224, 224), 4, 24),
    Network("ViTTiny", "vit_tiny.arch", (3, 224, 224), 8, 24),
    Network("Gpt2Small", "gpt2_small.arch", (128,), 1, 4),
)


def speed_figures(network: Network, rounds: int) -> list[Figure]:
    """Return forward, and forward and backward, of the compiled network by those of its twin, in turns.

    A transformer is also timed beside a twin that joins its three projections: it has other weights, so nothing is
    promised of it.
    """
    ours, theirs = network.module("archc"), network.module("plain")
    figures = _beside(network, ours, theirs, rounds, bound=TIME_BOUND)
    if network.name in JOINED:
        joined = _beside(network, ours, JOINED[network.name](), rounds, bound=None)
        figures += [replace(figure, name=f"{figure.name}, by joined projections") for figure in joined]
    return figures


def _beside(network: Network, ours: nn.Module, theirs: nn.Module, rounds: int, *, bound: float | None) -> list[Figure]:
    x = network.input(network.batch)
    gap = _gap(ours, theirs, x)
    figures = []
    for title, mode, run in (("forward", False, _forward), ("forward and backward", True, _both)):
        times = _turns(run, ours.train(mode), theirs.train(mode), x, rounds)
        shown = " by ".join(f"{median(kept) * 1e3:.1f} ms" for kept in times)
        note = f"{shown}, batch {network.batch}; outputs differ by {gap:.0e}"
        figures.append(Figure(f"{network.name}, {title}", ratio(*times), bound, "times", note))
    return figures


def _turns(
    run: Callable[[nn.Module, Tensor], None], ours: nn.Module, theirs: nn.Module, x: Tensor, rounds: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of each turn of `ours` and of `theirs`; two turns to warm up are not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 2):
        pairs = ((times[0], ours), (times[1], theirs))
        for kept, net in pairs if turn % 2 else pairs[::-1]:
            took = _timed(run, net, x)
            if turn > 1:
                kept.append(took)
    return times


def memory_figure(network: Network) -> Figure:
    """Return the peak memory of one training step of the compiled network by that of its twin, each in a process."""
    peaks = {side: median(_child_peak(network.name, side) for _ in range(3)) for side in ("archc", "plain")}
    note = f"{peaks['archc']:.0f} MB by {peaks['plain']:.0f} MB, batch {network.training_batch}, two training steps"
    return Figure(f"{network.name}, peak memory", peaks["archc"] / peaks["plain"], MEMORY_BOUND, "times", note)


def text_figure() -> Figure:
    """Return how long GPT-2 small takes from text to a module on meta, in a process that has imported torch."""
    command = [sys.executable, __file__, "text"]
    runs = [json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(7)]
    processor, clock, again = (median(run[at] for run in runs) for at in range(3))
    note = f"of the processor, first use in a process; by the clock {clock:.2f} s; a second time {again:.2f} s"
    return Figure("GPT-2 small, text to module on meta", processor, TEXT_BOUND, note=note)


def _gap(ours: nn.Module, theirs: nn.Module, x: Tensor) -> float:
    """Give both the same weights and return how far their outputs differ, by the size of the outputs."""
    ours.eval(), theirs.eval()
    with torch.no_grad():
        adopt(theirs, dict(ours.state_dict()))
        ours_out, theirs_out = ours(x), theirs(x)
    gap = float((ours_out - theirs_out).abs().max() / theirs_out.abs().max())
    assert gap < 1e-4, gap
    return gap


def _timed(run: Callable[[nn.Module, Tensor], None], net: nn.Module, x: Tensor) -> float:
    start = time.process_time()
    run(net, x)
    return time.process_time() - start


def _forward(net: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        net(x)


def _both(net: nn.Module, x: Tensor) -> None:
    net.zero_grad()
    net(x).float().mean().backward()


def _child_peak(name: str, side: str) -> float:
    command = [sys.executable, __file__, "memory", name, side]
    # glibc gives back at once what is freed: else the peak is as much about how its heap fell into pieces
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def _peak(name: str, side: Side) -> float:
    network = next(entry for entry in NETWORKS if entry.name == name)
    net = network.module(side).train()
    for _ in range(2):
        _both(net, network.input(network.training_batch))
    # ru_maxrss would do on macOS; on Linux a child begins with what its parent had
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def _text_seconds() -> tuple[float, float, float]:
    """Return seconds of the processor and of the clock, and those of the processor when it is done again."""
    nn.Linear(2, 2, device="meta")
    clock, processor = time.perf_counter(), time.process_time()
    NETWORKS[2].module("archc", device="meta")
    first, middle = time.perf_counter() - clock, time.process_time()
    NETWORKS[2].module("archc", device="meta")
    return middle - processor, first, time.process_time() - middle


if __name__ == "__main__":
    torch.set_num_threads(1)
    match sys.argv[1:]:
        case ["memory", name, "archc" | "plain" as side]:
            print(_peak(name, side))
        case ["text"]:
            print(json.dumps(_text_seconds()))
