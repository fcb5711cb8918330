"""Spaces refined, counted and drawn from: seconds of the processor, and how large the process became."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from figures import Figure

import archc
from archc.members import Space

EXAMPLES = Path(__file__).parent.parent / "examples"
PICTURE = (3, 32, 32)
DRAWS = 5_000
PEER = "ARCHC_EINSPACE"
"""The environment variable that names a checkout of einspace's own code (Ericsson et al., NeurIPS 2024)."""

PEER_SECONDS = 60.0


def einspace(depth: int, most_types: int) -> Space:
    """Return einspace at [3, 32, 32] with this limit of depth; 0 types are all."""
    text = (EXAMPLES / "einspace.arch").read_text(encoding="ascii").replace("depth <= 8", f"depth <= {depth}")
    return archc.loads(text)["Root"].space(at=PICTURE, most_types=most_types)


def space_figures() -> Iterator[Figure]:
    """Yield what refining takes, and what a draw takes from the forests that come of it."""
    yield from _bounded(6, 10.0)
    yield from _bounded(20, None)
    yield Figure("peak memory so far", _megabytes(), 1_000, "MB", "einspace six deep is the largest")
    start = time.process_time()
    published = archc.load(EXAMPLES / "hierarchical_nb201.arch")["Published"].space(at=PICTURE)
    yield Figure(
        "refine hierarchical NB201", time.process_time() - start, 1.0, note=f"{published.forest.edges:,} edges"
    )
    yield _draws("hierarchical NB201", published, 100.0, 2_000)
    cell = archc.load(EXAMPLES / "nasbench201.arch")["Cell"].space(at=(16, 32, 32), c=16)
    yield _draws("NAS-Bench-201 cell", cell, 5.0, 100_000)
    start = time.process_time()
    exact = einspace(2, 0)
    taken = time.process_time() - start
    note = f"{exact.count():,} derivations, {len(exact.types()):,} output types, {exact.forest.edges:,} edges"
    yield Figure("refine einspace two deep, exactly", taken, 2.0, note=note)


def _bounded(depth: int, bound: float | None) -> Iterator[Figure]:
    start = time.process_time()
    space = einspace(depth, 16)
    taken = time.process_time() - start
    forest = space.forest
    note = f"16 types at the root, {forest.edges:,} edges; at most {space.lost:.0%} of the weight is lost"
    yield Figure(f"refine einspace {depth} deep, bounded", taken, bound, note=note)
    # the peer: 8.5 well-formed draws a second at depth 6, 26 % of them ill-typed (one thread, its own sampler)
    ours = _draws(f"einspace {depth} deep", space, 1e6 / (100 * 8.5 * 0.74), DRAWS)
    yield ours
    if PEER in os.environ:
        yield _beside(depth, space, ours.value, os.environ[PEER])


def _beside(depth: int, space: Space, batched: float, checkout: str) -> Figure:
    """Return our microseconds a draw, drawn one by one as the peer draws, beside a hundredth of the peer's."""
    run = [sys.executable, str(Path(__file__).with_name("peer.py")), checkout, str(depth), str(PEER_SECONDS)]
    done = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True)
    _, drawn, sound, seconds = done.stdout.split()
    theirs = float(seconds) / int(sound) * 1e6
    sampler = space.sampler()
    rng = Random(2)
    start = time.process_time()
    for _ in range(DRAWS):
        assert sampler.draw(rng).edges
    ours = (time.process_time() - start) / DRAWS * 1e6
    note = (
        f"{theirs / ours:,.0f} times the peer's sound draws a second, {theirs / batched:,.0f} times in batches; "
        f"the peer: {int(sound) / float(seconds):.1f} a second, {sound} of {drawn} sound"
    )
    return Figure(f"einspace {depth} deep beside its own sampler", ours, theirs / 100, "us", note)


def _draws(name: str, space: Space, bound: float, n: int) -> Figure:
    sampler = space.sampler()
    sampler.batch(Random(0), 10)
    start = time.process_time()
    nodes = sum(len(derivation.edges) for derivation in sampler.batch(Random(1), n))
    taken = (time.process_time() - start) / n * 1e6
    return Figure(
        f"a draw from {name}", taken, bound, "us", f"{nodes / n:.0f} nodes, none ill-typed, in batches of {n:,}"
    )


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
