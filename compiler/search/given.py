"""A network -> the member of a space that it is, or where it leaves the space.

A best-first walk over derivations in preorder: what is not decided yet is completed as cheaply as can be, and those go
first that agree with the network for longest. Parts whose costs cannot add up to those of the network are left out.
What is found has the network's canonical hash.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from archc.grammar.source import NOWHERE, Span
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.members import Member, Space
from archc.runtime.derivations.measure import greatest, least
from archc.runtime.derivations.ranks import centred
from archc.show.summary import summarize
from archc.spaces.identity import hash_of

MOST_BUILT = 1500
"""Networks that are built at most while looking for one, and (`MOST_TO_TELL`) for the place where it leaves the space."""
MOST_TO_TELL = 200


class Outside(ValueError):
    """A network is not found in a space; `span` is where it leaves it, `wanted` what the space has there instead."""

    def __init__(self, message: str, span: Span = NOWHERE, wanted: str = "") -> None:
        super().__init__(message)
        self.message, self.span, self.wanted = message, span, wanted


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation of a network, where blocks and loops are written out."""

    op: str
    rest: object
    span: Span


def member_of(space: Space, graph: Graph) -> Member:
    """Return the member that is this network. Raises Outside where there is none, TypeError for a space of records."""
    if space.of_records:
        raise TypeError(f"members of `{space.name}` are records, and a network is given")
    return _Walk(space, graph).found()


class _Walk:
    """The walk for one network."""

    def __init__(self, space: Space, graph: Graph) -> None:
        self.space, self.forest = space, space.forest
        self.hash, self.wanted = hash_of(graph), list(_operations(graph))
        costs = space.costs("nodes")
        values = least(self.forest, costs)
        self.cheapest = [
            min(row, key=lambda edge: costs[edge] + sum(values[child] for child in self.forest.calls[edge]))
            for row in self.forest.rows
        ]
        self.bounds = [_Bounds.of(space, cost, total) for cost, total in _costs(graph, self.wanted)]
        self.furthest = -1
        self.instead: _Operation | None = None

    def found(self) -> Member:
        """Return the member. Raises Outside: then a second walk without bounds has told where it leaves the space."""
        member = self._walked(MOST_BUILT, is_bounded=True) or self._walked(MOST_TO_TELL, is_bounded=False)
        if member is None:
            raise self._outside()
        return member

    def _walked(self, most: int, *, is_bounded: bool) -> Member | None:
        waiting: list[tuple[int, int, int, tuple[int, ...], tuple[int, ...]]] = []
        built = 0
        heappush(waiting, (0, 0, 0, (), (self.forest.root,)))
        while waiting and built < most:
            _, _, _, prefix, pending = heappop(waiting)
            for edge in self.forest.rows[pending[-1]]:
                edges, left = self._decided((*prefix, edge), (*pending[:-1], *reversed(self.forest.calls[edge])))
                if is_bounded and not all(bounds.allow(edges, left) for bounds in self.bounds):
                    continue
                built += 1
                member, agree = self._judged(edges, left)
                if agree == len(self.wanted) and member.hash == self.hash:
                    return member
                if left:
                    heappush(waiting, (-agree, -len(edges), built, edges, left))
        return None

    def _decided(self, edges: tuple[int, ...], pending: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return both behind all states that leave no choice."""
        found, left = list(edges), list(pending)
        while left and len(self.forest.rows[left[-1]]) == 1:
            edge = self.forest.rows[left.pop()][0]
            found.append(edge)
            left.extend(reversed(self.forest.calls[edge]))
        return tuple(found), tuple(left)

    def _judged(self, edges: Sequence[int], pending: Sequence[int]) -> tuple[Member, int]:
        """Return the cheapest member with these edges, and for how many operations it agrees with the network."""
        whole, left = list(edges), list(pending)
        while left:
            edge = self.cheapest[left.pop()]
            whole.append(edge)
            left.extend(reversed(self.forest.calls[edge]))
        member = Member(self.space, centred(self.forest, tuple(whole)))
        own = list(_operations(member.graph()))
        pairs = zip(own, self.wanted, strict=False)
        agree = next((at for at, (a, b) in enumerate(pairs) if (a.op, a.rest) != (b.op, b.rest)), None)
        agree = min(len(own), len(self.wanted)) if agree is None else agree
        if agree > self.furthest:
            self.furthest, self.instead = agree, own[agree] if agree < len(own) else None
        return member, agree

    def _outside(self) -> Outside:
        instead = f"here the space has {self.instead.op}, or what begins otherwise" if self.instead else ""
        if self.furthest >= len(self.wanted):
            return Outside(f"it ends where no member of `{self.space.name}` ends", wanted=instead)
        left = self.wanted[self.furthest]
        many = f"its first {self.furthest} operations are" if self.furthest > 1 else "what is before it is"
        return Outside(
            f"`{left.op}` leaves the space: {many} those of a member, and this one is not", left.span, instead
        )


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one cost of the network says of a derivation of it."""

    total: int
    costs: Sequence[int]
    least: Sequence[int]
    greatest: Sequence[int]

    @classmethod
    def of(cls, space: Space, cost: str, total: int) -> "_Bounds":
        """Return the bounds of a cost that has to come to a total."""
        costs = space.costs(cost)
        return cls(total, costs, least(space.forest, costs), greatest(space.forest, costs))

    def allow(self, edges: Sequence[int], pending: Sequence[int]) -> bool:
        """Return whether these edges and some of what is pending can come to the total."""
        begun = sum(self.costs[edge] for edge in edges)
        low = begun + sum(self.least[state] for state in pending)
        return low <= self.total <= begun + sum(self.greatest[state] for state in pending)


def _costs(graph: Graph, wanted: Sequence[_Operation]) -> list[tuple[str, int]]:
    """Return what a member that is this network costs."""
    counts = Counter(entry.op for entry in wanted)
    params = str(summarize(graph).params)
    found = [(f"count({op})", many) for op, many in counts.items()]
    return [*found, ("params", int(params))] if params.isdecimal() else found


def _operations(graph: Graph) -> Iterator[_Operation]:
    """Yield the operations of a network in order, those of blocks and loops too."""
    waiting: list[OpNode | CallNode | LoopNode] = list(reversed(graph.nodes))
    while waiting:
        match waiting.pop():
            case OpNode() as node:
                yield _Operation(node.op, (node.attributes, node.input_types, node.outputs), node.span)
            case CallNode() as node:
                waiting.extend(reversed(node.graph.nodes))
            case LoopNode() as node:
                waiting.extend(inner for step in reversed(node.steps) for inner in reversed(step.nodes))
