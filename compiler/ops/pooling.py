"""Pooling and resampling."""

from collections.abc import Mapping

from archc.graph import OpNode, Static
from archc.ops.attributes import flag, whole, word
from archc.ops.base import Code, Operation
from archc.ops.plain import Plain, fixed
from archc.ops.writing import call
from archc.sizes.size import Size


def _max_pool(node: OpNode) -> Code:
    k = whole(node, "k")
    return call(
        f"F.max_pool{_rank(node)}d({{0}}, {{k}}",
        {"k": k},
        stride=(whole(node, "stride"), k.constant),
        padding=(whole(node, "pad"), 0),
        dilation=(whole(node, "dilation"), 1),
    )


def _avg_pool(node: OpNode) -> Code:
    k, stride, pad = whole(node, "k"), whole(node, "stride"), whole(node, "pad")
    padless = pad.constant == 0
    if _rank(node) == 3 and not padless and not _known_to_hold(node, k):
        return _padded_avg_pool(node)
    return call(
        f"F.avg_pool{_rank(node)}d({{0}}, {{k}}",
        {"k": k},
        stride=(stride, k.constant),
        padding=(pad, 0),
        count_include_pad=(padless or flag(node, "count_pad"), True),
    )


def _known_to_hold(node: OpNode, k: Size) -> bool:
    """Tell whether every axis is at least `k` long, which torch asks of avg_pool3d before it pads."""
    sizes = [size.constant for size in node.input_types[0].sizes[1:]]
    return k.constant is not None and all(size is not None and size >= k.constant for size in sizes)


def _padded_avg_pool(node: OpNode) -> Code:
    k, stride, pad = whole(node, "k"), whole(node, "stride"), whole(node, "pad")
    if flag(node, "count_pad"):
        padded: dict[str, Static] = {"amounts": (pad,) * 6, "k": k}
        return call("F.avg_pool3d(F.pad({0}, {amounts}), {k}", padded, stride=(stride, k.constant))
    values = {"k": k, "stride": stride, "pad": pad}
    return Code("avg_pool3d_inside({0}, {k}, {stride}, {pad})", values, ("avg_pool3d_inside",))


def _adaptive(kind: str) -> Plain:
    return Plain(
        lambda node: Code(f"F.adaptive_{kind}_pool{_rank(node)}d({{0}}, {{size}})", {"size": whole(node, "size")})
    )


def _global_avg_pool(node: OpNode) -> Code:
    axes = ", ".join(str(axis + 2) for axis in range(_rank(node)))
    return Code(f"{{0}}.mean(({axes}))" if _rank(node) > 1 else "{0}.mean(2)")


def _upsample(node: OpNode) -> Code:
    values = {"scale": whole(node, "scale")}
    return call("F.interpolate({0}, scale_factor={scale}", values, mode=(word(node, "mode"), "nearest"))


def _rank(node: OpNode) -> int:
    return len(node.input_types[0].dims) - 1


OPERATIONS: Mapping[str, Operation] = {
    "max_pool": Plain(_max_pool),
    "avg_pool": Plain(_avg_pool),
    "adaptive_avg_pool": _adaptive("avg"),
    "adaptive_max_pool": _adaptive("max"),
    "global_avg_pool": Plain(_global_avg_pool),
    "mean_tokens": fixed("{0}.mean(1)"),
    "upsample": Plain(_upsample),
    "pixel_shuffle": Plain(lambda node: Code("F.pixel_shuffle({0}, {r})", {"r": whole(node, "r")})),
    "pixel_unshuffle": Plain(lambda node: Code("F.pixel_unshuffle({0}, {r})", {"r": whole(node, "r")})),
}
