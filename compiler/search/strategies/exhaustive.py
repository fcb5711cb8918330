"""Every member in the order of its number: for spaces that are small enough, and as the truth that others are held to."""

from random import Random

from archc.search.protocol import Context, Json, Proposal, Spent, Trial


class Exhaustive:
    """Asks all members by number; a member that was asked before is left out."""

    def __init__(self, context: Context) -> None:
        self._history = context.history
        self._count = context.space.count()
        self._next = 0

    def ask(self, rng: Random) -> Proposal:
        """Return the next member. Raises Spent behind the last."""
        while self._next < self._count:
            member = self._history.space[self._next]
            self._next += 1
            if not self._history.seen(member, 1.0):
                return Proposal(member, origin={"rank": self._next - 1})
        raise Spent("every member of the space was asked")

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""

    def state(self) -> Json:
        """Return the number of the member that comes next."""
        return self._next

    def restore(self, state: Json) -> None:
        """Go on from a number. Raises ValueError on the state of another strategy."""
        match state:
            case int():
                self._next = state
            case _:
                raise ValueError(f"expected the number of the next member, found {state!r}")
