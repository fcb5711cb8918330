"""A derivation -> those that decide one thing otherwise."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from random import Random

from archc.runtime.derivations.nodes import KNOWN, Nodes, drawn, labels, nodes_of, owners
from archc.spaces.forest import Decision, Derivation, Forest, Site

Pair = tuple[int, int]
"""A state, and a node of the derivation whose decisions it is to make; NEW where it is free."""

NEW = -1


@dataclass(frozen=True, slots=True)
class _Move:
    """Another option at a node: the edge that takes it, the state it is of, and which nodes its children follow."""

    node: int
    state: int
    edge: int
    follows: tuple[int, ...]


def neighbours(forest: Forest, derivation: Derivation, *, rng: Random | None = None) -> Iterator[Derivation]:
    """Yield the derivations that one other option makes of `derivation`, each once, in preorder of what is decided.

    For each decision of a node, and each other option of it that goes with all decisions outside the node's subtree,
    there is one. It makes all other decisions as before if the forest derives that, whatever the types in between.
    If not, it takes the edge that keeps the most nodes below, keeps of them what fits, and completes the rest with the
    smallest derivations. An option that needs another decision elsewhere is left out: `mutate` finds those.
    Reals stay with their decisions; new ones are in the middle of their ranges. With `rng`, the order is random.
    """
    search = _Search(forest, derivation)
    if rng is None:
        for at in range(len(derivation.edges)):
            moves = search.moves(at)
            yield from (search.apply(moves[key]) for key in sorted(moves))
        return
    each = _others(forest)
    ends = [*accumulate([len(each[label]) for label in search.labels])]
    known: dict[int, dict[Decision, _Move]] = {}
    for number in _shuffled(ends[-1], rng):
        at = bisect_right(ends, number)
        if at not in known:
            known[at] = search.moves(at)
        key = each[search.labels[at]][number - ends[at]]
        if key in known[at]:
            yield search.apply(known[at][key])


def _shuffled(many: int, rng: Random) -> Iterator[int]:
    """Yield the numbers below `many` in a random order, without a list of them."""
    moved: dict[int, int] = {}
    for left in range(many, 0, -1):
        at = rng.randrange(left)
        yield moved.get(at, at)
        moved[at] = moved.pop(left - 1, left - 1)


@lru_cache(maxsize=KNOWN)
def _others(forest: Forest) -> Sequence[Sequence[Decision]]:
    """Return for each label what may be decided otherwise: the place among its decisions, and the other option."""
    return [
        [
            (place, other)
            for place, (site, option) in enumerate(decisions)
            for other in range(len(forest.sites[site].options))
            if other != option
        ]
        for decisions in forest.decisions
    ]


@lru_cache(maxsize=KNOWN)
def _rows(forest: Forest) -> dict[int, dict[tuple[int, int], list[int]]]:
    """Return a table for the edges of a state by their label and number of children, filled as states are come by."""
    return {}


@lru_cache(maxsize=KNOWN)
def smallest(forest: Forest) -> Sequence[int]:
    """Return for each state the first of its edges that begins a derivation of the fewest nodes."""
    sizes: list[int] = []
    found: list[int] = []
    for row in forest.rows:
        each = [1 + sum(sizes[child] for child in forest.calls[edge]) for edge in row]
        sizes.append(min(each))
        found.append(row[each.index(sizes[-1])])
    return found


class _Search:
    """What is known of one derivation: which states make the decisions of which of its nodes, and in which contexts."""

    __slots__ = (
        "_alike",
        "_contexts",
        "_derivation",
        "_entered",
        "_forest",
        "_kids",
        "_label_of",
        "_nodes",
        "_parents",
        "_rows",
        "labels",
    )

    def __init__(self, forest: Forest, derivation: Derivation) -> None:
        self._forest, self._derivation = forest, derivation
        self._nodes = nodes_of(forest, derivation)
        self._kids, self._parents = _family(forest, derivation, self._nodes)
        self._label_of, self._rows = labels(forest), _rows(forest)
        self.labels = [self._label_of[edge] for edge in derivation.edges]
        self._alike: dict[Pair, int | None] = {}
        self._entered = [False] * len(derivation.edges)
        self._contexts: list[dict[int, int]] = [{} for _ in derivation.edges]
        self._contexts[0][forest.root] = NEW

    def moves(self, at: int) -> dict[Decision, _Move]:
        """Return the moves at a node, by the place of a decision and its other option."""
        self._descend(at)
        best: dict[Decision, tuple[tuple[int, int, int], _Move]] = {}
        for state in self._contexts[at]:
            for edge in self._forest.rows[state]:
                place = self._differs(at, edge)
                if place is None:
                    continue
                follows = self._align(at, edge)
                new = self._decisions(edge)
                cost = (self._unlike(at, edge, follows), self._apart(at, edge), edge)
                key = (place, new[place][1])
                if key not in best or cost < best[key][0]:
                    best[key] = (cost, _Move(at, state, edge, follows))
        return {key: move for key, (_, move) in best.items()}

    def _descend(self, at: int) -> None:
        """Enter all nodes above one."""
        path = []
        node = self._parents[at]
        while node != NEW and not self._entered[node]:
            path.append(node)
            node = self._parents[node]
        for node in reversed(path):
            self._entered[node] = True
            for state in self._contexts[node]:
                self._enter(node, state)

    def _decisions(self, edge: int) -> tuple[Decision, ...]:
        return self._forest.decisions[self._label_of[edge]]

    def _differs(self, at: int, edge: int) -> int | None:
        """Return the first decision of the node that `edge` takes otherwise, None if it takes none otherwise."""
        old = self._decisions(self._derivation.edges[at])
        for place, (before, after) in enumerate(zip(old, self._decisions(edge), strict=False)):
            if before != after:
                return place if before[0] == after[0] else None
        return None

    def _apart(self, at: int, edge: int) -> int:
        old, new = self._decisions(self._derivation.edges[at]), self._decisions(edge)
        same = sum(before == after for before, after in zip(old, new, strict=False))
        return max(len(old), len(new)) - same

    def _align(self, at: int, edge: int) -> tuple[int, ...]:
        """Return for each child of `edge` the node that it follows: from the left while alike, from the right, in order."""
        children, kids = self._forest.calls[edge], self._kids[at]
        both = min(len(children), len(kids))
        left = 0
        while left < both and self._likeness((children[left], kids[left])):
            left += 1
        right = 0
        while right < both - left and self._likeness((children[-1 - right], kids[-1 - right])):
            right += 1
        inner = list(kids[left : len(kids) - right])
        follows = list(kids[:left])
        for child in children[left : len(children) - right]:
            alike = [place for place, kid in enumerate(inner) if self._likeness((child, kid))]
            place = alike[0] if alike else 0
            follows.append(inner[place] if inner else NEW)
            inner = inner[place + 1 :]
        return (*follows, *kids[len(kids) - right :])

    def _unlike(self, at: int, edge: int, follows: tuple[int, ...]) -> int:
        """Return how many of the nodes below go, or are of a subtree that has to change; new ones count 1 at least."""
        kept = {
            kid for child, kid in zip(self._forest.calls[edge], follows, strict=True) if self._likeness((child, kid))
        }
        gone = sum(self._nodes.ends[kid] - kid for kid in self._kids[at] if kid not in kept)
        return gone + len(follows) - len(kept)

    def _likeness(self, pair: Pair) -> bool:
        return self._like(pair) is not None

    def _like(self, pair: Pair) -> int | None:
        """Return the edge with which a state makes all decisions of a node's subtree, if it does."""
        known, waiting = self._alike, [pair]
        while waiting:
            top = waiting[-1]
            if self._is_own(top) or top[1] == NEW or top in known:
                waiting.pop()
                continue
            found: int | None = None
            open_: Pair | None = None
            for edge in self._matching(top):
                open_ = self._missing(edge, top[1])
                if open_ is not None or self._all_like(edge, top[1]):
                    found = edge
                    break
            if open_ is not None:
                waiting.append(open_)
            else:
                known[top] = found
                waiting.pop()
        return self._known(pair)

    def _is_own(self, pair: Pair) -> bool:
        return pair[1] != NEW and self._nodes.states[pair[1]] == pair[0]

    def _known(self, pair: Pair) -> int | None:
        return self._derivation.edges[pair[1]] if self._is_own(pair) else self._alike.get(pair)

    def _matching(self, pair: Pair) -> Sequence[int]:
        """Return the edges of a state that make the decisions of a node, and have as many children."""
        state, node = pair
        rows = self._rows.get(state)
        if rows is None:
            rows = self._rows[state] = {}
            for edge in self._forest.rows[state]:
                rows.setdefault((self._label_of[edge], len(self._forest.calls[edge])), []).append(edge)
        return rows.get((self.labels[node], len(self._kids[node])), ())

    def _missing(self, edge: int, node: int) -> Pair | None:
        """Return the first pair below that is not known, unless one before it is known not to be alike."""
        for pair in zip(self._forest.calls[edge], self._kids[node], strict=True):
            if not self._is_own(pair):
                if pair not in self._alike:
                    return pair
                if self._alike[pair] is None:
                    return None
        return None

    def _all_like(self, edge: int, node: int) -> bool:
        pairs = zip(self._forest.calls[edge], self._kids[node], strict=True)
        return all(self._known(pair) is not None for pair in pairs)

    def _enter(self, at: int, state: int) -> None:
        """Note for each child of a node which states it may have if all decisions outside its subtree stay."""
        for edge in self._matching((state, at)):
            pairs = list(zip(self._forest.calls[edge], self._kids[at], strict=True))
            unlike = [pair for pair in pairs if not self._likeness(pair)]
            if len(unlike) <= 1:
                for child, kid in unlike or pairs:
                    self._contexts[kid][child] = edge

    def apply(self, move: _Move) -> Derivation:
        """Return the derivation after a move."""
        path = self._path(move)
        edges: list[int] = []
        reals: list[float] = []
        waiting: list[Pair] = [(self._forest.root, 0)]
        while waiting:
            state, node = waiting.pop()
            if node not in path and self._is_own((state, node)):
                part = self._nodes.part(self._derivation, node)
                edges.extend(part.edges)
                reals.extend(part.reals)
                continue
            edge = path[node] if node in path else self._near((state, node))
            follows = self._follows(edge, node)
            if node == move.node:
                follows = move.follows
            edges.append(edge)
            reals.extend(self._numbers(edge, node))
            waiting.extend([*zip(self._forest.calls[edge], follows, strict=True)][::-1])
        return Derivation(tuple(edges), tuple(reals))

    def _path(self, move: _Move) -> dict[int, int]:
        """Return the edges of the node that moves and of all above it."""
        found = {move.node: move.edge}
        node, state = move.node, move.state
        while node:
            edge = self._contexts[node][state]
            node = self._parents[node]
            found[node] = edge
            state = owners(self._forest)[edge]
        return found

    def _near(self, pair: Pair) -> int:
        """Return the edge that keeps the most of a node's decisions and subtrees, or that of the smallest derivation."""
        state, node = pair
        if node == NEW:
            return smallest(self._forest)[state]
        found = self._like(pair)
        if found is not None:
            return found
        edges = self._matching(pair)
        if not edges:
            return smallest(self._forest)[state]
        return min(edges, key=lambda edge: (self._unlike(node, edge, self._kids[node]), edge))

    def _follows(self, edge: int, node: int) -> tuple[int, ...]:
        many = len(self._forest.calls[edge])
        if node == NEW or self._label_of[edge] != self.labels[node] or len(self._kids[node]) != many:
            return (NEW,) * many
        return self._kids[node]

    def _numbers(self, edge: int, node: int) -> list[float]:
        """Return the reals of a node that stay with their sites, and the middle of the range for other sites."""
        sites = drawn(self._forest)
        old: list[tuple[int, float]] = []
        if node != NEW:
            begin = self._nodes.reals[node]
            mine = sites[self._derivation.edges[node]]
            old = [*zip(mine, self._derivation.reals[begin : begin + len(mine)], strict=True)]
        found: list[float] = []
        for place, site in enumerate(sites[edge]):
            stays = place < len(old) and old[place][0] == site
            found.append(old[place][1] if stays else _middle(self._forest.sites[site]))
        return found


def _family(forest: Forest, derivation: Derivation, nodes: Nodes) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return the children of each node, and its parent."""
    kids: list[tuple[int, ...]] = []
    parents = [NEW] * len(nodes.ends)
    for at, edge in enumerate(derivation.edges):
        own, child = [], at + 1
        for _ in forest.calls[edge]:
            own.append(child)
            parents[child] = at
            child = nodes.ends[child]
        kids.append(tuple(own))
    return kids, parents


def _middle(site: Site) -> float:
    assert site.low is not None and site.high is not None, site
    middle = sqrt(site.low) * sqrt(site.high) if site.logarithmic else site.low + (site.high - site.low) / 2
    return min(max(middle, site.low), site.high)
