"""A derivation -> its nodes: their states, extents and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from archc.spaces.forest import Derivation, Forest

KNOWN = 8
"""Tables of so many forests are kept."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes 0..n-1 of a derivation in preorder.

    Node i derives state `states[i]`; its subtree is the nodes i to `ends[i]` - 1, and its own and its subtree's reals
    begin at number `reals[i]`; `reals[n]` is how many there are.
    """

    states: tuple[int, ...]
    ends: tuple[int, ...]
    reals: tuple[int, ...]

    def part(self, derivation: Derivation, at: int) -> Derivation:
        """Return the subtree of node `at`, of the derivation that these nodes are of."""
        end = self.ends[at]
        return Derivation(derivation.edges[at:end], derivation.reals[self.reals[at] : self.reals[end]])

    def replaced(self, derivation: Derivation, at: int, part: Derivation) -> Derivation:
        """Return the derivation with another subtree at node `at`."""
        end = self.ends[at]
        return Derivation(
            (*derivation.edges[:at], *part.edges, *derivation.edges[end:]),
            (*derivation.reals[: self.reals[at]], *part.reals, *derivation.reals[self.reals[end] :]),
        )


@lru_cache(maxsize=KNOWN)
def owners(forest: Forest) -> Sequence[int]:
    """Return the state of each edge."""
    found: list[int] = forest.owner.tolist()
    return found


@lru_cache(maxsize=KNOWN)
def drawn(forest: Forest) -> Sequence[tuple[int, ...]]:
    """Return for each edge the sites from which it draws a real, in order."""
    each = [tuple(site for site, _ in decisions if forest.sites[site].is_continuous) for decisions in forest.decisions]
    return [each[label] for label in forest.label.tolist()]


@lru_cache(maxsize=KNOWN)
def labels(forest: Forest) -> Sequence[int]:
    """Return the label of each edge."""
    found: list[int] = forest.label.tolist()
    return found


@lru_cache(maxsize=KNOWN)
def open_states(forest: Forest) -> Sequence[bool]:
    """Return for each state whether it has more than one derivation, reals apart."""
    found: list[bool] = []
    for row in forest.rows:
        found.append(len(row) > 1 or any(found[child] for child in forest.calls[row[0]]))
    return found


def nodes_of(forest: Forest, derivation: Derivation) -> Nodes:
    """Return the nodes of a derivation of `forest`."""
    calls, states, sites = forest.calls, owners(forest), drawn(forest)
    edges = derivation.edges
    ends = [0] * len(edges)
    reals = [0]
    for at in range(len(edges) - 1, -1, -1):
        end = at + 1
        for _ in calls[edges[at]]:
            end = ends[end]
        ends[at] = end
    for edge in edges:
        reals.append(reals[-1] + len(sites[edge]))
    return Nodes(tuple([states[edge] for edge in edges]), tuple(ends), tuple(reals))
