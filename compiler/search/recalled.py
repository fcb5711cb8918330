"""An evaluator that first looks what other searches found: what they evaluated is not evaluated again."""

from collections.abc import Callable, Mapping, Sequence

from archc.search.jobs import Evaluator, Job
from archc.search.protocol import Metrics, Objective, Outcome, Proposal, Trial

Known = Mapping[tuple[str, float], Metrics]
"""What is known of an identity at a fidelity."""


def known_of(trials: Sequence[Trial], objective: Objective) -> Known:
    """Return the results among the trials of another search that have all metrics of an objective."""
    found = [trial for trial in trials if trial.done and trial.identity and objective.lack(trial.metrics) is None]
    return {(trial.identity, trial.fidelity): trial.metrics for trial in found}


class Recalled:
    """Hands jobs to another evaluator unless their result is known; such a result took no time and keeps its metrics."""

    def __init__(self, inner: Evaluator, known: Known, identify: Callable[[Proposal], str]) -> None:
        self.slots, self.seconds = inner.slots, inner.seconds
        self._inner, self._known, self._identify = inner, known, identify
        self._ended: list[tuple[int, Outcome]] = []

    def start(self, job: Job) -> None:
        """Begin an evaluation, or end it at once."""
        metrics = self._known.get((self._identify(Proposal(job.member, job.fidelity)), job.fidelity))
        if metrics is None:
            self._inner.start(job)
        else:
            self._ended.append((job.number, Outcome(metrics)))

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return which jobs have ended since; wait for one at most `timeout` seconds where none was known."""
        found, self._ended = self._ended, []
        return found or self._inner.wait(timeout)

    def close(self) -> None:
        """End all that is under way."""
        self._inner.close()
