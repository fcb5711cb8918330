"""A million inputs by chance into every entry point -> a row of docs/soak.md: `python benchmarks/soak_text.py`."""

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from entries import Tally, Wrong, decoded, feed  # type: ignore[import-not-found]  # the tests are no package
from mangle import texts  # type: ignore[import-not-found]  # the same

CHUNK = 1000
FIRST = 10**6
"""The first seed, beyond those of `make test`."""

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"
ROW = "`soak_text.py`"
"""What the row in docs/soak.md is called; a run takes the place of the one before."""


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
    """Feed the inputs, print a paragraph on them, note it, and return 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10**6)
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    chosen = parser.parse_args()
    before = time.monotonic()
    total = _fed(range(chosen.first, chosen.first + chosen.inputs, CHUNK), chosen.jobs, before + 60 * chosen.minutes)
    seconds = time.monotonic() - before
    print(_told(total, seconds))
    if not total.wrong:
        _note(total, seconds, chosen.first)
    return 1 if total.wrong else 0


def _fed(starts: range, jobs: int, end: float) -> Total:
    total = Total()
    with get_context("spawn").Pool(jobs, maxtasksperchild=20) as pool:
        for number, done in enumerate(pool.imap_unordered(_chunk, starts), 1):
            _add(total, *done)
            if number % 50 == 0:
                print(f"{number * CHUNK:,} inputs, {len(total.wrong)} wrong", file=sys.stderr, flush=True)
            if time.monotonic() > end:
                break
    return total


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


def _note(total: Total, seconds: float, first: int) -> None:
    """Write the row into the page of the long tests, if those have written it before."""
    if not PAGE.exists():
        return
    seen = (
        f"{total.inputs:,} inputs from seed {first:,}: {total.checked:,} programs were right, "
        f"{total.built:,} networks were built and written, {len(total.codes)} codes were given; "
        f"the slowest took {total.slowest:.2f} s; 0 went wrong"
    )
    kept = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if not line.startswith(f"| {ROW} ")]
    PAGE.write_text("\n".join([*kept, f"| {ROW} | {seconds:.0f} s | {seen} |"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
