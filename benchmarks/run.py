"""`make bench`: every figure that archc promises, both sides in one run -> docs/benchmarks.md."""

import argparse
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from cold import length_figures, start_figures
from figures import Figure

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """\
# Figures

Written by `make bench`. Both sides of a ratio run in one process, in turns, one thread, and the ratio is the median over
{rounds} rounds of processor seconds; memory is the peak of a process of its own. The plain side is `benchmarks/plain.py`. {machine}
"""


def main() -> int:
    """Measure, print and write the page; return 1 when a figure is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each side")
    parser.add_argument(
        "--only", choices=("start", "torch", "decode", "spaces", "search"), help="measure a part, and write nothing"
    )
    chosen = parser.parse_args()
    sections: list[tuple[str, list[Figure]]] = []
    if chosen.only in (None, "start"):
        sections.append(("Start and check", _told(start_figures() + length_figures())))
    if chosen.only in (None, "torch"):
        sections += _torch_sections(chosen.rounds)
    if chosen.only in (None, "decode"):
        sections.append(("Decoding", _decode_section()))
    if chosen.only in (None, "spaces"):
        sections.append(("Spaces", _told(_space_figures())))
    if chosen.only in (None, "search"):
        sections.append(("Search", _told(_search_figures())))
    if chosen.only is None:
        PAGE.write_text(_page(sections, chosen.rounds), encoding="utf-8")
        print(f"written to {PAGE.name}")
    return 0 if all(figure.met for _, figures in sections for figure in figures) else 1


def _torch_sections(rounds: int) -> list[tuple[str, list[Figure]]]:
    import torch
    from networks import NETWORKS, memory_figure, speed_figures, text_figure

    torch.set_num_threads(1)
    speed = [figure for network in NETWORKS for figure in _told(speed_figures(network, rounds))]
    memory = [_told([memory_figure(network)])[0] for network in NETWORKS]
    return [("Speed, by a plain torch module", speed), ("Memory", memory), ("Compiling", _told([text_figure()]))]


def _decode_section() -> list[Figure]:
    import torch
    from decode import decode_figures

    torch.set_num_threads(1)
    return _told(decode_figures())


def _space_figures() -> Iterator[Figure]:
    from draws import draw_figures
    from spaces import space_figures

    yield from space_figures()
    yield from draw_figures()


def _search_figures() -> Iterator[Figure]:
    from search import search_figures

    yield from search_figures()


def _told(figures: Iterable[Figure]) -> list[Figure]:
    found: list[Figure] = []
    for figure in figures:
        print(figure.row(), flush=True)
        found.append(figure)
    return found


def _page(sections: list[tuple[str, list[Figure]]], rounds: int) -> str:
    from importlib.metadata import version

    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}, {date.today()}."
    parts = [HEAD.format(rounds=rounds, machine=machine)]
    for title, figures in sections:
        rows = "\n".join(figure.row() for figure in figures)
        parts.append(f"\n## {title}\n\n| figure | measured | bound | met | |\n|---|---|---|---|---|\n{rows}\n")
    return "".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
