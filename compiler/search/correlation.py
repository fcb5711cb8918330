"""Two lists of numbers -> how alike they rank; scores of several judges -> one vote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two measures rank `many` things: 1 is the same order, -1 the reverse, 0 nothing to go by."""

    spearman: float
    kendall: float
    many: int


def agreements(scores: Sequence[Mapping[str, float]], truth: Sequence[float]) -> dict[str, Agreement]:
    """Return for each score how well it ranks what was measured, over the things that have it; nothing below three."""
    found = {}
    for name in sorted({name for entry in scores for name in entry}):
        pairs = [(entry[name], value) for entry, value in zip(scores, truth, strict=True) if name in entry]
        if len(pairs) >= 3:
            ones, others = [one for one, _ in pairs], [other for _, other in pairs]
            found[name] = Agreement(spearman(ones, others), kendall(ones, others), len(pairs))
    return found


def vote(scores: Sequence[Mapping[str, float]], names: Sequence[str]) -> list[float]:
    """Return the mean rank of each thing over several scores, from 0 to 1, greater is better.

    After the vote of Abdelfattah, Mehrotra, Dudziak and Lane, "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), by ranks in place
    of pairs. Who has no score stands below all who have one. Raises ValueError without names.
    """
    if not names:
        raise ValueError("a vote needs at least one score")
    each = [ranks([entry.get(name, float("-inf")) for entry in scores]) for name in names]
    most = max(1, len(scores) - 1)
    return [sum(place) / len(names) / most for place in zip(*each, strict=True)]


def ranks(values: Sequence[float]) -> list[float]:
    """Return the place of each value from 0 for the least; equal values share the mean of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    for at in range(1, len(order) + 1):
        if at == len(order) or values[order[at]] != values[order[start]]:
            for number in order[start:at]:
                found[number] = (start + at - 1) / 2
            start = at
    return found


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the correlation of the ranks; 0 where one list has one value only. Raises ValueError on lists of two lengths."""
    first, second = ranks(one), ranks(other)
    mean = (len(first) - 1) / 2
    product = sum((a - mean) * (b - mean) for a, b in zip(first, second, strict=True))
    size = sqrt(sum((a - mean) ** 2 for a in first) * sum((b - mean) ** 2 for b in second))
    return product / size if size else 0.0


def kendall(one: Sequence[float], other: Sequence[float]) -> float:
    """Return tau-b: pairs in the same order less those in the reverse, with ties taken out of what they could be at most.

    It is 0 where one list has one value only. Raises ValueError on lists of two lengths.
    """
    if len(one) != len(other):
        raise ValueError(f"expected two lists of one length, found {len(one)} and {len(other)}")
    order = 0
    in_one = in_other = 0
    for at in range(len(one)):
        for before in range(at):
            a = (one[at] > one[before]) - (one[at] < one[before])
            b = (other[at] > other[before]) - (other[at] < other[before])
            order += a * b
            in_one += abs(a)
            in_other += abs(b)
    return order / sqrt(in_one * in_other) if in_one and in_other else 0.0
