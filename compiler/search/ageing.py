"""A population of the last trials: parents are the best of a few of it, and where it has been stuck for long it begins anew.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019).
"""

from collections import deque
from random import Random

from archc.search.protocol import History, Json, Trial


class Ageing:
    """Keeps the last `size` trials that ended; a parent is the best of `sample` of them.

    Where `patience` populations in a row brought nothing better, it begins anew: in a space that mentions itself, what is decided
    at the top is seldom changed later on.
    """

    def __init__(self, history: History, *, size: int, sample: int, patience: int) -> None:
        if not 1 <= sample <= size or patience < 1:
            found = f"population={size}, sample={sample}, patience={patience}"
            raise ValueError(f"expected 1 <= sample <= population, and patience of at least 1, found {found}")
        self._history = history
        self._size, self._sample, self._patience = size, sample, patience * size
        self._population: deque[int] = deque(maxlen=size)
        self._begun = 0
        self._best: int | None = None
        self._vain = 0

    def begins(self) -> bool:
        """Return whether what is asked now has to be a start, and count it as one."""
        if self._begun < self._size or not self._population:
            self._begun += 1
            return True
        return False

    def parent(self, rng: Random) -> int:
        """Return the number of a trial to vary."""
        drawn = rng.sample(self._population, min(self._sample, len(self._population)))
        return max(drawn, key=lambda number: self._history.score(self._history[number]))

    def tell(self, trial: Trial) -> None:
        """Let a trial that has metrics in; the oldest leaves, or all do where none was better for long."""
        if not trial.done:
            return
        self._population.append(trial.number)
        self._vain += 1
        if self._best is None or self._history.score(trial) > self._history.score(self._history[self._best]):
            self._best, self._vain = trial.number, 0
        if self._vain == self._patience:
            self._population.clear()
            self._begun, self._best, self._vain = 0, None, 0

    def state(self) -> Json:
        """Return how many starts were asked, the best since then, how long ago it was, and the population, the oldest first."""
        return [self._begun, self._best, self._vain, *self._population]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as begun, None | int() as best, int() as vain, *numbers] if len(numbers) <= self._size:
                self._begun, self._best, self._vain = begun, best, vain
                self._population = deque((n for n in numbers if isinstance(n, int)), self._size)
            case _:
                raise ValueError(f"expected a population of at most {self._size}, found {state!r}")
