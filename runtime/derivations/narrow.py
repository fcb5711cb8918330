"""A forest, a cost and its bounds -> the forest of the derivations within them, and how many of those it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from archc.runtime.derivations.conditions import Bounds
from archc.runtime.derivations.histogram import histogram
from archc.runtime.derivations.measure import TooManyDerivations, count, greatest, least
from archc.runtime.derivations.restrict import BUCKETS, LIMIT, Restricted, bucketed, restrict
from archc.runtime.derivations.sums import TooManyStates
from archc.spaces.forest import Forest

FEW = 16
"""A forest beyond the limit begins with so many buckets: there is no room for more, and each try takes its time."""


class NoneWithin(ValueError):
    """No derivation is within the bounds; all of them cost from `low` to `high`."""

    def __init__(self, bounds: Bounds, low: int, high: int) -> None:
        self.bounds, self.low, self.high = bounds, low, high
        super().__init__(f"no derivation has {bounds}; {bounds.cost} is from {low:,} to {high:,}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What bounds leave of a space: `count` derivations, which are all within them if `exact`.

    Otherwise costs were rounded to tell them apart, and of those within the bounds at least the share `least` is left,
    and at most `most`; where these are equal that is the share.
    """

    bounds: Bounds
    count: int
    exact: bool = True
    least: Fraction = Fraction(1)
    most: Fraction = Fraction(1)


def narrow(forest: Forest, costs: Sequence[int], bounds: Bounds) -> tuple[tuple[Restricted, ...], Kept]:
    """Return one restriction after another, of which the last has the derivations within the bounds, and what it keeps.

    Exactly those where their costs can be told apart; otherwise without some that are near a bound, and none beyond it.
    Raises NoneWithin where there are none, TooManyStates where costs cannot be told apart even in few buckets,
    TooManyDerivations where those that are left are too many to count.
    """
    low, high = least(forest, costs)[forest.root], greatest(forest, costs)[forest.root]
    if (bounds.low is None or bounds.low <= low) and (bounds.high is None or high <= bounds.high):
        return (), Kept(bounds, count(forest))
    if (bounds.low is not None and bounds.low > high) or (bounds.high is not None and bounds.high < low):
        raise NoneWithin(bounds, low, high)
    limit = max(LIMIT, 2 * forest.states)
    try:
        found = restrict(forest, costs, low=bounds.low, high=bounds.high, limit=limit)
        return (found,), Kept(bounds, count(found.forest))
    except TooManyStates:
        return _in_buckets(forest, costs, bounds, limit)
    except TooManyDerivations:
        raise
    except ValueError as error:
        raise NoneWithin(bounds, low, high) from error


def _rounded(forest: Forest, costs: Sequence[int], *, high: int, limit: int) -> Restricted:
    buckets = BUCKETS if forest.states <= LIMIT else FEW
    try:
        return bucketed(forest, costs, high=high, buckets=buckets, limit=limit)
    except TooManyStates:
        raise
    except ValueError as error:  # there are some within, and none that is still within when costs are rounded
        raise TooManyStates("in so few buckets as fit, no derivation is left within the bounds") from error


def _in_buckets(
    forest: Forest, costs: Sequence[int], bounds: Bounds, limit: int
) -> tuple[tuple[Restricted, ...], Kept]:
    steps: list[Restricted] = []
    inner, left = forest, costs
    for sign, end in ((1, bounds.high), (-1, bounds.low)):
        if end is not None:
            steps.append(_rounded(inner, [sign * cost for cost in left], high=sign * end, limit=limit))
            inner, left = steps[-1].forest, steps[-1].costs(left)
    kept = count(inner)
    fewest, most = histogram(forest, costs).between(bounds.low, bounds.high)
    return tuple(steps), Kept(bounds, kept, False, Fraction(kept, max(most, kept)), Fraction(kept, max(fewest, kept)))
