"""Weights of a recursive forest -> weights under which what is sampled ends, and at a sensible size."""

from collections.abc import Sequence

from archc.grammars.forest import Call, Edge, State
from archc.names.cycles import components

GENEROUS = 12.0
"""So many times its smallest derivation a state may take on average."""

STEPS = 60
ROUNDS = 400


def damped(states: tuple[State, ...], root: int) -> tuple[State, ...]:
    """Return the states with the weights of edges that lead back and up lessened until every state ends soon on average.

    An edge is lessened by how much higher than the lowest of its state the least derivation through it is, so the lowest
    ones win in the end, and these end. States on no cycle keep their weights.
    """
    calls = [
        [[part.state for part in edge.parts if isinstance(part, Call)] for edge in state.edges] for state in states
    ]
    graph = [dict.fromkeys(target for edge in edges for target in edge) for edges in calls]
    smallest = least(calls, add=True)
    for component in components(graph, range(len(states))):
        states = _calmed(states, calls, component, smallest)
    return states


def _calmed(
    states: tuple[State, ...], calls: list[list[list[int]]], component: list[int], smallest: list[int]
) -> tuple[State, ...]:
    inside = set(component)
    heights = least(calls, add=False)
    excess = {
        number: [
            1 + max((heights[target] for target in edge), default=0) - heights[number]
            if inside.intersection(edge)
            else 0
            for edge in calls[number]
        ]
        for number in component
    }
    factor = 1.0
    for _ in range(STEPS):
        weights = {
            number: [
                edge.weight * factor ** (above + (1 if above == 0 and inside.intersection(targets) else 0))
                for edge, above, targets in zip(states[number].edges, excess[number], calls[number], strict=True)
            ]
            for number in component
        }
        if _ends(weights, calls, component, smallest):
            break
        factor *= 0.7
    found = list(states)
    for number, row in weights.items():
        state = states[number]
        edges = (Edge(edge.parts, weight, edge.label) for edge, weight in zip(state.edges, row, strict=True))
        found[number] = State(state.name, state.type, tuple(edges))
    return tuple(found)


def _ends(
    weights: dict[int, list[float]], calls: list[list[list[int]]], component: Sequence[int], smallest: list[int]
) -> bool:
    """Return whether the states of a component take a sensible number of states of it on average."""
    inside = set(component)
    rows: dict[int, list[tuple[float, int]]] = {}
    for number in component:
        total = sum(weights[number])
        rows[number] = [
            (weight / total, target)
            for weight, targets in zip(weights[number], calls[number], strict=True)
            for target in targets
            if target in inside
        ]
    size = dict.fromkeys(component, 1.0)
    for _ in range(ROUNDS):
        moved = 0.0
        for number in component:
            new = 1.0 + sum(share * size[target] for share, target in rows[number])
            if new > GENEROUS * (smallest[number] + 1):
                return False
            moved = max(moved, new - size[number])
            size[number] = new
        if moved < 1e-3:
            return True
    return False


def least(calls: list[list[list[int]]], *, add: bool) -> list[int]:
    """Return the number of states, or the height, of the least derivation of each state."""
    found: dict[int, int] = {}
    users: dict[int, list[tuple[int, int]]] = {}
    missing = [[len(set(targets)) for targets in edges] for edges in calls]
    import heapq

    heap: list[tuple[int, int]] = []
    for number, edges in enumerate(calls):
        for place, targets in enumerate(edges):
            for target in set(targets):
                users.setdefault(target, []).append((number, place))
            if not targets:
                heapq.heappush(heap, (1, number))
    while heap:
        value, number = heapq.heappop(heap)
        if number in found:
            continue
        found[number] = value
        for user, place in users.get(number, ()):
            missing[user][place] -= 1
            if missing[user][place] == 0 and user not in found:
                values = [found[target] for target in calls[user][place]]
                heapq.heappush(heap, (1 + (sum(values) if add else max(values)), user))
    return [found[number] for number in range(len(calls))]
