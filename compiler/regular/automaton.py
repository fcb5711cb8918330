"""Finite automata over characters: made deterministic, made small, intersected, counted, matched, sampled."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

Ranges = tuple[tuple[int, int], ...]
"""Sets of code points: closed intervals, ascending, apart."""

STATES = 10_000
WORK = 1_500_000


class TooLarge(Exception):
    """An automaton needs more states, or more work, than it may."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Code points in classes that no automaton tells apart inside: the class of each interval, -1 for none."""

    starts: tuple[int, ...]
    symbols: tuple[int, ...]
    members: tuple[Ranges, ...]

    def symbol(self, char: str) -> int:
        """Return the class of a character, or -1."""
        return self.symbols[bisect_right(self.starts, ord(char)) - 1]

    def size(self, symbol: int) -> int:
        """Return how many characters are in a class."""
        return sum(high - low + 1 for low, high in self.members[symbol])


@dataclass(frozen=True, slots=True)
class Automaton:
    """A deterministic automaton from state 0. From every state but possibly 0 an accepting one is reached."""

    alphabet: Alphabet
    moves: tuple[Mapping[int, int], ...]
    accepting: frozenset[int]


@dataclass(slots=True)
class Net:
    """A nondeterministic automaton while it is drawn."""

    most: int = 4 * STATES
    empty: list[list[int]] = field(default_factory=list)
    moves: list[list[tuple[Ranges, int]]] = field(default_factory=list)

    def state(self) -> int:
        """Return a new state. Raises TooLarge when there are more than an automaton may need."""
        if len(self.empty) > self.most:
            raise TooLarge
        self.empty.append([])
        self.moves.append([])
        return len(self.empty) - 1


# ---------------------------------------------------------------- alphabets
def alphabet(sets: Iterable[Ranges]) -> Alphabet:
    """Return the coarsest classes of characters of which each of `sets` is a union."""
    opening: dict[int, list[int]] = {}
    for number, ranges in enumerate(dict.fromkeys(sets)):
        for low, high in ranges:
            opening.setdefault(low, []).append(number)
            opening.setdefault(high + 1, []).append(number)
    starts, symbols = [0], [-1]
    classes: dict[frozenset[int], int] = {}
    members: list[list[tuple[int, int]]] = []
    inside: frozenset[int] = frozenset()
    for start in sorted(opening):
        if symbols[-1] >= 0:
            members[symbols[-1]].append((starts[-1], start - 1))
        inside = inside.symmetric_difference(opening[start])
        if inside and inside not in classes:
            classes[inside] = len(members)
            members.append([])
        starts.append(start)
        symbols.append(classes[inside] if inside else -1)
    return Alphabet(tuple(starts), tuple(symbols), tuple(tuple(ranges) for ranges in members))


def _covered(alphabet: Alphabet, ranges: Ranges) -> tuple[int, ...]:
    """Return the classes that make up `ranges`."""
    found: dict[int, None] = {}
    for low, high in ranges:
        at = bisect_right(alphabet.starts, low) - 1
        while at < len(alphabet.starts) and alphabet.starts[at] <= high:
            found[alphabet.symbols[at]] = None
            at += 1
    return tuple(found)


# ---------------------------------------------------------------- making
def deterministic(net: Net, start: int, final: int, *, most: int = STATES) -> Automaton:
    """Return an automaton for the words that lead from `start` to `final`.

    Raises TooLarge when that takes more than `most` states, or work in proportion.
    """
    letters = alphabet(ranges for moves in net.moves for ranges, _ in moves)
    symbols = {ranges: _covered(letters, ranges) for moves in net.moves for ranges, _ in moves}
    budget = [WORK * most // STATES]
    first = _closure(net, (start,), budget)
    numbers = {first: 0}
    waiting = [first]
    moves: list[dict[int, int]] = []
    for subset in waiting:
        reached: dict[int, set[int]] = {}
        for state in subset:
            for ranges, target in net.moves[state]:
                budget[0] -= len(symbols[ranges])
                for symbol in symbols[ranges]:
                    reached.setdefault(symbol, set()).add(target)
        known: dict[frozenset[int], int] = {}
        row: dict[int, int] = {}
        for symbol, targets in sorted(reached.items()):
            key = frozenset(targets)
            if key not in known:
                closed = _closure(net, key, budget)
                if closed not in numbers:
                    numbers[closed] = len(waiting)
                    waiting.append(closed)
                known[key] = numbers[closed]
            row[symbol] = known[key]
        moves.append(row)
        if len(waiting) > most:
            raise TooLarge
    return trimmed(letters, moves, [number for subset, number in numbers.items() if final in subset])


def _closure(net: Net, states: Iterable[int], budget: list[int]) -> frozenset[int]:
    found = set(states)
    waiting = list(found)
    while waiting:
        for target in net.empty[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    budget[0] -= len(found)
    if budget[0] < 0:
        raise TooLarge
    return frozenset(found)


def trimmed(letters: Alphabet, moves: Sequence[Mapping[int, int]], accepting: Iterable[int]) -> Automaton:
    """Return the automaton of the states that lie on a way from 0 to an accepting one."""
    back: list[list[int]] = [[] for _ in moves]
    for state, row in enumerate(moves):
        for target in row.values():
            back[target].append(state)
    ends = set(accepting)
    live = _reached(back, ends)
    order = [state for state in _order([row.values() for row in moves]) if state in live or state == 0]
    numbers = {state: number for number, state in enumerate(order)}
    rows = ({symbol: numbers[to] for symbol, to in moves[state].items() if to in live} for state in order)
    return Automaton(letters, tuple(rows), frozenset(numbers[end] for end in ends if end in numbers))


def _reached(graph: Sequence[Iterable[int]], starts: Iterable[int]) -> set[int]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        for target in graph[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _order(graph: Sequence[Iterable[int]]) -> list[int]:
    """Return what is reached from 0, breadth first."""
    found = {0: None}
    waiting = [0]
    for state in waiting:
        for target in graph[state]:
            if target not in found:
                found[target] = None
                waiting.append(target)
    return waiting


def smallest(automaton: Automaton) -> Automaton:
    """Return the automaton with the fewest states for the same words (Hopcroft 1971)."""
    back: dict[int, dict[int, list[int]]] = {}
    for state, row in enumerate(automaton.moves):
        for symbol, target in row.items():
            back.setdefault(symbol, {}).setdefault(target, []).append(state)
    count = len(automaton.moves)
    others = set(range(count)) - automaton.accepting
    blocks = [set(block) for block in (automaton.accepting, others) if block]
    of = {state: number for number, block in enumerate(blocks) for state in block}
    waiting = [(number, symbol) for number in range(len(blocks)) for symbol in back]
    pending = set(waiting)
    while waiting:
        splitter = waiting.pop()
        pending.discard(splitter)
        sources = back[splitter[1]]
        hit: dict[int, set[int]] = {}
        for target in blocks[splitter[0]]:
            for state in sources.get(target, ()):
                hit.setdefault(of[state], set()).add(state)
        for number, part in hit.items():
            if len(part) == len(blocks[number]):
                continue
            rest = blocks[number] - part
            blocks[number], fresh = (rest, part) if len(part) <= len(rest) else (part, rest)
            blocks.append(fresh)
            of.update(dict.fromkeys(fresh, len(blocks) - 1))
            waiting.extend((len(blocks) - 1, symbol) for symbol in back)
    return _quotient(automaton, of, blocks)


def _quotient(automaton: Automaton, of: Mapping[int, int], blocks: Sequence[set[int]]) -> Automaton:
    numbers = {of[0]: 0}
    for state in range(len(automaton.moves)):
        numbers.setdefault(of[state], len(numbers))
    rows: list[dict[int, int]] = [{} for _ in blocks]
    for block, number in numbers.items():
        row = automaton.moves[next(iter(blocks[block]))]
        rows[number] = {symbol: numbers[of[target]] for symbol, target in row.items()}
    accepting = frozenset(numbers[of[state]] for state in automaton.accepting)
    return Automaton(automaton.alphabet, tuple(rows), accepting)


# ---------------------------------------------------------------- combining
def intersection(one: Automaton, other: Automaton) -> Automaton:
    """Return an automaton for the words of both. Raises TooLarge."""
    letters = alphabet((*one.alphabet.members, *other.alphabet.members))
    pairs: list[tuple[int, int]] = []
    for ranges in letters.members:
        char = chr(ranges[0][0])
        pairs.append((one.alphabet.symbol(char), other.alphabet.symbol(char)))
    numbers = {(0, 0): 0}
    waiting = [(0, 0)]
    moves: list[dict[int, int]] = []
    for left, right in waiting:
        row: dict[int, int] = {}
        for symbol, (mine, theirs) in enumerate(pairs):
            target = (one.moves[left].get(mine), other.moves[right].get(theirs))
            if target[0] is None or target[1] is None:
                continue
            both = (target[0], target[1])
            if both not in numbers:
                numbers[both] = len(waiting)
                waiting.append(both)
            row[symbol] = numbers[both]
        moves.append(row)
        if len(waiting) > STATES:
            raise TooLarge
    ends = [n for (left, right), n in numbers.items() if left in one.accepting and right in other.accepting]
    return trimmed(letters, moves, ends)


def bounded(automaton: Automaton, low: int, high: int | None) -> Automaton:
    """Return an automaton for the words of `low` to `high` characters. Raises TooLarge."""
    if (low if high is None else high) > STATES:
        raise TooLarge
    top = low if high is None else high
    numbers = {(0, 0): 0}
    waiting = [(0, 0)]
    moves: list[dict[int, int]] = []
    for state, length in waiting:
        row: dict[int, int] = {}
        after = min(length + 1, top) if high is None else length + 1
        for symbol, target in automaton.moves[state].items() if after <= top else ():
            if (target, after) not in numbers:
                numbers[target, after] = len(waiting)
                waiting.append((target, after))
            row[symbol] = numbers[target, after]
        moves.append(row)
        if len(waiting) > STATES:
            raise TooLarge
    ends = [n for (state, length), n in numbers.items() if state in automaton.accepting and length >= low]
    return smallest(trimmed(automaton.alphabet, moves, ends))


# ---------------------------------------------------------------- asking
def is_empty(automaton: Automaton) -> bool:
    """Whether there is no word at all."""
    return not automaton.accepting


def matches(automaton: Automaton, text: str) -> bool:
    """Whether `text` is a word; in time linear in its length."""
    state = 0
    for char in text:
        target = automaton.moves[state].get(automaton.alphabet.symbol(char))
        if target is None:
            return False
        state = target
    return state in automaton.accepting


def count(automaton: Automaton) -> int | None:
    """Return how many words there are; None when they never end."""
    before = [0] * len(automaton.moves)
    for row in automaton.moves:
        for target in row.values():
            before[target] += 1
    ready = [state for state, number in enumerate(before) if number == 0]
    ways = [0] * len(automaton.moves)
    ways[0] = 1
    for state in ready:
        for symbol, target in automaton.moves[state].items():
            ways[target] += ways[state] * automaton.alphabet.size(symbol)
            before[target] -= 1
            if before[target] == 0:
                ready.append(target)
    return sum(ways[state] for state in automaton.accepting) if len(ready) == len(automaton.moves) else None


def counts(automaton: Automaton, longest: int) -> tuple[int, ...]:
    """Return how many words there are of each length from 0 to `longest`."""
    return tuple(row[0] for row in _completions(automaton, longest))


def _completions(automaton: Automaton, longest: int) -> list[list[int]]:
    """Return, for each length up to `longest`, how many words of that length each state completes."""
    sizes = [automaton.alphabet.size(symbol) for symbol in range(len(automaton.alphabet.members))]
    rows = [[int(state in automaton.accepting) for state in range(len(automaton.moves))]]
    for _ in range(longest):
        last = rows[-1]
        rows.append([sum(sizes[symbol] * last[to] for symbol, to in row.items()) for row in automaton.moves])
    return rows


def uniform(automaton: Automaton, rng: Random, longest: int) -> str | None:
    """Return a word of at most `longest` characters, each as likely as any other; None when there is none."""
    rows = _completions(automaton, longest)
    rank = rng.randrange(total) if (total := sum(row[0] for row in rows)) else -1
    if rank < 0:
        return None
    left = 0
    while rank >= rows[left][0]:
        rank -= rows[left][0]
        left += 1
    state, word = 0, []
    while left:
        left -= 1
        for symbol, target in automaton.moves[state].items():
            ways = rows[left][target]
            here = automaton.alphabet.size(symbol) * ways
            if rank < here:
                word.append(member(automaton.alphabet.members[symbol], rank // ways))
                rank, state = rank % ways, target
                break
            rank -= here
    return "".join(word)


def member(ranges: Ranges, rank: int) -> str:
    """Return the character of `ranges` with that rank, counted from 0."""
    for low, high in ranges:
        if rank <= high - low:
            return chr(low + rank)
        rank -= high - low + 1
    raise AssertionError((ranges, rank))
