"""A directed graph -> its cycles. Nothing here calls itself: a chain of mentions may be as long as a file."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

Graph = Sequence[Mapping[int, object]]
"""For each node, the nodes that it mentions."""


def components(graph: Graph, among: Collection[int]) -> list[list[int]]:
    """Return the sets of nodes of `among` that reach each other through `among`, those on no cycle left out, in order."""
    inside = set(among)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    is_open: set[int] = set()
    found: list[list[int]] = []
    for root in sorted(inside):
        if root in index:
            continue
        calls: list[tuple[int, Iterator[int]]] = [_enter(root, graph, index, low, open_, is_open)]
        while calls:
            node, targets = calls[-1]
            target = next((entry for entry in targets if entry in inside), None)
            if target is None:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_leave(node, open_, is_open))
            elif target not in index:
                calls.append(_enter(target, graph, index, low, open_, is_open))
            elif target in is_open:
                low[node] = min(low[node], index[target])
    cyclic = (component for component in found if len(component) > 1 or component[0] in graph[component[0]])
    return sorted(sorted(component) for component in cyclic)


def _enter(
    node: int, graph: Graph, index: dict[int, int], low: dict[int, int], open_: list[int], is_open: set[int]
) -> tuple[int, Iterator[int]]:
    index[node] = low[node] = len(index)
    open_.append(node)
    is_open.add(node)
    return node, iter(graph[node])


def _leave(node: int, open_: list[int], is_open: set[int]) -> list[int]:
    component: list[int] = []
    while not component or component[-1] != node:
        component.append(open_.pop())
        is_open.discard(component[-1])
    return component


def cycle(graph: Graph, start: int, among: Collection[int]) -> list[int]:
    """Return the nodes of a shortest cycle from `start` through `among`; there must be one."""
    inside = set(among)
    before: dict[int, int] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in graph[node]:
            if target == start:
                way = [node]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if target in inside and target not in before:
                before[target] = node
                waiting.append(target)
    raise AssertionError((start, sorted(inside)[:10]))
