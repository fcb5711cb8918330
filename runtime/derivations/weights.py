"""Shares of the alternatives -> how probable each edge is, and what follows from that for whole derivations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import frexp, inf, ldexp, log

from archc.runtime.derivations.measure import check, counts
from archc.runtime.derivations.scaled import Scaled, logarithm, product_of, times, total_of
from archc.spaces.forest import Decision, Derivation, Forest, Site


@dataclass(frozen=True, slots=True)
class Moments:
    """The mean and the variance of an additive cost."""

    mean: float
    variance: float


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A forest by the weights of its alternatives.

    `inside[s]` is the sum over the derivations of state s of the products of their shares: the probability that a draw
    from the grammar without types ends up well typed. `chances[e]` is the probability of edge e among the edges of its
    state in such a draw (0 throughout a state whose weight is 0). All of it comes from + * / and scaling by powers of
    two in a fixed order, so that it is the same on every machine.
    """

    inside: Sequence[Scaled]
    chances: Sequence[float]


def by_weight(forest: Forest, sites: Sequence[Site] | None = None) -> Weights:
    """Return the forest by its weights, or by the shares of `sites` in the place of its own."""
    shares, calls = forest.shares(sites).tolist(), forest.calls
    mantissas: list[float] = []
    exponents: list[int] = []
    chances: list[float] = []
    for row in forest.rows:
        parts: list[Scaled] = []
        for edge in row:
            part, exponent = frexp(shares[edge])
            for child in calls[edge]:
                part, shift = frexp(part * mantissas[child])
                exponent += exponents[child] + shift
            parts.append((part, exponent))
        total, exponent = total_of(parts)
        mantissas.append(total)
        exponents.append(exponent)
        chances.extend(ldexp(part / total, x - exponent) if part else 0.0 for part, x in parts)
    return Weights(list(zip(mantissas, exponents, strict=True)), chances)


def by_count(forest: Forest) -> Sequence[float]:
    """Return the probability of each edge among those of its state where every derivation is as likely as any other."""
    known, calls = counts(forest), forest.calls
    chances: list[float] = []
    for row, total in zip(forest.rows, known, strict=True):
        for edge in row:
            many = 1
            for child in calls[edge]:
                many *= known[child]
            chances.append(many / total)
    return chances


# ---------------------------------------------------------------- one derivation
def grammar_logprob(forest: Forest, derivation: Derivation, sites: Sequence[Site] | None = None) -> float:
    """Return the logarithm of a derivation's probability in the grammar without types: of the product of its shares."""
    known = forest.sites if sites is None else sites
    decided = (forest.decisions[label] for label in forest.label[list(derivation.edges)].tolist())
    return logarithm(product_of(known[site].shares[option] for entry in decided for site, option in entry))


def logprob(
    forest: Forest, derivation: Derivation, sites: Sequence[Site] | None = None, *, weights: Weights | None = None
) -> float:
    """Return the natural logarithm of a derivation's probability, given that it is well typed.

    `weights` are those of the same sites where they are known. Densities of real numbers are left aside. Raises
    ValueError if every derivation has weight 0.
    """
    known = by_weight(forest, sites) if weights is None else weights
    total = logarithm(known.inside[forest.root])
    if total == -inf:
        raise ValueError("every derivation of this forest has weight 0; expected shares that leave one")
    return grammar_logprob(forest, derivation, sites) - total


# ---------------------------------------------------------------- all derivations
def moments(forest: Forest, chances: Sequence[float], costs: Sequence[int]) -> Moments:
    """Return the mean and variance of an additive cost, of which `costs` has the part of each edge.

    The expectation semiring of second order (Li & Eisner, First- and Second-Order Expectation Semirings, 2009), with
    every state's probability divided out, so that nothing underflows and no large squares are subtracted. `chances`
    are those of `by_weight` or `by_count`. Raises ValueError unless there is a cost and a chance for each edge.
    """
    check(forest, costs)
    check(forest, chances)
    calls = forest.calls
    means: list[float] = []
    variances: list[float] = []
    for row in forest.rows:
        each = []
        mean = 0.0
        for edge in row:
            here, spread = float(costs[edge]), 0.0
            for child in calls[edge]:
                here += means[child]
                spread += variances[child]
            each.append((chances[edge], here, spread))
            mean += chances[edge] * here
        means.append(mean)
        variances.append(sum(chance * (spread + (here - mean) ** 2) for chance, here, spread in each))
    return Moments(means[forest.root], variances[forest.root])


def entropy(forest: Forest, chances: Sequence[float]) -> float:
    """Return the entropy of the derivations in nats (Li & Eisner 2009, section 6.1), real numbers left aside.

    Raises ValueError unless there is a chance for each edge.
    """
    check(forest, chances)
    calls = forest.calls
    found: list[float] = []
    for row in forest.rows:
        total = 0.0
        for edge in row:
            if chance := chances[edge]:
                total += chance * (sum(found[child] for child in calls[edge]) - log(chance))
        found.append(total)
    return found[forest.root]


# ---------------------------------------------------------------- outside
def visits(forest: Forest, chances: Sequence[float]) -> list[float]:
    """Return how often each edge is expected to be in a derivation: its outside times its inside weight over the total.

    Raises ValueError unless there is a chance for each edge.
    """
    check(forest, chances)
    calls, rows = forest.calls, forest.rows
    states = [0.0] * forest.states
    states[forest.root] = 1.0
    found = [0.0] * forest.edges
    for state in range(forest.states - 1, -1, -1):
        if here := states[state]:
            for edge in rows[state]:
                found[edge] = often = here * chances[edge]
                for child in calls[edge]:
                    states[child] += often
    return found


def outside(forest: Forest, sites: Sequence[Site] | None = None) -> list[Scaled]:
    """Return the outside weight of each state: what the derivations of the root weigh around one mention of it, summed."""
    shares, calls = forest.shares(sites).tolist(), forest.calls
    inner = by_weight(forest, sites).inside
    around: list[list[Scaled]] = [[] for _ in range(forest.states)]
    found: list[Scaled] = [(0.0, 0)] * forest.states
    around[forest.root].append((0.5, 1))
    for state in range(forest.states - 1, -1, -1):
        found[state] = part, exponent = total_of(around[state])
        around[state].clear()
        for edge in forest.rows[state]:
            if calls[edge]:
                weight, shift = frexp(part * shares[edge])
                for child, other in _without_each(calls[edge], inner, (weight, exponent + shift)):
                    around[child].append(other)
    return found


def _without_each(calls: Sequence[int], inner: Sequence[Scaled], weight: Scaled) -> Iterator[tuple[int, Scaled]]:
    """Yield each child with the product of `weight` and the inside weights of all others."""
    before = [weight]
    for child in calls[:-1]:
        before.append(times(before[-1], inner[child]))
    yield calls[-1], before[-1]
    after = inner[calls[-1]]
    for place in range(len(calls) - 2, -1, -1):
        yield calls[place], times(before[place], after)
        after = times(after, inner[calls[place]])


def uses(forest: Forest, chances: Sequence[float]) -> dict[Decision, float]:
    """Return how often each decision is expected to be made in a derivation. Raises ValueError as `visits` does."""
    often = [0.0] * len(forest.decisions)
    for label, edge in zip(forest.label.tolist(), visits(forest, chances), strict=True):
        often[label] += edge
    found: dict[Decision, float] = {}
    for entry, number in zip(forest.decisions, often, strict=True):
        for decision in entry:
            found[decision] = found.get(decision, 0.0) + number
    return found
