"""A million inputs by chance into every entry point: `python benchmarks/soak_text.py` prints what became of them."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from entries import Tally, Wrong, decoded, feed  # type: ignore[import-not-found]  # the tests are no package
from mangle import texts  # type: ignore[import-not-found]  # the same

CHUNK = 1000
FIRST = 10**6
"""The first seed, beyond those of `make test`."""


@dataclass(slots=True)
class Total:
    """What became of all inputs, and what went wrong."""

    inputs: int = 0
    checked: int = 0
    built: int = 0
    slowest: float = 0.0
    slowest_name: str = ""
    codes: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Feed the inputs, print a paragraph on them, and return 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10**6)
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    before = time.monotonic()
    total = Total()
    starts = range(chosen.first, chosen.first + chosen.inputs, CHUNK)
    with ProcessPoolExecutor(chosen.jobs, max_tasks_per_child=20) as pool:
        for number, done in enumerate(as_completed([pool.submit(_chunk, start) for start in starts]), 1):
            _add(total, *done.result())
            if number % 50 == 0:
                print(f"{number * CHUNK:,} inputs, {len(total.wrong)} wrong", file=sys.stderr, flush=True)
    print(_told(total, time.monotonic() - before))
    return 1 if total.wrong else 0


def _chunk(start: int) -> tuple[Tally, list[str]]:
    tally, wrong = Tally(), []
    for name, data in texts(start, CHUNK):
        text = decoded(data)
        try:
            if text is None:
                tally.inputs += 1
            else:
                feed(name, text, tally)
        except Wrong as found:
            wrong.append(str(found))
    return tally, wrong


def _add(total: Total, tally: Tally, wrong: list[str]) -> None:
    total.inputs += tally.inputs
    total.checked += tally.checked
    total.built += tally.built
    total.codes |= tally.codes
    total.wrong += wrong
    if tally.slowest > total.slowest:
        total.slowest, total.slowest_name = tally.slowest, tally.slowest_name


def _told(total: Total, seconds: float) -> str:
    right = f"{total.checked:,} programs were right, {total.built:,} networks were built and written"
    slowest = f"The slowest took {total.slowest:.2f} s ({total.slowest_name})."
    lines = [
        f"{total.inputs:,} inputs in {seconds / 60:.0f} min: {right}, {len(total.codes)} codes were given.",
        slowest,
        f"{len(total.wrong)} went wrong.",
        *total.wrong[:40],
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
