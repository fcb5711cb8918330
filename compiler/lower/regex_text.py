"""A forest without recursion, lists without end apart -> one regular expression."""

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Call, Edge, Forest, Lexeme, Literal, Part
from archc.lower.dialect import REGEX, fitted
from archc.lower.ecma import pattern
from archc.names.cycles import components
from archc.regular.language import Choice, Regular, Repeat, Series, choice, literal, repeat, series

CHARACTERS = 100_000
"""So many characters and classes may be in one regular expression."""

NESTING = 200


def to_regex(forest: Forest, limits: Limits = DEFAULT) -> str:
    """Return a regular expression for all of what `forest` derives, read alike by ECMAScript, Rust and Python.

    Raises CompileError: A0544 when the forest recurs but at an end, A0545 when the expression would be too long or nest too deep, and
    A0541 and A0542 when the forest is too large.
    """
    forest = fitted(forest, REGEX, limits)
    graph = [
        {part.state: None for edge in state.edges for part in _once(number, edge) if isinstance(part, Call)}
        for number, state in enumerate(forest.states)
    ]
    cycles = components(graph, range(len(graph)))
    if cycles:
        name = forest.states[cycles[0][0]].name
        text = f"a regular expression cannot count what it has opened, and `{name}` is inside itself"
        raise CompileError([Diagnostic("A0544", text, hint="--to ebnf, gbnf or lark")])
    found: dict[int, Regular] = {}
    waiting = [forest.root]
    while waiting:
        number = waiting[-1]
        missing = [state for state in graph[number] if state not in found]
        waiting.extend(missing)
        if missing:
            continue
        waiting.pop()
        again: list[Regular] = []
        arms: list[Regular] = []
        for edge in forest.states[number].edges:
            parts = _once(number, edge)
            (arms if parts == edge.parts else again).append(series(*(_part(part, found) for part in parts)))
        found[number] = series(repeat(choice(*again), 0, None), _folded(arms)) if again else _folded(arms)
        _require_size(found[number], forest)
    return pattern(found[forest.root])


def _once(number: int, edge: Edge) -> tuple[Part, ...]:
    """Return the parts of an edge of the state `number` without its mention of the state itself at their end."""
    return edge.parts[:-1] if edge.parts and edge.parts[-1] == Call(number) else edge.parts


def _part(part: Part, found: dict[int, Regular]) -> Regular:
    match part:
        case Literal(text):
            return literal(text)
        case Lexeme(_, language):
            return language
        case Call(state):
            return found[state]


def _folded(arms: list[Regular]) -> Regular:
    """Return a choice; of two arms of which one ends with the other, what they share is written once."""
    if len(arms) == 2:
        short, long = sorted((_items(arm) for arm in arms), key=len)
        if short and long[-len(short) :] == short:
            more = long[: -len(short)]
            last = more[-1] if more else None
            if isinstance(last, Repeat) and last.low == 0 and last.high is not None and _items(last.body) == more[:-1]:
                return series(repeat(last.body, 0, last.high + 1), *short)
            return series(repeat(series(*more), 0, 1), *short)
    return choice(*arms)


def _items(language: Regular) -> tuple[Regular, ...]:
    return language.parts if isinstance(language, Series) else (language,)


def _require_size(language: Regular, forest: Forest) -> None:
    waiting = [(language, 0)]
    for _ in range(CHARACTERS):
        if not waiting:
            return
        node, depth = waiting.pop()
        if depth > NESTING:
            break
        match node:
            case Series(parts):
                waiting.extend((part, depth + 1) for part in parts)
            case Choice(arms):
                waiting.extend((arm, depth + 1) for arm in arms)
            case Repeat(body):
                waiting.append((body, depth + 1))
    name = forest.states[forest.root].name
    text = f"`{name}` as one regular expression takes over {CHARACTERS:,} characters, or {NESTING} groups in each other"
    raise CompileError([Diagnostic("A0545", text, hint="--to ebnf, gbnf or lark")])
