"""Derivations -> the shares of the alternatives under which they are most probable."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archc.spaces.forest import Derivation, Floats, Forest, Site

SMOOTHING = 1.0
"""The shares that there were count as so many decisions."""


def fit(
    forest: Forest,
    derivations: Sequence[Derivation],
    weights: Sequence[float] | None = None,
    *,
    smoothing: float = SMOOTHING,
) -> tuple[Site, ...]:
    """Return the sites of the forest with the shares of greatest likelihood for `derivations`, by `weights` if given.

    A share is how often its option was decided, among all decisions at its site: the estimate of greatest likelihood
    for a weighted grammar, and the update of the cross-entropy method (Rubinstein & Kroese, The Cross-Entropy Method,
    2004, section 2.3) where the derivations are the elite. `smoothing` is how many decisions the shares of the forest
    count for at each site, which keeps what was never decided possible; at 0 a site that was never come by keeps its
    shares. Continuous ranges stay as they are. Raises ValueError unless the weights are as many as the derivations,
    and neither they nor `smoothing` are negative.
    """
    known = [1.0] * len(derivations) if weights is None else weights
    if len(known) != len(derivations):
        raise ValueError(f"expected a weight for each of {len(derivations)} derivations and found {len(known)}")
    if smoothing < 0 or any(weight < 0 for weight in known):
        raise ValueError("expected weights and smoothing of at least 0")
    made = decided(forest, derivations, known)
    return tuple(_fitted(site, many, smoothing) for site, many in zip(forest.sites, made, strict=True))


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


def _fitted(site: Site, made: Sequence[float], smoothing: float) -> Site:
    prior = [smoothing * share for share in site.shares]
    total = sum(made) + sum(prior)
    if site.is_continuous or total == 0.0:
        return site
    return replace(site, shares=tuple((many + before) / total for many, before in zip(made, prior, strict=True)))
