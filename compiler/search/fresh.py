"""A history and chance -> members that were not asked yet."""

from collections.abc import Callable
from random import Random

from archc.members import Member
from archc.runtime.derivations.draw import By
from archc.search.protocol import History, Spent

TRIES = 100


def fresh(history: History, draw: Callable[[], Member], fidelity: float = 1.0) -> Member | None:
    """Return the first of a hundred draws that was not asked yet; None where all were, as near the end of a space."""
    for _ in range(TRIES):
        member = draw()
        if not history.seen(member, fidelity):
            return member
    return None


def unseen(history: History, rng: Random, fidelity: float = 1.0, *, by: By = "weights") -> Member:
    """Return a member that was not asked yet, drawn among those that were not.

    Where a hundred draws were all known, those that were asked are left out by weight; near the end of a space, and of
    those without weight, it is the next by number from a random one. Raises Spent where all members were asked.
    """
    space = history.space
    found = fresh(history, lambda: space.sample(rng, by=by)[0], fidelity)
    if found is None and by == "weights":
        derivation = history.unasked(fidelity).draw(rng)
        found = None if derivation is None else Member(space, derivation)
    if found is not None and not history.seen(found, fidelity):
        return found
    count = space.count()
    start = rng.randrange(count)
    for step in range(min(count, len(history) + 1)):
        member = space[(start + step) % count]
        if not history.seen(member, fidelity):
            return member
    raise Spent("every member of the space was asked")
