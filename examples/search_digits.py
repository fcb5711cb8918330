"""Networks for handwritten digits: evolution beside random search, over several seeds, in child processes.

`python examples/search_digits.py` runs 200 trials a search; `--trials 30 --seeds 3 --epochs 5` is a small one. It prints rows for
examples/README.md: what each strategy found, relative to the mean of random networks (Yang, Esperança and Carlucci, "NAS
Evaluation is Frustratingly Hard", ICLR 2020), and how well zero-cost proxies rank what was trained.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import archc
from archc.members import Space
from archc.search.about import About, about
from archc.search.correlation import agreements, vote
from archc.search.jobs import candidate
from archc.search.loop import Saved, Search, run
from archc.search.protocol import History, Json, Objective, Trial
from archc.search.reading import resume
from archc.search.store import Store, create
from archc.search.tasks.base import Budget, evaluate, task
from archc.search.tasks.proxies import PROXIES
from archc.search.workers import Fleet, WorkerLimits, Workers

HERE = Path(__file__).parent
BUILT = HERE.parent / "build" / "digits"
OBJECTIVE = Objective.of(maximize=["accuracy"])
RANKED = 40
"""How many trained networks the proxies rank at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """One search: its history, and how long its evaluations took, shared out over the workers."""

    strategy: str
    seed: int
    history: History
    seconds: float

    @property
    def best(self) -> Trial:
        """The trial with the best validation accuracy."""
        found = self.history.best()
        assert found is not None, "no trial has metrics"
        return found


def main() -> None:
    """Run the searches and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--space", choices=["cells", "einspace"], default="cells")
    asked = parser.parse_args()
    space = space_of(asked.space)
    small: dict[str, Json] = {"population": 10, "sample": 4} if asked.trials < 100 else {}
    found = [
        search(space, strategy, settings, (seed, asked.trials, asked.epochs, asked.workers))
        for seed in range(asked.seeds)
        for strategy, settings in (("random", {}), ("evolution", small))
    ]
    report(found)
    rank(found)


def space_of(name: str) -> Space:
    """Return the cells of digits.arch, or einspace with the four likeliest types at each mention of a space inside itself."""
    if name == "cells":
        return archc.load(HERE / "digits.arch")["DigitNet"].space(at="[1, 8, 8]")
    return archc.load(HERE / "einspace.arch")["Net"].space(at="[1, 8, 8]", most_types=4, classes=10)


def search(space: Space, strategy: str, settings: dict[str, Json], size: tuple[int, int, int, int]) -> Found:
    """Return what a search of one seed found; it is kept in build/digits, where a search that was broken off goes on."""
    seed, trials, epochs, many = size
    name = f"digits:{epochs}"
    wanted = Search(space, OBJECTIVE, strategy, settings, seed=seed, evaluations=trials, ahead=many)
    store, saved = _opened(BUILT / f"{space.name}-{strategy}-{seed}-{epochs}.archdb", about(wanted, name))
    limits = WorkerLimits(seconds=120.0, memory=2 * 2**30)
    with store:
        workers = Workers(name, OBJECTIVE, Fleet(many, limits, threads=1))
        try:
            history = run(wanted, workers, lambda entry: entry.member.hash, keeper=store, saved=saved).history
        finally:
            workers.close()
    found = Found(strategy, seed, history, sum(trial.seconds for trial in history) / many)
    print(f"{strategy}, seed {seed}: {_line(found.best)} in {found.seconds:.0f} s", flush=True)
    return found


def _opened(path: Path, what: About) -> tuple[Store, Saved]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return create(path, what), Saved()
    store, contents = resume(path, what)
    return store, contents.saved


def _line(trial: Trial) -> str:
    return f"validation {trial.metrics['accuracy']:.4f}, test {trial.metrics['test_accuracy']:.4f} [{trial.key}]"


def report(found: Sequence[Found]) -> None:
    """Print a row for each strategy."""
    drawn = [trial for entry in found if entry.strategy == "random" for trial in entry.history if trial.done]
    base = mean(trial.metrics["test_accuracy"] for trial in drawn)
    print("\n| search | validation of the best | its test accuracy | over the mean network | seconds a search |")
    print("|---|---|---|---|---|")
    spread = _over([trial.metrics["test_accuracy"] for trial in drawn])
    print(
        f"| a random network, mean of {len(drawn)} | {_over([t.metrics['accuracy'] for t in drawn])} | {spread} | | |"
    )
    for strategy in dict.fromkeys(entry.strategy for entry in found):
        own = [entry for entry in found if entry.strategy == strategy]
        tests = [entry.best.metrics["test_accuracy"] for entry in own]
        valid = _over([entry.best.metrics["accuracy"] for entry in own])
        gain = _over([100.0 * (test - base) / base for test in tests], 2)
        seconds = mean(entry.seconds for entry in own)
        print(f"| {strategy} | {valid} | {_over(tests)} | {gain} % | {seconds:.0f} |")


def _over(values: Sequence[float], digits: int = 4) -> str:
    """Return mean and deviation."""
    return f"{mean(values):.{digits}f} ± {stdev(values) if len(values) > 1 else 0.0:.{digits}f}"


def rank(found: Sequence[Found]) -> None:
    """Print how well proxies rank the networks that random search trained."""
    proxy = task("proxy:all:digits")
    pairs = [
        (entry.history.member(trial.number), trial.metrics["accuracy"])
        for entry in found
        if entry.strategy == "random"
        for trial in entry.history
        if trial.done
    ][:RANKED]
    scores = [dict(evaluate(proxy, candidate(member), Budget())) for member, _ in pairs]
    votes = vote(scores, list(PROXIES))
    with_vote = [{**own, "vote": score} for own, score in zip(scores, votes, strict=True)]
    print("\n| proxy | Spearman | Kendall | networks |\n|---|---|---|---|")
    for name, entry in agreements(with_vote, [accuracy for _, accuracy in pairs]).items():
        print(f"| {name} | {entry.spearman:.2f} | {entry.kendall:.2f} | {entry.many} |")


if __name__ == "__main__":
    main()
