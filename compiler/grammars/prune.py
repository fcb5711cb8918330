"""States of a forest -> those that derive something and are reached, and equal ones in one."""

from collections.abc import Mapping, Sequence

from archc.grammars.forest import Call, Edge, Lexeme, State
from archc.regular.language import shortest

Kept = tuple[tuple[State, ...], int]


def productive(states: Sequence[State], root: int) -> Kept | None:
    """Return the states that are reached from `root` and derive a text, and the number of the root; None if it derives none.

    The root comes first; edges that derive nothing are left out.
    """
    holding = _deriving(states)
    if root not in holding:
        return None
    order = {root: 0}
    waiting = [root]
    edges: list[tuple[Edge, ...]] = []
    for number in waiting:
        kept = tuple(edge for edge in states[number].edges if holding.issuperset(_calls(edge)) and _has_words(edge))
        edges.append(kept)
        for edge in kept:
            for target in _calls(edge):
                if target not in order:
                    order[target] = len(waiting)
                    waiting.append(target)
    found = (State(states[old].name, states[old].type, kept) for old, kept in zip(waiting, edges, strict=True))
    return tuple(renumbered(state, order) for state in found), 0


def renumbered(state: State, numbers: Mapping[int, int]) -> State:
    """Return `state` with its calls renumbered."""
    edges = tuple(
        Edge(
            tuple(Call(numbers[part.state]) if isinstance(part, Call) else part for part in edge.parts),
            edge.weight,
            edge.label,
        )
        for edge in state.edges
    )
    return State(state.name, state.type, edges)


def _calls(edge: Edge) -> list[int]:
    return [part.state for part in edge.parts if isinstance(part, Call)]


def _has_words(edge: Edge) -> bool:
    return all(shortest(part.language) is not None for part in edge.parts if isinstance(part, Lexeme))


def _deriving(states: Sequence[State]) -> set[int]:
    """Return the states that derive a text."""
    missing: list[list[int]] = []
    users: dict[int, list[tuple[int, int]]] = {}
    holding: set[int] = set()
    waiting: list[int] = []
    for number, state in enumerate(states):
        missing.append([])
        for place, edge in enumerate(state.edges):
            calls = _calls(edge) if _has_words(edge) else [number]
            missing[number].append(len(calls))
            for target in calls:
                users.setdefault(target, []).append((number, place))
            if not calls and number not in holding:
                holding.add(number)
                waiting.append(number)
    while waiting:
        for number, place in users.get(waiting.pop(), ()):
            missing[number][place] -= 1
            if missing[number][place] == 0 and number not in holding:
                holding.add(number)
                waiting.append(number)
    return holding


# ---------------------------------------------------------------- equal states
def merged(states: Sequence[State], root: int) -> Kept:
    """Return the states with those in one that derive the same in the same way; the name is that of the first.

    A class of states is split as long as some of its members lead elsewhere than others; the largest part of it keeps
    the number of the class, so that each state is looked at again no more than log n times.
    """
    callers: list[set[int]] = [set() for _ in states]
    for number, state in enumerate(states):
        for edge in state.edges:
            for target in _calls(edge):
                callers[target].add(number)
    of = [0] * len(states)
    members = [set(range(len(states)))]
    touched = set(members[0])
    while touched:
        groups: dict[int, dict[object, set[int]]] = {}
        for number in sorted(touched):
            groups.setdefault(of[number], {}).setdefault(_signature(states[number], of), set()).add(number)
        touched = set()
        for old, found in groups.items():
            moved = {number for group in found.values() for number in group}
            parts = sorted((part for part in (members[old] - moved, *found.values()) if part), key=len, reverse=True)
            members[old] = parts[0]
            for part in parts[1:]:
                for number in part:
                    of[number] = len(members)
                    touched |= callers[number]
                members.append(part)
    first = {group: min(found) for group, found in enumerate(members)}
    order = {number: place for place, number in enumerate(sorted(first.values()))}
    numbers = {number: order[first[of[number]]] for number in range(len(states))}
    return tuple(renumbered(states[number], numbers) for number in order), numbers[root]


def _signature(state: State, of: Sequence[int]) -> object:
    return tuple(
        (edge.weight, edge.label, tuple(of[part.state] if isinstance(part, Call) else part for part in edge.parts))
        for edge in state.edges
    )
