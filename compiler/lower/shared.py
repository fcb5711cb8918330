"""A network -> nothing, or a complaint: a layer with one set of weights is one module, and runs the same steps always."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from archc.grammar.diagnostics import CompileError, Diagnostic, Note
from archc.grammar.source import Span
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.lower.body import Entry, Make, Member, Move, Reader
from archc.lower.weights import distinct

Path = tuple[str | int, ...]
"""Where the weights of a layer lie: the keys from the outermost graph on."""


def check_shared_steps(reader: Reader, graph: Graph) -> None:
    """Compare the steps of the mentions of each layer that lies in a `let`.

    Raises CompileError (A0705) where two mentions at different types are different code: one module has one forward.
    """
    if any(_may_share(inner) for inner in _all(graph, {}).values()):
        _Comparison(reader).walk(graph, (), {})


def _all(graph: Graph, found: dict[int, Graph]) -> dict[int, Graph]:
    """Return `graph` and all graphs in it, each object once."""
    if id(graph) not in found:
        found[id(graph)] = graph
        for node in graph.nodes:
            for inner in _inside(node):
                _all(inner, found)
    return found


def _inside(node: OpNode | CallNode | LoopNode) -> tuple[Graph, ...]:
    match node:
        case OpNode():
            return ()
        case CallNode():
            return (node.graph,)
        case LoopNode():
            return distinct(node)


def _may_share(graph: Graph) -> bool:
    calls = [node for node in graph.nodes if isinstance(node, CallNode)]
    graphs = {(node.key, id(node.graph)) for node in calls}
    return any(node.borrowed for node in calls) or len({key for key, _ in graphs}) < len(graphs)


@dataclass(slots=True)
class _Comparison:
    """The first graph and place of each layer, by where its weights lie."""

    reader: Reader
    first: dict[Path, tuple[Graph, Span]] = field(default_factory=dict)

    def walk(self, graph: Graph, here: Path, outside: Mapping[str, Path]) -> None:
        """Visit every mention in `graph`, whose borrowed names lie at `outside`."""
        for node in graph.nodes:
            if isinstance(node, OpNode):
                continue
            own = outside.get(node.key, (*here, node.key))
            lent = {inner: outside.get(outer, (*here, outer)) for inner, outer in node.lends}
            if isinstance(node, LoopNode):
                for index, step in enumerate(distinct(node)):
                    self.walk(step, (*own, index), lent)
                continue
            first, place = self.first.setdefault(own, (node.graph, node.span))
            if first is node.graph and place is not node.span:
                continue
            if not self._same(first, node.graph):
                raise CompileError([_differing(first, place, node)])
            self.walk(node.graph, own, lent)

    def _same(self, one: Graph, other: Graph) -> bool:
        if one is other:
            return True
        left, right = self.reader.read(one), self.reader.read(other)
        return (
            (left.results, left.sizes) == (right.results, right.sizes)
            and list(map(_step, left.moves)) == list(map(_step, right.moves))
            and all(a and b and self._same_member(a, b) for a, b in zip_longest(left.members, right.members))
        )

    def _same_member(self, one: Member, other: Member) -> bool:
        pairs = zip_longest(one.entries, other.entries)
        return one.key == other.key and all(a and b and self._same_entry(a, b) for a, b in pairs)

    def _same_entry(self, one: Entry, other: Entry) -> bool:
        if isinstance(one, Make) and isinstance(other, Make):
            return self._same(one.graph, other.graph)
        return one == other


def _step(move: Move) -> tuple[object, ...]:
    """Return everything of a move but its types."""
    return move.code, move.refs, move.inputs, move.outputs, move.loop, move.times, move.carried


def _differing(first: Graph, place: Span, node: CallNode) -> Diagnostic:
    one, other = (", ".join(str(entry.type) for entry in graph.inputs) for graph in (first, node.graph))
    text = f"this layer has one set of weights, and its steps at {other} differ from those at {one}"
    notes = (Note(one, "is what its first mention gets", place),)
    hint = "put only the op with the weights into the `let`, and write the steps around it at each mention"
    return Diagnostic("A0705", text, node.span, "", notes, hint)
