"""What 100,000 trials take, in memory, stored and resumed: `python benchmarks/scale.py [--trials N] [--only NAME]`.

Each search is a process of its own, and says how much memory it had at most and what a trial cost beyond its evaluation.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from figures import Figure

import archc
from archc.members import Space
from archc.search.about import about
from archc.search.findings import evaluated, findings
from archc.search.jobs import Inline
from archc.search.loop import Search, run
from archc.search.protocol import Metrics, Objective, Proposal
from archc.search.reading import read, resume
from archc.search.reports.page import page
from archc.search.store import create
from archc.search.tasks.base import Budget, Candidate
from archc.search.tasks.tabular import Tabular

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
PICTURE = "[3, 32, 32]"
MEGABYTES = 8192.0
OBJECTIVE = Objective.of(maximize=["chance"])
SEARCHES = (
    "hierarchical random",
    "hierarchical evolution",
    "einspace random",
    "einspace evolution",
    "darts cross-entropy",
    "darts evolution stored",
)
"""Space, strategy, and whether each trial is kept: hierarchical NAS-Bench-201 has members of 1,200 decisions."""


def darts() -> Space:
    """Return the cells of DARTS."""
    return archc.load(EXAMPLES / "darts.arch")["Cell"].space(at="(p: [8, 8, 8], q: [8, 8, 8])", c=8)


def einspace() -> Space:
    """Return einspace six deep."""
    text = (EXAMPLES / "einspace.arch").read_text(encoding="ascii").replace("depth <= 8", "depth <= 6")
    return archc.loads(text)["Root"].space(at=PICTURE)


def hierarchical() -> Space:
    """Return hierarchical NAS-Bench-201."""
    return archc.load(EXAMPLES / "hierarchical_nb201.arch")["Typed"].space(at=PICTURE)


SPACES: Mapping[str, Callable[[], Space]] = {
    "darts": darts,
    "einspace": einspace,
    "hierarchical": hierarchical,
}


class Chance:
    """An evaluation that takes no time: what is measured is all around it."""

    metrics = Tabular.metrics
    quick = True

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return a number that depends on all decisions."""
        return {"chance": int.from_bytes(blake2b(candidate.key.encode(), digest_size=6).digest()) / 2**48}

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


def searched(name: str, trials: int) -> Iterator[Figure]:
    """Yield what one of SEARCHES takes in this process."""
    space, strategy, *kept = name.split()
    search = Search(SPACES[space](), OBJECTIVE, strategy, evaluations=trials)
    if kept:
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            yield from _stored(name, search, Path(folder) / "scale.archdb")
        return
    begun = time.process_time()
    found = run(search, Inline(Chance(), OBJECTIVE), _key)
    taken = (time.process_time() - begun) / len(found.history) * 1e3
    yield Figure(name, taken, None, "ms", f"{len(found.history):,} trials, of the processor")
    yield Figure(f"{name}, peak memory", megabytes(), MEGABYTES, "MB")


def _stored(name: str, search: Search, path: Path) -> Iterator[Figure]:
    begun, clock = time.process_time(), time.perf_counter()
    with create(path, about(search, "chance")) as store:
        found = run(search, Inline(Chance(), OBJECTIVE), _key, keeper=store)
    many = len(found.history)
    note = f"{many:,} trials, {1e3 * (time.process_time() - begun) / many:.2f} ms of them of the processor"
    yield Figure(name, (time.perf_counter() - clock) / many * 1e3, 15.0, "ms", note)
    yield Figure(f"{name}, peak memory", megabytes(), MEGABYTES, "MB")
    yield Figure(f"{name}, size of the store", path.stat().st_size / 2**20, None, "MB")
    del found
    begun = time.process_time()
    store, contents = resume(path, about(search, "chance"))
    with store:
        more = Search(search.space, OBJECTIVE, search.strategy, evaluations=many + 1)
        run(more, Inline(Chance(), OBJECTIVE), _key, keeper=store, saved=contents.saved)
    yield Figure(f"{name}, resume it", time.process_time() - begun, None, "s", "until one trial more is kept")
    del contents
    begun = time.process_time()
    kept = read(path)
    best = sorted(evaluated(kept.saved.trials), key=lambda trial: -trial.metrics["chance"])[:12]
    page(findings(kept), best, search.space, str(path))
    yield Figure(f"{name}, report of it", time.process_time() - begun, None)
    yield Figure(f"{name}, peak memory of all of that", megabytes(), MEGABYTES, "MB")


def _key(proposal: Proposal) -> str:
    return proposal.member.key


def megabytes() -> float:
    """Return how much memory this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the figures; return 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--only", choices=SEARCHES)
    chosen = parser.parse_args()
    if chosen.only:
        met = True
        for figure in searched(chosen.only, chosen.trials):
            print(figure.row(), flush=True)
            met &= figure.met
        return 0 if met else 1
    words = [sys.executable, __file__, "--trials", str(chosen.trials), "--only"]
    return max(subprocess.run([*words, name], check=False).returncode for name in SEARCHES)


if __name__ == "__main__":
    raise SystemExit(main())
