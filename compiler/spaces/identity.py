"""Graph -> which architecture it is: one text for all graphs that are the same network, whatever wrote them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from archc.graph import Graph
from archc.spaces.labelling import ranks
from archc.spaces.terms import WEIGHTS, Network, Term, network


@dataclass(frozen=True, slots=True)
class Canonical:
    """An architecture: `text` has a line for each value, operands by the number of their line.

    `weights` gives the keys under which the graph keeps each set of weights (docs/weights.md), in the order of the text:
    weights of one graph stand at the same place as those of another with the same text that do the same.
    """

    text: str
    weights: tuple[tuple[str, ...], ...]


def hash_of(graph: Graph) -> str:
    """Return the identity of an architecture: 64 hexadecimal digits, the same in every process and on every machine.

    Two graphs have one hash when they are one network but for names, blocks, loops, the order of what is added, and parts
    that do nothing (docs/language.md, section 5). Weights that are shared are not weights of the same shape.
    """
    return sha256(canonical(graph).text.encode()).hexdigest()


def canonical(graph: Graph) -> Canonical:
    """Return the canonical form of a graph, of which `hash_of` is the hash."""
    found = network(graph)
    order = ranks(found.terms, found.results)
    lines = [f"inputs {'; '.join(found.inputs)}"]
    numbers: dict[int, int] = {}
    for number in _sequence(found, order):
        numbers[number] = len(numbers)
        lines.append(_line(found.terms[number], numbers, order))
    lines.append(f"results {' '.join(str(numbers[number]) for number in found.results)}")
    weights = tuple(found.layers[number] for number in numbers if found.terms[number].head == WEIGHTS)
    return Canonical("\n".join(lines) + "\n", weights)


def _sequence(found: Network, order: Mapping[int, int]) -> list[int]:
    """Return the terms in the order of the text: from the results down, and each behind its operands."""
    made: dict[int, None] = {}
    waiting = list(reversed(found.results))
    while waiting:
        number = waiting.pop()
        if number in made:
            continue
        missing = [operand for operand, _ in _operands(found.terms[number], order) if operand not in made]
        if missing:
            waiting.append(number)
            waiting.extend(reversed(missing))
        else:
            made[number] = None
    return list(made)


def _operands(term: Term, order: Mapping[int, int]) -> Sequence[tuple[int, int]]:
    return sorted(term.operands, key=lambda pair: order[pair[0]]) if term.is_merge else term.operands


def _line(term: Term, numbers: Mapping[int, int], order: Mapping[int, int]) -> str:
    if term.is_merge:
        pairs = sorted((numbers[operand], times) for operand, times in term.operands)
        return " ".join([term.head, *(str(number) if times == 1 else f"{times}*{number}" for number, times in pairs)])
    return " ".join([term.head, *(str(numbers[operand]) for operand, _ in term.operands)])
