"""A network that no member of a space is -> the place where it leaves the space."""

from collections.abc import Mapping

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import NOWHERE
from archc.graph import Graph, OpNode
from archc.spaces.heads import head
from archc.spaces.parsing import Search
from archc.spaces.terms import CHANCE, WEIGHTS

MOST_SHOWN = 4


class OutsideError(ValueError):
    """A network is no member of a space; `diagnostic` tells the place where it leaves it, and what the space has there."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        label = f" ({diagnostic.label})" if diagnostic.label else ""
        super().__init__(f"{diagnostic.message}{label}")
        self.diagnostic = diagnostic


def outside(search: Search) -> Diagnostic:
    """Return where the network leaves the space, as the walks of a search found it that found nothing."""
    name = search.session.definition.name
    ended = "" if search.is_complete else "; the search ended before all was tried"
    texts = search.entered()
    if texts != search.target.inputs:
        own, other = (
            ", ".join(kind.removeprefix("Float") for kind in entry) for entry in (search.target.inputs, texts)
        )
        text = f"it takes {own}, and `{name}` is asked for at {other}"
        span = search.target.graph.nodes[0].span if search.target.graph.nodes else NOWHERE
        return Diagnostic("A0925", text, span, hint=f"give both one input type: --at '{own}'")
    nodes = {number: step.node for step in reversed(search.target.steps) for number in step.made}
    live = _live(search, nodes)
    missing = [number for number in sorted(live) if number not in search.tracer.found]
    if missing:
        node = nodes[missing[0]]
        before = sum(number in search.tracer.found for number in live)
        text = f"`{node.op}` leaves the space: {_agreeing(before)}{ended}"
        return Diagnostic("A0925", text, node.span, _instead(search, missing[0], node))
    text = f"every operation is one of a member of `{name}`, and no member has all of them together{ended}"
    last = nodes.get(search.target.results[-1]) if search.target.results else None
    follows = search.tracer.tried.get(tuple(sorted(search.target.results)), {})
    goes_on = _names([node for node in follows.values() if node is not last])
    label = f"here the space goes on with {goes_on}" if goes_on else ""
    return Diagnostic("A0925", text, last.span if last else NOWHERE, label)


def _agreeing(before: int) -> str:
    """Return what so many operations that a member makes too say of the one behind them, which none makes."""
    match before:
        case 0:
            return "no member has it at this place"
        case 1:
            return "the operation before it is that of a member, and this one is not"
        case _:
            return f"its first {before} operations are those of a member, and this one is not"


def beyond(name: str, broken: Mapping[str, str], graph: Graph | None) -> Diagnostic:
    """Return what to say of a network, or a record, that a space makes and bounds on its costs leave out.

    `broken` has what the network has instead, by bound; where that is none, costs were rounded.
    """
    span = graph.nodes[-1].span if graph is not None and graph.nodes else NOWHERE
    kind = "this record" if graph is None else "this network"
    if not broken:
        text = f"`{name}` makes {kind}, which is so near a bound that it is left out: costs are rounded there"
        return Diagnostic("A0925", text, span, hint="widen the bound")
    text = f"`{name}` makes {kind}, beyond its bound {' and '.join(broken)}: {', '.join(broken.values())}"
    return Diagnostic("A0925", text, span, hint="widen the bound, or make it smaller")


def _live(search: Search, nodes: Mapping[int, OpNode]) -> set[int]:
    """Return the values of the network that its results are made of, but for its inputs."""
    store = search.target.store
    found: set[int] = set()
    waiting = list(search.target.results)
    while waiting:
        number = waiting.pop()
        if number not in found and number in nodes:
            found.add(number)
            waiting.extend(operand for operand, _ in store.terms[number].operands)
    return found


def _instead(search: Search, number: int, wanted: OpNode) -> str:
    """Return what the space has where it has not the op that makes a value."""
    store = search.target.store
    operands = (operand for operand, _ in store.terms[number].operands)
    inputs = tuple(sorted(operand for operand in operands if store.terms[operand].head not in (WEIGHTS, CHANCE)))
    tried = list(search.tracer.tried.get(inputs, {}).values())
    alike = [node for node in tried if node.op == wanted.op]
    if alike:
        return f"here the space has {_parameters(search, alike, wanted)}"
    return f"here the space has {_names(tried)}" if tried else ""


def _parameters(search: Search, tried: list[OpNode], wanted: OpNode) -> str:
    """Return the parameters with which the space has an op, as far as they are not those of the network."""
    names = search.target.store.names
    shown = []
    for node in tried:
        own = head(wanted, names).split()
        found = [part for part in head(node, names).split() if part not in own]
        shown.append(f"{node.op}({', '.join(found)})")
    return _joined(list(dict.fromkeys(shown)))


def _names(tried: list[OpNode]) -> str:
    return _joined(list(dict.fromkeys(node.op for node in tried)))


def _joined(shown: list[str]) -> str:
    more = f" and {len(shown) - MOST_SHOWN} others" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more
