"""Graph networks: nodes with features, and edges as pairs of node numbers."""

from collections.abc import Mapping

from archc.graph import OpNode
from archc.ops.attributes import whole, word
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.plain import Plain
from archc.ops.writing import call


class GraphConv:
    """A linear map of each node, and one of what its neighbours add up to."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return both maps and the one bias."""
        d, out = node.input_types[0].sizes[1], whole(node, "out")
        maps = Weight("root.weight", (out, d)), Weight("neighbours.weight", (out, d))
        return (*maps, Weight("neighbours.bias", (out,)))

    def cost(self, node: OpNode) -> Cost:
        """Return both maps for every node."""
        v, d = node.input_types[0].sizes
        return Cost(v * d * whole(node, "out") * 2)

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        init = call(
            "GraphConv({d}, {out}",
            {"d": node.input_types[0].sizes[1], "out": whole(node, "out")},
            needs=("GraphConv",),
            agg=(word(node, "agg"), "sum"),
        )
        return Lowered(Code("{self}({0}, {1})"), init)


class GraphAttention:
    """Each node attends to itself and to the nodes whose edges reach it."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the vectors of the scores, the bias and the map."""
        d, heads, out = node.input_types[0].sizes[1], whole(node, "heads"), whole(node, "out")
        scores = Weight("source", (heads, out)), Weight("target", (heads, out))
        return (*scores, Weight("bias", (heads * out,)), Weight("linear.weight", (heads * out, d)))

    def cost(self, node: OpNode) -> Cost:
        """Return the map and two scores for every node, and one sum for every edge, those to itself included."""
        v, d = node.input_types[0].sizes
        edges = node.input_types[1].sizes[1]
        return Cost(node.outputs[0].sizes[1] * (v * d + v * 2 + edges + v))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        init = call(
            "GraphAttention({d}, {out}",
            {"d": node.input_types[0].sizes[1], "out": whole(node, "out")},
            needs=("GraphAttention",),
            heads=(whole(node, "heads"), 1),
        )
        return Lowered(Code("{self}({0}, {1})"), init)


def _readout(node: OpNode) -> Code:
    how = word(node, "agg")
    return Code(f"{{0}}.{'amax' if how == 'max' else how}(1)")


OPERATIONS: Mapping[str, Operation] = {
    "graph_conv": GraphConv(),
    "graph_attention": GraphAttention(),
    "readout": Plain(_readout),
}
