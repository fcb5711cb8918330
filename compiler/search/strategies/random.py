"""Random search: members drawn by the weights of the space, or all alike.

The baseline of every comparison (Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search",
UAI 2019; Yang, Esperança and Carlucci, "NAS Evaluation is Frustratingly Hard", ICLR 2020). Weights are those of the space's
own text on condition that a member is well typed; no member comes twice.
"""

from random import Random

from archc.runtime.derivations.draw import By
from archc.search.fresh import unseen
from archc.search.protocol import Context, Json, Proposal, Trial


class Weighted:
    """Draws by the weights of the space."""

    by: By = "weights"

    def __init__(self, context: Context) -> None:
        self._history = context.history

    def ask(self, rng: Random) -> Proposal:
        """Return a member that was not asked yet. Raises Spent where all were."""
        return Proposal(unseen(self._history, rng, by=self.by))

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""

    def state(self) -> Json:
        """Return nothing: what was asked is in the history."""
        return None

    def restore(self, state: Json) -> None:
        """Go on. Raises ValueError on the state of another strategy."""
        if state is not None:
            raise ValueError(f"random search keeps no state; found {state!r}")


class Uniform(Weighted):
    """Draws all members alike, whatever their weights."""

    by: By = "count"
