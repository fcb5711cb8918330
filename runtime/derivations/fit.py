"""Derivations -> the shares of the alternatives under which they are most probable."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal
from math import fsum, isfinite, ldexp

import numpy as np

from archc.runtime.derivations.weights import Weights, by_weight, uses
from archc.spaces.forest import Derivation, Floats, Forest, Site

SMOOTHING = 1.0
"""The shares that there were count as so many decisions."""

ROUNDS = 10

SETTLED = 1e-9
"""Shares that move less have settled."""

DECIMAL = Context(prec=20)
LN2 = DECIMAL.ln(Decimal(2))


def fit(
    forest: Forest,
    derivations: Sequence[Derivation],
    weights: Sequence[float] | None = None,
    *,
    smoothing: float = SMOOTHING,
    rounds: int = ROUNDS,
) -> tuple[Site, ...]:
    """Return the sites of the forest with the shares of greatest likelihood for `derivations`, by `weights` if given.

    This is the update of the cross-entropy method (Rubinstein & Kroese, The Cross-Entropy Method, 2004, section 2.3)
    where the derivations are the elite. First a share is how often its option was decided, among all decisions at its
    site: the estimate for a grammar all of whose derivations are well typed. If some are not, members are drawn given
    that they are, and at most `rounds` steps go from there to what is likeliest then (see `_step`); each takes about as
    long as `by_weight` and `uses`. `smoothing` is how many decisions the forest's own shares count for at each site,
    which keeps what was never decided possible; at 0 a site that was never come by keeps its shares. Continuous ranges
    stay as they are. Only + - * /, sums rounded once and decimals take part, so that the shares are the
    same on every machine. Raises ValueError unless
    the weights are as many as the derivations, and neither they nor `smoothing` are negative.
    """
    known = [1.0] * len(derivations) if weights is None else weights
    if len(known) != len(derivations):
        raise ValueError(f"expected a weight for each of {len(derivations)} derivations and found {len(known)}")
    if not all(isfinite(weight) and weight >= 0 for weight in (smoothing, *known)):
        raise ValueError("expected weights and smoothing of at least 0 and finite")
    made = decided(forest, derivations, known)
    for site, often in zip(forest.sites, made, strict=True):
        often[:] = [many + smoothing * share for many, share in zip(often, site.shares, strict=True)]
    sites = tuple(_shared(site, often) for site, often in zip(forest.sites, made, strict=True))
    return _climbed(forest, sites, made, fsum(known), rounds)


def _climbed(
    forest: Forest, sites: tuple[Site, ...], made: Sequence[Sequence[float]], total: float, rounds: int
) -> tuple[Site, ...]:
    """Return the shares that at most `rounds` steps lead to; one that makes the decisions less likely is made shorter."""
    if not total or not rounds:
        return sites
    weights, damping = by_weight(forest, sites), 2.0
    likelihood = _likelihood(forest, sites, weights, made, total)
    for _ in range(rounds):
        part, exponent = weights.inside[forest.root]
        if abs(ldexp(part, max(exponent, -64)) - 1.0) < SETTLED:
            break
        following = _step(forest, sites, weights, made, total, damping)
        if _moved(sites, following) < SETTLED:
            break
        reached = by_weight(forest, following)
        found = _likelihood(forest, following, reached, made, total)
        if found < likelihood:
            damping *= 4.0
        else:
            sites, weights, likelihood, damping = following, reached, found, max(2.0, damping / 2.0)
    return sites


def _likelihood(
    forest: Forest, sites: Sequence[Site], weights: Weights, made: Sequence[Sequence[float]], total: float
) -> Decimal:
    """Return the logarithm of the likelihood of the decisions in `made`, given that draws are well typed.

    Decimals have a logarithm that is the same on every machine.
    """
    part, exponent = weights.inside[forest.root]
    found = -Decimal(total) * (DECIMAL.ln(Decimal(part)) + exponent * LN2)
    for site, often in zip(sites, made, strict=True):
        if not site.is_continuous:
            found += sum(
                Decimal(many) * DECIMAL.ln(Decimal(share))
                for many, share in zip(often, site.shares, strict=True)
                if many
            )
    return found


def _step(
    forest: Forest,
    sites: tuple[Site, ...],
    weights: Weights,
    made: Sequence[Sequence[float]],
    total: float,
    damping: float,
) -> tuple[Site, ...]:
    """Return shares under which the decisions in `made` are likelier, given that a draw is well typed.

    What is decided more often than a draw is expected to grows, and the other way round: the growth transform for
    quotients of polynomials (Gopalakrishnan et al., An inequality for rational functions, 1991), damped as is usual
    (Woodland & Povey, Large scale discriminative training, 2002, section 3.2).
    """
    expected = uses(forest, weights.chances)
    found = []
    for number, (site, often) in enumerate(zip(sites, made, strict=True)):
        drawn = [total * expected.get((number, option), 0.0) for option in range(len(often))]
        gains = [many - few for many, few in zip(often, drawn, strict=True)]
        least = max((-gain / share for gain, share in zip(gains, site.shares, strict=True) if share), default=0.0)
        most = damping * max(least, fsum(drawn))
        grown = [max(0.0, gain + most * share) for gain, share in zip(gains, site.shares, strict=True)]
        found.append(_shared(site, grown))
    return tuple(found)


def _moved(before: Sequence[Site], after: Sequence[Site]) -> float:
    """Return by how much the share that moved most did."""
    pairs = zip(before, after, strict=True)
    return max((abs(a - b) for one, to in pairs for a, b in zip(one.shares, to.shares, strict=True)), default=0.0)


def decided(forest: Forest, derivations: Sequence[Derivation], weights: Sequence[float]) -> list[list[float]]:
    """Return how often each option of each site was decided in all derivations, each counted by its weight."""
    found = [[0.0] * len(site.options) for site in forest.sites]
    often: Floats = np.zeros(len(forest.decisions))
    for derivation, weight in zip(derivations, weights, strict=True):
        labels = forest.label[np.array(derivation.edges, dtype=np.int64)]
        np.add.at(often, labels, weight)
    for entry, number in zip(forest.decisions, often.tolist(), strict=True):
        for site, option in entry:
            found[site][option] += number
    return found


def _shared(site: Site, parts: Sequence[float]) -> Site:
    """Return a site with shares in proportion to `parts`."""
    total = fsum(parts)
    if site.is_continuous or total == 0.0:
        return site
    return replace(site, shares=tuple(part / total for part in parts))
