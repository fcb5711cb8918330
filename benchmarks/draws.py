"""Draws a second from the forests of two spaces, up to derivations of which each edge can be read."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from statistics import median

from figures import Figure

from archc.runtime.derivations.draw import By, Sampler
from archc.runtime.derivations.unique import draw_distinct
from archc.spaces.forest import Forest, Site, forest_of

ROUNDS = 5

CELL = {"OPS": ("",) * 5, "CELL": ("OPS " * 6,)}
"""The cell of NAS-Bench-201 (Dong & Yang, ICLR 2020): the arms of each symbol, as the symbols in them."""

HIERARCHY = {
    **dict.fromkeys(("ACT", "CONV", "NORM"), ("", "", "")),
    "CONVBLOCK": ("ACT CONV NORM",),
    "OPS": ("", "", "CONVBLOCK", "CONVBLOCK", ""),
    "CELL": ("OPS " * 6,),
    "C": ("CELL CELL", "CELL CELL CELL", "CELL CELL CELL"),
    "DOWN": ("CELL", "CELL CELL", "CELL"),
    "D0": ("C C CELL", "C C C CELL", "C C CELL CELL"),
    "D1": ("C C DOWN", "C C C DOWN", "C C DOWN DOWN"),
    "D2": ("D1 D1 D0", "D0 D1 D1", "D1 D1 D0 D0"),
}
"""Hierarchical NAS-Bench-201 (Schrodi et al., NeurIPS 2023); the last symbol is the first to be derived."""


def forest(grammar: Mapping[str, Sequence[str]]) -> Forest:
    """Return the forest of a grammar whose arms are as likely."""
    numbers = {name: number for number, name in enumerate(grammar)}
    sites = [Site(tuple(arms), (1 / len(arms),) * len(arms)) for arms in grammar.values()]
    rows = [
        [([(number, arm)], [numbers[name] for name in symbols.split()]) for arm, symbols in enumerate(arms)]
        for number, arms in enumerate(grammar.values())
    ]
    return forest_of(rows, sites, len(rows) - 1)


def draw_figures() -> list[Figure]:
    """Return the microseconds of the processor for each draw: the tables are made before, as a search draws for long."""
    found: list[Figure] = []
    for name, grammar, n, bound in (
        ("NB201 cell", CELL, 100_000, 5.0),
        ("hierarchical NB201", HIERARCHY, 2_000, 100.0),
    ):
        derived = forest(grammar)
        ways: tuple[By, ...] = ("weights", "count")
        for by in ways:
            sampler = Sampler(derived, by)
            nodes = len(sampler.batch(Random(0), n).edges) / n
            note = f"{nodes:.0f} nodes a draw"
            found.append(_figure(f"{name} by {by}, batches", bound, n, note, partial(_batch, sampler, n)))
            found.append(_figure(f"{name} by {by}, one by one", None, n // 10, note, partial(_draws, sampler, n // 10)))
        few = min(n, 1_000)
        found.append(_figure(f"{name}, none twice", None, few, "", partial(draw_distinct, derived, Random(0), few)))
    return found


def _figure(name: str, bound: float | None, n: int, note: str, work: Callable[[], object]) -> Figure:
    seconds: list[float] = []
    work()
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    each = median(seconds) / n
    return Figure(name, each * 1e6, bound, "µs", f"{1 / each:,.0f} draws a second{note and '; ' + note}")


def _batch(sampler: Sampler, n: int) -> None:
    for derivation in sampler.batch(Random(1), n):
        assert derivation.edges


def _draws(sampler: Sampler, n: int) -> None:
    rng = Random(1)
    for _ in range(n):
        assert sampler.draw(rng).edges


def main() -> int:
    """Measure and print; return 1 when a figure is not met."""
    figures = draw_figures()
    print("\n".join(figure.row() for figure in figures))
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
