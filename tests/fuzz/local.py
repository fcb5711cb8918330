"""Calls of structure, merging, linear, pooling, norm and pointwise ops, with torch's own answers."""

from collections.abc import Callable, Mapping
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fuzz.calls import Argument, Arguments, Network, Op
from fuzz.kinds import Both, Kind, Kinds, Tensors, kind, leaves, size

BROADCAST = "sizes of 1 and missing axes are not stretched"
ONE_VALUE = "what takes a tuple is not given a single tensor"
UNEQUAL = "torch hands out a smaller last chunk, or fewer; chunk makes n equal ones"
NEGATIVE = "torch reads a negative place from the end here; a nat or an order does not"
LEADING = "torch carries axes in front along; the type has three axes"
NUMBERS = "layers compute with numbers; ids are embedded first"
MIXED = "torch turns ids into numbers to join both"
SCALAR = "torch lets a scalar have the axes 0 and -1; it has none"


def whole(arguments: Arguments, name: str, otherwise: int = 1) -> int:
    """Return a whole argument, or what it is where none is given."""
    value = arguments.get(name, otherwise)
    assert isinstance(value, int), (name, value)
    return value


def flag(arguments: Arguments, name: str, otherwise: bool) -> bool:
    """Return a flag, or what it is where none is given."""
    return bool(arguments.get(name, otherwise))


def one(given: Tensors) -> Tensor:
    """Return the only tensor; torch's functions take no tuple for it."""
    if not isinstance(given, Tensor):
        raise TypeError("one tensor")
    return given


def pair(given: Tensors) -> tuple[Tensors, Tensors]:
    """Return the two of a pair."""
    if isinstance(given, Tensor):
        raise TypeError("a pair")
    first, second = given
    return first, second


def maybe(random: Random, chance: float, entries: Mapping[str, Callable[[], Argument]]) -> dict[str, Argument]:
    """Return some of the entries."""
    return {name: draw() for name, draw in entries.items() if random.random() < chance}


# ---------------------------------------------------------------- structure
NETWORKS = (
    Network("silu", lambda x: F.silu(one(x))),
    Network("linear(3)", lambda x: F.linear(one(x), torch.randn(3, one(x).shape[-1]))),
    Network("(glu -> tanh)", lambda x: torch.tanh(F.glu(one(x), -1))),
    Network("transpose", lambda x: torch.einsum("ij->ji", one(x))),
    Network("id", lambda x: x),
)


def _several(random: Random) -> Kinds:
    count = random.randint(1, 4)
    entry: Kinds = kind(random, 0, 3)
    if random.random() < 0.15:
        entry = Both((entry, kind(random, 0, 2)))
    if random.random() < 0.15:
        entry = Kind(next(iter(leaves(entry))).dims, 4)
    return Both((entry,) * count) if count > 1 else entry


def _any(random: Random) -> Kinds:
    return _several(random) if random.random() < 0.5 else kind(random, 0, 5)


def _pair(random: Random) -> Kinds:
    return Both((kind(random, 0, 3), _any(random)))


def _each(arguments: Arguments, given: Tensors) -> Tensors:
    network = arguments["f"]
    assert isinstance(network, Network)
    if isinstance(given, Tensor):
        raise TypeError("a tuple")
    return tuple(network.run(item) for item in given)


def _par(arguments: Arguments, given: Tensors) -> Tensors:
    left, right = arguments["f"], arguments["g"]
    assert isinstance(left, Network) and isinstance(right, Network)
    first, second = pair(given)
    return left.run(first), right.run(second)


def _ids_enter(arguments: Arguments, into: Kinds) -> str:
    """Decline ids where they meet a layer that computes; torch moves whole numbers about as well."""
    parts = into.items if isinstance(into, Both) else (into,)
    networks = [arguments["f"], arguments["g"]] if "g" in arguments else [arguments["f"]] * len(parts)
    for network, part in zip(networks, parts, strict=False):
        if isinstance(network, Network) and network.text != "id" and any(x.bound is not None for x in leaves(part)):
            return NUMBERS
    return ""


def _mapped(change: Callable[[Tensor], Tensor], given: Tensors) -> Tensors:
    return change(given) if isinstance(given, Tensor) else tuple(_mapped(change, item) for item in given)


def _folded(join: Callable[[Tensor, Tensor], Tensor], given: Tensors) -> Tensors:
    """Join the items of a tuple leaf by leaf."""
    if isinstance(given, Tensor):
        raise TypeError("a tuple")

    def both(left: Tensors, right: Tensors) -> Tensors:
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            return join(left, right)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            raise TypeError("a tuple and a tensor")
        return tuple(both(*items) for items in zip(left, right, strict=True))

    total = given[0]
    for item in given[1:]:
        total = both(total, item)
    return total


def _unlike(arguments: Arguments, into: Kinds) -> str:
    """Decline operands of several types."""
    return BROADCAST if isinstance(into, Both) and len(set(into.items)) > 1 else ""


def _merge(join: Callable[[Tensor, Tensor], Tensor], *, ids: bool = False) -> Op:
    return Op(_several, lambda a, x: _folded(join, x), declines=_unlike, ids=ids)


# ---------------------------------------------------------------- merging
def _axis(random: Random, rank: int, extra: int = 0) -> int:
    least, most = -rank - extra, rank - 1 + extra
    return random.randint(least, most) if least <= most and random.random() < 0.85 else random.randint(-6, 6)


def _first_rank(into: Kinds) -> int:
    return len(next(leaves(into)).dims)


def _with_axis(random: Random, into: Kinds) -> Arguments:
    return maybe(random, 0.8, {"axis": lambda: _axis(random, _first_rank(into))})


def _with_place(random: Random, into: Kinds) -> Arguments:
    return maybe(random, 0.8, {"axis": lambda: _axis(random, _first_rank(into), 1)})


def _joinable(random: Random) -> Kinds:
    first = kind(random, 1, 3, 4)
    axis = random.randrange(len(first.dims))
    items = [first]
    for _ in range(random.randint(1, 2)):
        dims = list(first.dims)
        dims[axis if random.random() < 0.9 else random.randrange(len(dims))] = size(random)
        items.append(Kind(tuple(dims)))
    return Both(tuple(items))


def _concat_arguments(random: Random, into: Kinds) -> Arguments:
    entries = list(leaves(into))
    ranks = {len(entry.dims) for entry in entries}
    if len(ranks) != 1 or random.random() < 0.2:
        return _with_axis(random, into)
    differing = [
        axis for axis, sizes in enumerate(zip(*(entry.dims for entry in entries), strict=True)) if len(set(sizes)) > 1
    ]
    axis = differing[0] if differing else random.randrange(max(1, ranks.pop()))
    return {"axis": axis - _first_rank(into) if random.random() < 0.4 else axis}


def _sequence(given: Tensors) -> tuple[Tensor, ...]:
    if isinstance(given, Tensor):
        raise TypeError("a tuple")
    return tuple(one(item) for item in given)


def _concat(arguments: Arguments, given: Tensors) -> Tensors:
    return torch.cat(_sequence(given), whole(arguments, "axis", 0))


def _concat_declines(arguments: Arguments, into: Kinds) -> str:
    if len({entry.bound for entry in leaves(into)}) > 1:
        return MIXED
    return BROADCAST if any(entry.dims == (0,) for entry in leaves(into)) else ""


def _stack(arguments: Arguments, given: Tensors) -> Tensors:
    return torch.stack(_sequence(given), whole(arguments, "axis", 0))


def _pad(arguments: Arguments, given: Tensors) -> Tensors:
    _, *axes = one(given).shape
    amounts = (whole(arguments, "before"), whole(arguments, "after")) * len(axes)
    return F.pad(one(given), amounts, value=float(arguments.get("value", 0.0)))


def _chunk_arguments(random: Random, into: Kinds) -> Arguments:
    entry = next(leaves(into))
    return {"n": random.choice([1, 2, 3, 4, *entry.dims]), **_with_axis(random, into)}


def _chunk(arguments: Arguments, given: Tensors) -> Tensors:
    return one(given).chunk(whole(arguments, "n"), whole(arguments, "axis", 0))


def _chunk_declines(arguments: Arguments, into: Kinds) -> str:
    dims = next(leaves(into)).dims
    axis = whole(arguments, "axis", 0)
    return UNEQUAL if -len(dims) <= axis < len(dims) and dims[axis] % whole(arguments, "n") else ""


def _split_arguments(random: Random, into: Kinds) -> Arguments:
    dims = next(leaves(into)).dims
    axis = _axis(random, len(dims))
    rest = dims[axis] if -len(dims) <= axis < len(dims) else 4
    sizes = []
    while rest > 0 and len(sizes) < 4:
        sizes.append(random.randint(1, rest))
        rest -= sizes[-1]
    if rest or random.random() < 0.15:
        sizes.append(random.randint(0, 3))
    return {"sizes": tuple(sizes), "axis": axis}


def _split(arguments: Arguments, given: Tensors) -> Tensors:
    sizes = arguments["sizes"]
    assert isinstance(sizes, tuple)
    return one(given).split(list(sizes), whole(arguments, "axis", 0))


def _matrices(random: Random) -> Kinds:
    front = kind(random, 0, 2, 3).dims
    n, k, m = (size(random, 5) for _ in range(3))
    return Both((Kind((*front, n, k)), Kind((*front, k, m))))


def _matmul(arguments: Arguments, given: Tensors) -> Tensors:
    left, right = _sequence(given)
    return left @ right


def _matmul_declines(arguments: Arguments, into: Kinds) -> str:
    left, right = leaves(into)
    return BROADCAST if min(len(left.dims), len(right.dims)) < 2 or left.dims[:-2] != right.dims[:-2] else ""


def _gated(random: Random) -> Kinds:
    entry = kind(random, 1, 4)
    return Both((entry, Kind(entry.dims[:1])))


def _gate(arguments: Arguments, given: Tensors) -> Tensors:
    x, weights = _sequence(given)
    (c,) = weights.shape
    return x * weights.reshape(c, *(1 for _ in x.shape[1:]))


def _gate_declines(arguments: Arguments, into: Kinds) -> str:
    x, weights = leaves(into)
    return BROADCAST if x.dims[:1] != weights.dims else ""


# ---------------------------------------------------------------- linear and convolution
def _picture(random: Random) -> Kinds:
    return Kind((random.choice([1, 2, 4, 4, 6, 8]), *kind(random, 1, 3, 8).dims))


def _window(random: Random, *, pad: bool = True, **more: Callable[[], Argument]) -> Arguments:
    entries: dict[str, Callable[[], Argument]] = {"stride": lambda: random.choice([1, 1, 2, 2, 3, 4, 0])}
    if pad:
        entries["pad"] = lambda: random.choice([0, 1, 1, 2, 3, -1])
    return {"k": random.choice([1, 1, 2, 2, 3, 3, 3, 4, 5, 7, 0]), **maybe(random, 0.4, {**entries, **more})}


def _conv_arguments(random: Random, into: Kinds) -> Arguments:
    groups = random.choice([1, 2, 2, 3, 4])
    return {
        "out": random.choice([1, 2, 4, 4, 6, 8, groups, 2 * groups]),
        **_window(random, dilation=lambda: random.choice([1, 2, 2, 3, 0]), groups=lambda: groups, bias=lambda: False),
    }


def _named(prefix: str, spatial: int, owner: object) -> Callable[..., object]:
    """Return the function or module of torch for so many axes; AttributeError where it has none."""
    found = getattr(owner, f"{prefix}{spatial}d")
    assert callable(found)
    return found


def _spatial(given: Tensors) -> int:
    return len(one(given).shape) - 1


def _applied(module: object, given: Tensors) -> Tensors:
    """Return a module's answer for a sample, which enters in a batch of two."""
    assert isinstance(module, nn.Module)
    x = one(given)
    result = module(torch.stack((x, x)))
    assert isinstance(result, Tensor)
    return result[0]


def _conv(arguments: Arguments, given: Tensors) -> Tensors:
    names = {"stride": "stride", "pad": "padding", "dilation": "dilation", "groups": "groups", "bias": "bias"}
    options = {to: arguments[name] for name, to in names.items() if name in arguments}
    make = _named("Conv", _spatial(given), nn)
    return _applied(make(one(given).shape[0], arguments["out"], arguments["k"], **options), given)


def _depthwise_arguments(random: Random, into: Kinds) -> Arguments:
    return _window(
        random, dilation=lambda: random.choice([1, 2, 3]), mult=lambda: random.randint(1, 3), bias=lambda: False
    )


def _depthwise(arguments: Arguments, given: Tensors) -> Tensors:
    channels = one(given).shape[0]
    inner = {name: value for name, value in arguments.items() if name != "mult"}
    return _conv({**inner, "out": channels * whole(arguments, "mult"), "groups": channels}, given)


def _transposed_arguments(random: Random, into: Kinds) -> Arguments:
    groups = random.choice([1, 2, 3])
    return {
        "out": random.choice([1, 2, 4, 6, groups]),
        **_window(
            random,
            dilation=lambda: random.choice([1, 2, 3]),
            extra=lambda: random.choice([0, 1, 1, 2, -1]),
            groups=lambda: groups,
            bias=lambda: False,
        ),
    }


def _transposed(arguments: Arguments, given: Tensors) -> Tensors:
    names = {"stride": "stride", "pad": "padding", "dilation": "dilation", "extra": "output_padding"}
    options = {
        to: arguments[name] for name, to in {**names, "groups": "groups", "bias": "bias"}.items() if name in arguments
    }
    make = _named("ConvTranspose", _spatial(given), nn)
    return _applied(make(one(given).shape[0], arguments["out"], arguments["k"], **options), given)


def _tokens(random: Random) -> Kinds:
    return kind(random, 2, 2, 8)


def _causal(arguments: Arguments, given: Tensors) -> Tensors:
    _, width = one(given).shape
    k, dilation = whole(arguments, "k"), whole(arguments, "dilation")
    x = F.pad(one(given).T, ((k - 1) * dilation, 0))
    groups = 1 if "dilation" in arguments else width
    return F.conv1d(x[None], torch.randn(width, width // groups, k), None, 1, 0, dilation, groups)[0].T


# ---------------------------------------------------------------- pooling and resampling
def _max_pool_arguments(random: Random, into: Kinds) -> Arguments:
    return _window(random, dilation=lambda: random.choice([1, 2, 2, 3]))


def _max_pool(arguments: Arguments, given: Tensors) -> Tensors:
    pool = _named("max_pool", _spatial(given), F)
    values = (
        whole(arguments, "k"),
        whole(arguments, "stride"),
        whole(arguments, "pad", 0),
        whole(arguments, "dilation"),
    )
    result = pool(one(given)[None], *values)
    assert isinstance(result, Tensor)
    return result[0]


def _avg_pool(arguments: Arguments, given: Tensors) -> Tensors:
    """Pool three axes as two and one: torch's avg_pool3d asks more of its input than the rest of the family."""
    x = one(given)
    values = (whole(arguments, "k"), whole(arguments, "stride"), whole(arguments, "pad", 0))
    if x.dim() == 4:
        flat = F.avg_pool2d(x, *values).movedim(1, -1)
        return F.avg_pool1d(flat.flatten(0, 1), *values).unflatten(0, flat.shape[:2]).movedim(-1, 1)
    pool = _named("avg_pool", _spatial(given), F)
    result = pool(x[None], *values)
    assert isinstance(result, Tensor)
    return result[0]


def _avg_pool_arguments(random: Random, into: Kinds) -> Arguments:
    return _window(random, count_pad=lambda: False)


def _adaptive(name: str) -> Op:
    def run(arguments: Arguments, given: Tensors) -> Tensors:
        result = _named(f"adaptive_{name}_pool", _spatial(given), F)(one(given)[None], whole(arguments, "size"))
        assert isinstance(result, Tensor)
        return result[0]

    return Op(_picture, run, lambda random, into: {"size": random.randint(0, 9)})


def _interpolated(arguments: Arguments, given: Tensors) -> Tensors:
    mode = arguments.get("mode", "nearest")
    return F.interpolate(one(given)[None], scale_factor=whole(arguments, "scale"), mode=str(mode))[0]


def _upsample_arguments(random: Random, into: Kinds) -> Arguments:
    return {
        "scale": random.randint(0, 3),
        **maybe(random, 0.5, {"mode": lambda: random.choice(["nearest", "bilinear", "cubic"])}),
    }


def _upsample_declines(arguments: Arguments, into: Kinds) -> str:
    return "upsample knows two modes" if arguments.get("mode") == "cubic" else ""


def _shuffled(random: Random) -> Kinds:
    r = random.randint(1, 3)
    return Kind((r * r * size(random, 3), r * size(random, 3), r * size(random, 3)))


def _with_factor(random: Random, into: Kinds) -> Arguments:
    return {"r": random.randint(0, 3)}


def _three_axes(arguments: Arguments, into: Kinds) -> str:
    return "" if _first_rank(into) == 3 else LEADING


# ---------------------------------------------------------------- normalisation
def _features(random: Random) -> Kinds:
    return Kind((random.choice([1, 2, 3, 4, 6]), *kind(random, 0, 4, 4).dims))


def _batch_norm(arguments: Arguments, given: Tensors) -> Tensors:
    make = _named("BatchNorm", max(1, _spatial(given)), nn)
    return _applied(make(one(given).shape[0]), given)


def _group_norm(arguments: Arguments, given: Tensors) -> Tensors:
    return _applied(nn.GroupNorm(whole(arguments, "groups"), one(given).shape[0]), given)


def _groups(random: Random, into: Kinds) -> Arguments:
    return {"groups": random.choice([1, 2, 3, 4, 6])}


def _eps(random: Random, into: Kinds) -> Arguments:
    return maybe(random, 0.3, {"eps": lambda: 0.001})


def _unary(function: Callable[[Tensor], Tensor]) -> Op:
    return Op(lambda random: kind(random, 0, 5), lambda a, x: function(one(x)))


def _softmax_declines(arguments: Arguments, into: Kinds) -> str:
    return SCALAR if _first_rank(into) == 0 else ""


def _probability(random: Random, into: Kinds) -> Arguments:
    return maybe(random, 0.8, {"p": lambda: random.choice([0.0, 0.1, 0.5, 1.0, 1.5, -0.1])})


def _initial(random: Random, into: Kinds) -> Arguments:
    return maybe(random, 0.5, {"init": lambda: random.choice([0.0, 0.5, 1])})


def _last(random: Random) -> Kinds:
    return kind(random, 1, 4)


OPS: Mapping[str, Op] = {
    "id": Op(_any, lambda a, x: x, ids=True),
    "zero": Op(_any, lambda a, x: _mapped(torch.zeros_like, x), ids=True),
    "clone": Op(_any, lambda a, x: (x,) * whole(a, "n"), lambda random, into: {"n": random.randint(0, 4)}, ids=True),
    "each": Op(_several, _each, lambda random, into: {"f": random.choice(NETWORKS)}, declines=_ids_enter, ids=True),
    "par": Op(
        _pair,
        _par,
        lambda random, into: {"f": random.choice(NETWORKS), "g": random.choice(NETWORKS)},
        declines=_ids_enter,
        ids=True,
    ),
    "first": Op(_pair, lambda a, x: pair(x)[0], ids=True),
    "second": Op(_pair, lambda a, x: pair(x)[1], ids=True),
    "add": _merge(torch.add),
    "mul": _merge(torch.mul),
    "max_of": _merge(torch.maximum, ids=True),
    "sub": Op(
        lambda random: Both((kind(random, 0, 3),) * 2), lambda a, x: _folded(torch.sub, pair(x)), declines=_unlike
    ),
    "concat": Op(_joinable, _concat, _concat_arguments, _concat_declines, ids=True),
    "scale": Op(lambda random: kind(random, 0, 4), lambda a, x: one(x) * torch.randn(()), _initial),
    "pad": Op(
        lambda random: kind(random, 0, 4, 5),
        _pad,
        lambda random, into: {"before": random.randint(-1, 3), "after": random.randint(-1, 3)},
    ),
    "stack": Op(_several, _stack, _with_place),
    "chunk": Op(lambda random: kind(random, 0, 4, 9), _chunk, _chunk_arguments, _chunk_declines),
    "split": Op(lambda random: kind(random, 0, 4, 9), _split, _split_arguments, ids=True),
    "matmul": Op(
        _matrices, _matmul, lambda random, into: maybe(random, 0.5, {"scale": lambda: True}), _matmul_declines
    ),
    "gate": Op(_gated, _gate, declines=_gate_declines),
    "linear": Op(
        lambda random: kind(random, 0, 4),
        lambda a, x: nn.Linear(one(x).shape[-1], whole(a, "out"), flag(a, "bias", True))(one(x)),
        lambda random, into: {"out": random.randint(0, 6), **maybe(random, 0.3, {"bias": lambda: False})},
    ),
    "conv": Op(_picture, _conv, _conv_arguments),
    "depthwise": Op(_picture, _depthwise, _depthwise_arguments),
    "conv_transpose": Op(_picture, _transposed, _transposed_arguments),
    "causal_conv": Op(_tokens, _causal, lambda random, into: {"k": random.randint(0, 9)}),
    "dilated_causal_conv": Op(
        _tokens, _causal, lambda random, into: {"k": random.randint(0, 5), "dilation": random.randint(0, 4)}
    ),
    "max_pool": Op(_picture, _max_pool, _max_pool_arguments),
    "avg_pool": Op(_picture, _avg_pool, _avg_pool_arguments),
    "adaptive_avg_pool": _adaptive("avg"),
    "adaptive_max_pool": _adaptive("max"),
    "global_avg_pool": Op(lambda random: kind(random, 0, 5), lambda a, x: one(x).flatten(1).mean(1)),
    "mean_tokens": Op(_tokens, lambda a, x: torch.einsum("nd->d", one(x)) / one(x).shape[0]),
    "upsample": Op(_picture, _interpolated, _upsample_arguments, _upsample_declines),
    "pixel_shuffle": Op(_shuffled, lambda a, x: F.pixel_shuffle(one(x), whole(a, "r")), _with_factor, _three_axes),
    "pixel_unshuffle": Op(_shuffled, lambda a, x: F.pixel_unshuffle(one(x), whole(a, "r")), _with_factor, _three_axes),
    "batch_norm": Op(_features, _batch_norm, _eps),
    "instance_norm": Op(_features, lambda a, x: F.instance_norm(one(x)[None])[0], _eps),
    "group_norm": Op(_features, _group_norm, _groups),
    "layer_norm": Op(_last, lambda a, x: nn.LayerNorm(one(x).shape[-1])(one(x)), _eps),
    "rms_norm": Op(_last, lambda a, x: nn.RMSNorm(one(x).shape[-1])(one(x)), _eps),
    "relu": _unary(F.relu),
    "relu6": _unary(F.relu6),
    "mish": _unary(F.mish),
    "hardsigmoid": _unary(F.hardsigmoid),
    "gelu": _unary(F.gelu),
    "silu": _unary(F.silu),
    "tanh": _unary(torch.tanh),
    "sigmoid": _unary(torch.sigmoid),
    "softplus": _unary(F.softplus),
    "leaky_relu": _unary(F.leaky_relu),
    "hardswish": _unary(F.hardswish),
    "glu": _unary(lambda x: F.glu(x, -1)),
    "softmax": Op(
        lambda random: kind(random, 0, 4),
        lambda a, x: F.softmax(one(x), whole(a, "axis", -1)),
        _with_axis,
        _softmax_declines,
    ),
    "dropout": Op(lambda random: kind(random, 0, 4), lambda a, x: nn.Dropout(a.get("p", 0.1))(one(x)), _probability),
    "drop_path": Op(
        lambda random: kind(random, 0, 4),
        lambda a, x: one(x) * F.dropout(torch.ones(()), a.get("p", 0.1)),
        _probability,
    ),
    "layer_scale": Op(
        _last, lambda a, x: one(x) * torch.full((one(x).shape[-1],), float(a.get("init", 1.0))), _initial
    ),
}
