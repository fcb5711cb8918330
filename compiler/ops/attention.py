"""Attention in its forms."""

from collections.abc import Mapping

from archc.graph import OpNode
from archc.ops.attributes import flag, real, whole, word
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size, exact

_QKV = "{0}, {1}, {2}"


class Attention:
    """Scaled dot-product attention of several heads, and its variants that own no weights."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights: projections are layers of their own."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return one product for every score, and one with the values: masks save nothing, as papers count."""
        (n, queries), (m, _), _ = _sizes(node)
        return Cost(n * m * (queries + node.outputs[0].sizes[1]))

    def torch(self, node: OpNode) -> Lowered:
        """Return a function of support_sequence.py around F.scaled_dot_product_attention."""
        heads = whole(node, "heads")
        kv_heads = whole(node, "kv_heads")
        if kv_heads == heads:
            kv_heads = Size.of(0)
        code = call(
            f"attention({_QKV}, {{heads}}",
            {"heads": heads},
            needs=("attention",),
            kv_heads=(kv_heads, 0),
            causal=(flag(node, "causal"), False),
            window=(whole(node, "window"), 0),
        )
        return Lowered(code)


class BiasedAttention:
    """Attention with a given term on its scores."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return one product for every score, and one with the values."""
        (n, queries), (m, _), _ = _sizes(node)
        return Cost(n * m * (queries + node.outputs[0].sizes[1]))

    def torch(self, node: OpNode) -> Lowered:
        """Return a function of support_sequence.py around F.scaled_dot_product_attention."""
        code = call(
            f"biased_attention({_QKV}, {{3}}, {{heads}}",
            {"heads": whole(node, "heads")},
            needs=("biased_attention",),
            scale=(real(node, "scale"), 0.0),
            causal=(flag(node, "causal"), False),
        )
        return Lowered(code)


class RelativeBias:
    """A learned term for every bucket of distances."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the table."""
        return (Weight("weight", (whole(node, "buckets"), whole(node, "heads"))),)

    def cost(self, node: OpNode) -> Cost:
        """Return nothing: a look-up multiplies nothing."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        init = call(
            "RelativeBias({heads}",
            {"heads": whole(node, "heads")},
            needs=("RelativeBias",),
            buckets=(whole(node, "buckets"), 32),
            far=(whole(node, "far"), 128),
            causal=(flag(node, "causal"), False),
        )
        return Lowered(APPLY, init)


class LinearAttention:
    """Attention whose scores are a product of feature maps, in time linear in the tokens."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return the outer product of each key with its value, and the product of each query with their sum."""
        (n, keys), (m, _), (_, values) = _sizes(node)
        return Cost((n + m) * exact(keys * values, whole(node, "heads")))

    def torch(self, node: OpNode) -> Lowered:
        """Return a function of support_sequence.py."""
        name = "causal_linear_attention" if flag(node, "causal") else "linear_attention"
        heads = {"heads": whole(node, "heads")}
        return Lowered(call(f"{name}({_QKV}, {{heads}}", heads, needs=(name,), kernel=(word(node, "map"), "elu")))


class AdditiveAttention:
    """Attention whose scores come from a small network over query and key."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the two projections and the vector of scores."""
        (_, d), (_, e), _ = _sizes(node)
        hidden = whole(node, "hidden")
        return (
            Weight("query.weight", (hidden, d)),
            Weight("key.weight", (hidden, e)),
            Weight("score.weight", (Size.of(1), hidden)),
        )

    def cost(self, node: OpNode) -> Cost:
        """Return the projections, the scores and the sum of the values."""
        (n, d), (m, e), (_, f) = _sizes(node)
        hidden = whole(node, "hidden")
        return Cost(n * d * hidden + m * e * hidden + n * m * (hidden + f))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        (_, d), (_, e), _ = _sizes(node)
        sizes = {"d": d, "e": e, "hidden": whole(node, "hidden")}
        init = Code("AdditiveAttention({d}, {e}, {hidden})", sizes, ("AdditiveAttention",))
        return Lowered(Code("{self}({0}, {1}, {2})"), init)


def _sizes(node: OpNode) -> tuple[tuple[Size, Size], tuple[Size, Size], tuple[Size, Size]]:
    """Return tokens and features of the queries, the keys and the values."""
    (n, d), (m, e), (_, f) = (kind.sizes for kind in node.input_types[:3])
    return (n, d), (m, e), (m, f)


OPERATIONS: Mapping[str, Operation] = {
    "attention": Attention(),
    "biased_attention": BiasedAttention(),
    "relative_bias": RelativeBias(),
    "linear_attention": LinearAttention(),
    "additive_attention": AdditiveAttention(),
}
