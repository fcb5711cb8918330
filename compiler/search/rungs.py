"""The fidelities of a search that stops most of its trials early, and what stands on each."""

from bisect import bisect_left, insort
from heapq import heappop, heappush

from archc.search.protocol import History, Trial


def fidelities(eta: int, rungs: int) -> list[float]:
    """Return the share of the full budget on each rung, ascending to 1. Raises ValueError on fewer than 2 of either."""
    if eta < 2 or rungs < 2:
        raise ValueError(f"expected eta and rungs of at least 2, found eta={eta}, rungs={rungs}")
    return [1.0 / eta**step for step in range(rungs - 1, -1, -1)]


class Rung:
    """The trials that ended at one fidelity, and those of them that were not promoted, the best first.

    Trials without metrics stand at its end; one that is the same as another stands nowhere.
    """

    def __init__(self, history: History, following: float) -> None:
        self._history, self._following = history, following
        self._all: list[tuple[float, int]] = []
        self._left: list[tuple[float, int]] = []

    def enter(self, trial: Trial) -> None:
        """Let a trial stand here."""
        if trial.same_as is None:
            entry = (-self._history.score(trial), trial.number)
            insort(self._all, entry)
            if trial.done:
                heappush(self._left, entry)

    def best(self, share: float = 1.0) -> int | None:
        """Return the best trial that was not promoted, if it is among this share of all; None where there is none."""
        while self._left and self._history.seen(self._history.member(self._left[0][1]), self._following):
            heappop(self._left)
        if not self._left or bisect_left(self._all, self._left[0]) >= int(len(self._all) * share + 1e-9):
            return None
        return self._left[0][1]
