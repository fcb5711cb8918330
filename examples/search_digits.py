"""Networks for handwritten digits: evolution beside random search, over several seeds, in child processes.

`python examples/search_digits.py` runs 200 trials a search; `--trials 30 --seeds 3 --epochs 5` is a small one. It prints rows
for examples/README.md: what each strategy found beside random search of the same seed, and relative to the mean of random
networks (Yang, Esperança and Carlucci, "NAS Evaluation is Frustratingly Hard", ICLR 2020), and how well zero-cost proxies
rank what was trained.
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

MINUTES = 10.0
"""A search ends here, however many trials it had."""

BEST = 10
"""So many of the best by validation say more of a search than its best alone."""


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

    def tests(self) -> float:
        """Return the mean test accuracy of its best networks by validation."""
        done = sorted((trial for trial in self.history if trial.done), key=self.history.score, reverse=True)
        return mean(trial.metrics["test_accuracy"] for trial in done[:BEST])


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
    """Return the cells of digits.arch, or of einspace what takes 5 MFLOPs at most, with four types at a mention inside itself."""
    if name == "cells":
        return archc.load(HERE / "digits.arch")["DigitNet"].space(at="[1, 8, 8]")
    return (
        archc.load(HERE / "einspace.arch")["Net"].space(at="[1, 8, 8]", most_types=4, classes=10).where("flops <= 5M")
    )


def search(space: Space, strategy: str, settings: dict[str, Json], size: tuple[int, int, int, int]) -> Found:
    """Return what a search of one seed found; it is kept in build/digits, where a search that was broken off goes on."""
    seed, trials, epochs, many = size
    name = f"digits:{epochs}"
    wanted = Search(
        space, OBJECTIVE, strategy, settings, seed=seed, evaluations=trials, seconds=60 * MINUTES, ahead=many
    )
    store, saved = _opened(BUILT / f"{space.name}-{strategy}-{seed}-{epochs}.archdb", about(wanted, name))
    limits = WorkerLimits(seconds=60.0, memory=2 * 2**30)
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
    rivals = {entry.seed: entry for entry in found if entry.strategy == "random"}
    print(
        f"\n| search | trials | validation of the best | its test accuracy | over the mean network | test of {BEST} best | more than random | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|")
    spread = _over([trial.metrics["test_accuracy"] for trial in drawn])
    print(f"| a random network | {len(drawn)} | {_over([t.metrics['accuracy'] for t in drawn])} | {spread} | | | | |")
    for strategy in dict.fromkeys(entry.strategy for entry in found):
        own = [entry for entry in found if entry.strategy == strategy]
        tests = [entry.best.metrics["test_accuracy"] for entry in own]
        valid = _over([entry.best.metrics["accuracy"] for entry in own])
        gain = _over([100.0 * (test - base) / base for test in tests], 2)
        ahead = [100.0 * (entry.tests() - rivals[entry.seed].tests()) for entry in own if entry.seed in rivals]
        more = "" if strategy == "random" else f"{_over(ahead, 2)} points"
        trials, seconds = mean(len(entry.history) for entry in own), mean(entry.seconds for entry in own)
        rest = f"{gain} % | {_over([entry.tests() for entry in own])} | {more} | {seconds:.0f} |"
        print(f"| {strategy} | {trials:.0f} | {valid} | {_over(tests)} | {rest}")


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
