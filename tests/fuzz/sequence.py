"""Calls of shape, token, attention, recurrence and graph ops, with torch's own answers."""

import math
import string
from collections.abc import Mapping, Sequence
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fuzz.calls import Arguments, Op, Text
from fuzz.kinds import Both, Kind, Kinds, Tensors, kind, leaves, size
from fuzz.local import BROADCAST, NEGATIVE, NUMBERS, SCALAR, maybe, one, whole

SAME_IDS = "ids are below exactly the number that the op has rows for"
FREQUENCIES = "where the waves end is above where they begin"
BUCKETS = "half of the buckets, and a quarter, count whole tokens; the rest needs room before `far`"


def parts(given: Tensors, count: int) -> tuple[Tensor, ...]:
    """Return so many tensors."""
    if isinstance(given, Tensor) or len(given) != count:
        raise TypeError(f"{count} tensors")
    return tuple(one(item) for item in given)


# ---------------------------------------------------------------- patterns
def _side(random: Random, axes: Sequence[str]) -> str:
    """Write axes as a pattern, some of them multiplied together."""
    groups: list[list[str]] = []
    for axis in axes:
        if groups and random.random() < 0.3:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return f"[{', '.join('*'.join(group) for group in groups)}]"


def _pattern(random: Random, into: Kinds) -> Arguments:
    """Write a pattern for one tensor: an axis may be split by a literal, and all stand in another order on the right."""
    dims = next(leaves(into)).dims
    left, right = [], []
    for place, entry in enumerate(dims):
        name = string.ascii_lowercase[place]
        if random.random() < 0.3:
            factor = random.choice([number for number in range(1, 7) if entry % number == 0 or random.random() < 0.1])
            left.append(f"{name}*{factor}")
            right.extend([name, str(factor)])
        else:
            left.append(name)
            right.append(name)
    if random.random() < 0.1 and left:
        left.pop()
    random.shuffle(right)
    if random.random() < 0.15:
        right = right[1:] if random.random() < 0.5 else [*right, random.choice("abz")]
    return {"p": Text(f"[{', '.join(left)}] -> {_side(random, right)}")}


def _sides(arguments: Arguments) -> tuple[list[list[str]], list[list[str]]]:
    pattern = arguments["p"]
    assert isinstance(pattern, Text)
    left, right = (
        [axis.strip().split("*") for axis in side.strip()[1:-1].split(",") if axis.strip()]
        for side in pattern.text.split("->")
    )
    return left, right


def _split(x: Tensor, left: Sequence[Sequence[str]]) -> Tensor:
    """Split the axes of `x` as the left side says; a name is what is left over."""
    if x.dim() != len(left):
        raise ValueError("another number of axes")
    for place, factors in reversed(list(enumerate(left))):
        sizes = [int(factor) if factor.isdigit() else -1 for factor in factors]
        x = x.unflatten(place, sizes)
    return x


def _factors(axes: Sequence[Sequence[str]]) -> list[str]:
    return [factor for axis in axes for factor in axis]


def _rearrange(arguments: Arguments, given: Tensors) -> Tensors:
    left, right = _sides(arguments)
    x = _split(one(given), left)
    have, wanted = [factor for factor in _factors(left) if factor != "1"], _factors(right)
    x = x.squeeze([place for place, factor in enumerate(_factors(left)) if factor == "1"])
    order = []
    for factor in (factor for factor in wanted if factor != "1"):
        places = [at for at, name in enumerate(have) if name == factor and at not in order]
        order.append(places[0])
    x = x.permute(order)
    axes = iter(x.shape)
    return x.reshape([math.prod(next(axes) for factor in axis if factor != "1") for axis in right])


def _wider(random: Random, into: Kinds) -> Arguments:
    """Write a pattern that adds axes of known size."""
    names = list(string.ascii_lowercase[: len(next(leaves(into)).dims)])
    right = [*names, *(str(random.randint(1, 4)) for _ in range(random.randint(0, 2)))]
    random.shuffle(right)
    if random.random() < 0.15 and names:
        right.remove(names[0])
    return {"p": Text(f"[{', '.join(names)}] -> {_side(random, right)}")}


def _broadcast(arguments: Arguments, given: Tensors) -> Tensors:
    left, right = _sides(arguments)
    x = _split(one(given), left)
    new = [factor for factor in _factors(right) if factor.isdigit()]
    pattern = Text(f"[{', '.join([*new, *_factors(left)])}] -> [{', '.join('*'.join(axis) for axis in right)}]")
    return _rearrange({"p": pattern}, x.expand((*map(int, new), *x.shape)).clone())


def _reduce(arguments: Arguments, given: Tensors) -> Tensors:
    left, right = _sides(arguments)
    x = _split(one(given), left)
    have, wanted = _factors(left), _factors(right)
    gone = [place for place, factor in enumerate(have) if factor not in wanted]
    how = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[
        str(arguments.get("how", "mean"))
    ]
    x = how(x, gone) if gone else x
    kept = [[factor] for factor in have if factor in wanted]
    text = f"[{', '.join(_factors(kept))}] -> [{', '.join('*'.join(axis) for axis in right)}]"
    inner = {name: x.shape[place] for place, name in enumerate(_factors(kept))}
    assert len(inner) == len(kept) and set(wanted) == set(inner)
    return torch.einsum(_letters(text, inner), x).reshape([_size(axis, inner) for axis in right])


def _letters(text: str, inner: Mapping[str, int]) -> str:
    letters = dict(zip(inner, string.ascii_letters, strict=False))
    left, right = text.split("->")
    return "->".join(
        "".join(letters[name] for name in side.strip(" []").replace("*", ", ").split(", ") if name)
        for side in (left, right)
    )


def _size(axis: Sequence[str], inner: Mapping[str, int]) -> int:
    total = 1
    for factor in axis:
        total *= inner[factor]
    return total


def _named_pattern(random: Random, into: Kinds) -> Arguments:
    """Write a pattern whose right side names some of the axes on the left."""
    names = list(string.ascii_lowercase[: len(next(leaves(into)).dims)])
    if random.random() < 0.1:
        names.append("e")
    kept = [name for name in names if random.random() < 0.6]
    random.shuffle(kept)
    if random.random() < 0.1:
        kept.append("z")
    how = maybe(random, 0.6, {"how": lambda: random.choice(["mean", "sum", "max", "min"])})
    return {"p": Text(f"[{', '.join(names)}] -> {_side(random, kept)}"), **how}


def _summands(random: Random) -> Kinds:
    sizes = {name: size(random, 4) for name in "ijk"}
    first = [random.choice("ijk") for _ in range(random.randint(0, 3))]
    second = [random.choice("ijk") for _ in range(random.randint(0, 3))]
    return Both((Kind(tuple(sizes[name] for name in first)), Kind(tuple(sizes[name] for name in second))))


def _einsum_arguments(random: Random, into: Kinds) -> Arguments:
    """Name axes by their sizes, so that equal names mostly are equal sizes."""
    operands = []
    for entry in leaves(into):
        operands.append([random.choice("ij") + "k" * (axis % 4) for axis in entry.dims])
    named = sorted({name for operand in operands for name in operand})
    right = random.sample(named, random.randint(0, len(named)))
    sides = ", ".join(f"[{', '.join(operand)}]" for operand in operands)
    return {"p": Text(f"{f'({sides})' if len(operands) > 1 else sides} -> [{', '.join(right)}]")}


def _einsum(arguments: Arguments, given: Tensors) -> Tensors:
    pattern = arguments["p"]
    assert isinstance(pattern, Text)
    left, right = pattern.text.split("->")
    operands = [[name for name in part.strip(" ,[()").split(", ") if name] for part in left.split("]")[:-1]]
    inner = {name: 0 for operand in operands for name in operand}
    letters = dict(zip(inner, string.ascii_letters, strict=False))
    sides = ["".join(letters[name] for name in operand) for operand in operands]
    out = "".join(letters[name] for name in right.strip(" []").split(", ") if name)
    return torch.einsum(f"{','.join(sides)}->{out}", *([one(given)] if isinstance(given, Tensor) else map(one, given)))


def _einsum_declines(arguments: Arguments, into: Kinds) -> str:
    pattern = arguments["p"]
    assert isinstance(pattern, Text)
    operands = [part.strip(" ,[()").split(", ") for part in pattern.text.split("->")[0].split("]")[:-1]]
    sizes: dict[str, set[int]] = {}
    for operand, entry in zip(operands, leaves(into), strict=False):
        for name, axis in zip(operand, entry.dims, strict=False):
            sizes.setdefault(name, set()).add(axis)
    return BROADCAST if any(len(found) > 1 for found in sizes.values()) else ""


# ---------------------------------------------------------------- shape
def _order(random: Random, into: Kinds) -> Arguments:
    order = list(range(len(next(leaves(into)).dims)))
    random.shuffle(order)
    if random.random() < 0.15 and order:
        order[0] -= random.choice([1, len(order), 3])
    return {"order": tuple(order)}


def _permute(arguments: Arguments, given: Tensors) -> Tensors:
    order = arguments["order"]
    assert isinstance(order, tuple)
    return one(given).permute(order)


def _permute_declines(arguments: Arguments, into: Kinds) -> str:
    order = arguments["order"]
    assert isinstance(order, tuple)
    return NEGATIVE if min(order, default=0) < 0 else ""


def _reshape_arguments(random: Random, into: Kinds) -> Arguments:
    rest = 1
    for axis in next(leaves(into)).dims:
        rest *= axis
    to = []
    while rest > 1 and len(to) < 4:
        to.append(random.choice([number for number in range(1, rest + 1) if rest % number == 0]))
        rest //= to[-1]
    to.append(rest if random.random() < 0.9 else random.randint(-1, 5))
    return {"to": tuple(to)}


def _reshape(arguments: Arguments, given: Tensors) -> Tensors:
    to = arguments["to"]
    assert isinstance(to, tuple)
    return one(given).reshape(to)


def _transpose(arguments: Arguments, given: Tensors) -> Tensors:
    return torch.einsum("nd->dn", one(given))


def _patchify(arguments: Arguments, given: Tensors) -> Tensors:
    p = whole(arguments, "p")
    c, h, w = one(given).shape
    x = one(given).unflatten(2, (-1, p)).unflatten(1, (-1, p))
    return torch.einsum("chpwq->hwcpq", x).reshape(h * w // p // p, c * p * p)


def _patched(random: Random) -> Kinds:
    p = random.randint(1, 3)
    return Kind((size(random, 3), p * size(random, 3), p * size(random, 3)))


def _side_of_patch(random: Random, into: Kinds) -> Arguments:
    return {"p": random.randint(0, 4)}


def _unfold_arguments(random: Random, into: Kinds) -> Arguments:
    entries = {
        "stride": lambda: random.randint(0, 3),
        "pad": lambda: random.randint(-1, 2),
        "dilation": lambda: random.randint(0, 3),
    }
    return {"k": random.choice([0, 1, 2, 3, 3, 5]), **maybe(random, 0.4, entries)}


def _unfold(arguments: Arguments, given: Tensors) -> Tensors:
    _, _, _ = one(given).shape
    names = {"stride": "stride", "pad": "padding", "dilation": "dilation"}
    options = {to: whole(arguments, name) for name, to in names.items() if name in arguments}
    return F.unfold(one(given)[None], whole(arguments, "k"), **options)[0].T


def _grid_arguments(random: Random, into: Kinds) -> Arguments:
    n = next(leaves(into)).dims[:1] or (4,)
    h = random.choice([number for number in range(1, n[0] + 1) if n[0] % number == 0])
    return {"h": h if random.random() < 0.9 else random.randint(0, 4), "w": n[0] // h if random.random() < 0.9 else 3}


def _grid(arguments: Arguments, given: Tensors) -> Tensors:
    _, _ = one(given).shape
    return one(given).T.unflatten(1, (whole(arguments, "h"), whole(arguments, "w")))


def _slice_arguments(random: Random, into: Kinds) -> Arguments:
    dims = next(leaves(into)).dims
    axis = random.randint(-len(dims) - 1, len(dims))
    most = dims[axis] if -len(dims) <= axis < len(dims) else 4
    start = random.randint(-1, most) if random.random() < 0.3 else random.randint(0, max(0, most - 1))
    return {"start": start, "stop": random.randint(start, most + 1), **maybe(random, 0.9, {"axis": lambda: axis})}


def _slice(arguments: Arguments, given: Tensors) -> Tensors:
    start, stop = whole(arguments, "start"), whole(arguments, "stop")
    return one(given).narrow(whole(arguments, "axis", 0), start, stop - start)


def _roll_arguments(random: Random, into: Kinds) -> Arguments:
    rank = len(next(leaves(into)).dims)
    return {"shift": random.randint(-9, 9), **maybe(random, 0.8, {"axis": lambda: random.randint(-rank - 1, rank)})}


def _scalar(arguments: Arguments, into: Kinds) -> str:
    return SCALAR if not next(leaves(into)).dims else ""


def _rows(random: Random) -> Kinds:
    x = kind(random, 1, 4)
    return Both((x, Kind((size(random, 6),), x.dims[0] if random.random() < 0.9 else size(random))))


def _gather(arguments: Arguments, given: Tensors) -> Tensors:
    x, at = parts(given, 2)
    (_,) = at.shape
    return x.index_select(0, at)


def _gather_declines(arguments: Arguments, into: Kinds) -> str:
    x, at = leaves(into)
    return NUMBERS if x.bound is not None else SAME_IDS if x.dims[0] != at.bound else ""


def _windowed(random: Random) -> Kinds:
    p = random.randint(1, 3)
    return Kind((p * size(random, 3), p * size(random, 3), size(random, 4)))


def _window(arguments: Arguments, given: Tensors) -> Tensors:
    p = whole(arguments, "p")
    h, w, d = one(given).shape
    x = one(given).unflatten(1, (-1, p)).unflatten(0, (-1, p))
    return torch.einsum("apbqd->abpqd", x).reshape(h * w // p // p, p * p, d)


def _windows(random: Random) -> Kinds:
    p = random.randint(1, 3)
    return Kind((random.choice([1, 2, 4, 6]), p * p, size(random, 4)))


def _unwindow_arguments(random: Random, into: Kinds) -> Arguments:
    dims = next(leaves(into)).dims
    count = dims[0] if dims else 4
    h = random.choice([number for number in range(1, count + 1) if count % number == 0])
    p = {1: 1, 4: 2, 9: 3}.get(dims[1] if len(dims) > 1 else 1, 2)
    return {
        "p": p if random.random() < 0.9 else random.randint(0, 3),
        "h": h,
        "w": count // h if random.random() < 0.9 else 2,
    }


def _unwindow(arguments: Arguments, given: Tensors) -> Tensors:
    p, h, w = (whole(arguments, name) for name in "phw")
    _, _, d = one(given).shape
    x = one(given).unflatten(1, (p, p)).unflatten(0, (h, w))
    return torch.einsum("hwpqd->hpwqd", x).reshape(p * h, p * w, d)


# ---------------------------------------------------------------- tokens and positions
def _words(random: Random) -> Kinds:
    return Kind(kind(random, 0, 3).dims, size(random, 8))


def _vocabulary(random: Random, into: Kinds) -> Arguments:
    entry = next(leaves(into))
    vocab = entry.bound if entry.bound is not None and random.random() < 0.85 else size(random, 8)
    return {"vocab": vocab, "d": random.randint(0, 5)}


def _embed(arguments: Arguments, given: Tensors) -> Tensors:
    return nn.Embedding(whole(arguments, "vocab"), whole(arguments, "d"))(one(given))


def _embed_declines(arguments: Arguments, into: Kinds) -> str:
    return SAME_IDS if next(leaves(into)).bound != whole(arguments, "vocab") else ""


def _decode_arguments(random: Random, into: Kinds) -> Arguments:
    dims = next(leaves(into)).dims
    return {"vocab": random.randint(0, 6), "d": dims[-1] if dims and random.random() < 0.85 else size(random)}


def _decode(arguments: Arguments, given: Tensors) -> Tensors:
    return F.linear(one(given), torch.randn(whole(arguments, "vocab"), whole(arguments, "d")))


def _tokens(random: Random) -> Kinds:
    return kind(random, 2, 2, 8)


def _prepend(arguments: Arguments, given: Tensors) -> Tensors:
    _, d = one(given).shape
    return torch.cat((torch.zeros(1, d), one(given)))


def _pos_learned(arguments: Arguments, given: Tensors) -> Tensors:
    n, d = one(given).shape
    return one(given) + F.embedding(torch.arange(n), torch.randn(whole(arguments, "max"), d))


def _sinusoidal(arguments: Arguments, given: Tensors) -> Tensors:
    n, d = one(given).shape
    return (one(given).unflatten(1, (-1, 2)) + torch.randn(n, d // 2, 2)).flatten(1)


def _halves(random: Random) -> Kinds:
    return Kind((size(random, 6), random.choice([1, 2, 4, 4, 6, 8, 12])))


def _rope_arguments(random: Random, into: Kinds) -> Arguments:
    entries = {
        "heads": lambda: random.randint(1, 4),
        "factor": lambda: 8.0,
        "low": lambda: random.choice([0.5, 1.0, 4.0]),
        "high": lambda: random.choice([1.0, 4.0]),
        "context": lambda: random.choice([4, 100]),
    }
    return maybe(random, 0.4, entries)


def _rope(arguments: Arguments, given: Tensors) -> Tensors:
    n, _ = one(given).shape
    first, second = one(given).unflatten(1, (whole(arguments, "heads"), 2, -1)).unbind(2)
    turns = torch.outer(torch.arange(n), torch.rand(first.shape[2]))[:, None]
    cos, sin = turns.cos(), turns.sin()
    return torch.stack((first * cos - second * sin, first * sin + second * cos), 2).flatten(1)


def _rope_declines(arguments: Arguments, into: Kinds) -> str:
    low, high = arguments.get("low", 1.0), arguments.get("high", 4.0)
    assert isinstance(low, float) and isinstance(high, float)
    return FREQUENCIES if low >= high else ""


# ---------------------------------------------------------------- attention
def _attended(random: Random) -> Kinds:
    n, m = size(random, 5), size(random, 5)
    heads, kv, k, v = random.choice([1, 2, 4]), random.choice([1, 2, 2]), size(random, 3), size(random, 3)
    kv = kv if heads % kv == 0 and random.random() < 0.4 else heads
    return Both((Kind((n, heads * k)), Kind((m, kv * k)), Kind((m, kv * v))))


def _heads(random: Random, into: Kinds) -> int:
    dims = next(leaves(into)).dims
    width = dims[-1] if dims else 4
    return random.choice([number for number in range(1, width + 1) if width % number == 0 or random.random() < 0.1])


def _attention_arguments(random: Random, into: Kinds) -> Arguments:
    entries = {
        "kv_heads": lambda: random.choice([1, 2, 4]),
        "causal": lambda: True,
        "window": lambda: random.choice([0, 1, 2, -1]),
    }
    return {"heads": _heads(random, into), **maybe(random, 0.35, entries)}


def _apart(x: Tensor, heads: int) -> Tensor:
    """Return [heads, n, k] of [n, heads*k]."""
    _, _ = x.shape
    return x.unflatten(1, (heads, -1)).transpose(0, 1)


def _attention(arguments: Arguments, given: Tensors) -> Tensors:
    heads = whole(arguments, "heads")
    kv = whole(arguments, "kv_heads", heads)
    q, k, v = parts(given, 3)
    return _scored(q=_apart(q, heads), k=_apart(k, kv), v=_apart(v, kv))


def _scored(*, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attend, one matrix product after the other, so that nothing is stretched."""
    repeats, rest = divmod(q.shape[0], k.shape[0])
    assert not rest
    k, v = k.repeat_interleave(repeats, 0), v.repeat_interleave(repeats, 0)
    scores = torch.bmm(q, k.transpose(1, 2))
    scores = scores if bias is None else torch.stack((scores, bias)).sum(0)
    return torch.bmm(scores.softmax(-1), v).transpose(0, 1).flatten(1)


def _biased(random: Random) -> Kinds:
    heads = random.choice([1, 2, 3])
    n, m, k, v = (size(random, 4) for _ in range(4))
    return Both((Kind((n, heads * k)), Kind((m, heads * k)), Kind((m, heads * v)), Kind((heads, n, m))))


def _biased_arguments(random: Random, into: Kinds) -> Arguments:
    entries = list(leaves(into))
    heads = entries[-1].dims[0] if entries[-1].dims and random.random() < 0.9 else _heads(random, into)
    return {"heads": heads, **maybe(random, 0.3, {"scale": lambda: 1.0, "causal": lambda: True})}


def _biased_attention(arguments: Arguments, given: Tensors) -> Tensors:
    q, k, v, bias = parts(given, 4)
    heads = whole(arguments, "heads")
    return _scored(q=_apart(q, heads), k=_apart(k, heads), v=_apart(v, heads), bias=bias)


def _relative_arguments(random: Random, into: Kinds) -> Arguments:
    entries = {
        "buckets": lambda: random.choice([2, 4, 8, 6, 32]),
        "far": lambda: random.choice([2, 4, 16, 20]),
        "causal": lambda: True,
    }
    return {"heads": random.randint(0, 4), **maybe(random, 0.5, entries)}


def _relative(arguments: Arguments, given: Tensors) -> Tensors:
    n, _ = one(given).shape
    table = nn.Embedding(whole(arguments, "buckets", 32), whole(arguments, "heads"))
    return table(torch.zeros(n, n, dtype=torch.long)).permute(2, 0, 1)


def _relative_declines(arguments: Arguments, into: Kinds) -> str:
    buckets, far = whole(arguments, "buckets", 32), whole(arguments, "far", 128)
    return BUCKETS if buckets % 4 or far <= buckets // 2 else ""


def _linear_attended(random: Random) -> Kinds:
    n, m, heads, k, v = size(random, 5), size(random, 5), random.choice([1, 2, 3]), size(random, 3), size(random, 3)
    return Both((Kind((n, heads * k)), Kind((m, heads * k)), Kind((m, heads * v))))


def _linear_arguments(random: Random, into: Kinds) -> Arguments:
    maps = ["elu", "relu", "softmax"]
    entries = {"causal": lambda: True, "map": lambda: random.choice(maps)}
    return {"heads": _heads(random, into), **maybe(random, 0.4, entries)}


def _linear_attention(arguments: Arguments, given: Tensors) -> Tensors:
    heads = whole(arguments, "heads")
    q, k, v = parts(given, 3)
    return _scored(q=_apart(q, heads), k=_apart(k, heads), v=_apart(v, heads))


def _additive(random: Random) -> Kinds:
    n, m = size(random, 5), size(random, 5)
    return Both((Kind((n, size(random, 4))), Kind((m, size(random, 4))), Kind((m, size(random, 4)))))


def _additive_attention(arguments: Arguments, given: Tensors) -> Tensors:
    q, k, v = parts(given, 3)
    hidden = whole(arguments, "hidden")
    (_, d), (_, e), (_, _) = q.shape, k.shape, v.shape
    sums = F.linear(q, torch.randn(hidden, d))[:, None] + F.linear(k, torch.randn(hidden, e))[None]
    return torch.mm(sums.tanh().sum(-1).softmax(-1), v)


# ---------------------------------------------------------------- recurrence, state space and graphs
def _recurrent(make: type[nn.RNNBase]) -> Op:
    def run(arguments: Arguments, given: Tensors) -> Tensors:
        _, d = one(given).shape
        both_ways = {1: False, 2: True}[whole(arguments, "dirs")]
        result = make(d, whole(arguments, "hidden"), bidirectional=both_ways, batch_first=True)(one(given)[None])
        return one(result[0])[0]

    def arguments(random: Random, into: Kinds) -> Arguments:
        return {"hidden": random.randint(0, 4), **maybe(random, 0.5, {"dirs": lambda: random.randint(0, 3)})}

    return Op(_tokens, run, arguments)


def _scanned(random: Random) -> Kinds:
    n, d, state = size(random, 5), size(random, 4), random.choice([1, 2, 3])
    return Both((Kind((n, d)), Kind((n, d)), Kind((n, state)), Kind((n, state))))


def _scan_arguments(random: Random, into: Kinds) -> Arguments:
    dims = list(leaves(into))[-1].dims
    return {"state": dims[-1] if dims and random.random() < 0.9 else size(random)}


def _scan(arguments: Arguments, given: Tensors) -> Tensors:
    x, dt, b, c = parts(given, 4)
    _, d = x.shape
    state = whole(arguments, "state")
    hidden = torch.zeros(d, state)
    rows = []
    for time in range(max(entry.shape[0] for entry in (x, dt, b, c))):
        decay = torch.addcmul(
            torch.zeros(d, state), dt[time].reshape(d, 1).expand(d, state), -torch.ones(d, state)
        ).exp()
        hidden = decay * hidden + torch.outer(dt[time] * x[time], b[time])
        rows.append(torch.mv(hidden, c[time]))
    return torch.stack(rows)


def _scan_declines(arguments: Arguments, into: Kinds) -> str:
    x, dt, b, c = leaves(into)
    state = whole(arguments, "state", 16)
    return BROADCAST if dt.dims != x.dims or (b.dims[-1], c.dims[-1]) != (state, state) else ""


def _ssm(arguments: Arguments, given: Tensors) -> Tensors:
    n, d = one(given).shape
    kernel = torch.randn(d, whole(arguments, "state"), n).sum(1)
    return F.conv1d(F.pad(one(given).T, (n - 1, 0))[None], kernel[:, None], groups=d)[0].T


def _graph(random: Random) -> Kinds:
    v = size(random, 6)
    return Both((Kind((v, size(random, 4))), Kind((2, size(random, 6)), v if random.random() < 0.9 else size(random))))


def _graph_declines(arguments: Arguments, into: Kinds) -> str:
    x, edges = leaves(into)
    return SAME_IDS if x.dims[0] != edges.bound else ""


def _aggregation(random: Random) -> Arguments:
    return maybe(random, 0.5, {"agg": lambda: random.choice(["sum", "mean", "max", "min"])})


def _sent(x: Tensor, edges: Tensor, out: int) -> Tensor:
    """Send each node's features along its edges and add up what arrives."""
    _, d = x.shape
    start, stop = edges.unbind(0)
    (_,) = start.shape
    y = F.linear(x, torch.randn(out, d))
    return y.index_add(0, stop, y.index_select(0, start))


def _graph_conv(arguments: Arguments, given: Tensors) -> Tensors:
    x, edges = parts(given, 2)
    {"sum": 0, "mean": 1, "max": 2}[str(arguments.get("agg", "sum"))]
    return _sent(x, edges, whole(arguments, "out"))


def _graph_attention(arguments: Arguments, given: Tensors) -> Tensors:
    x, edges = parts(given, 2)
    return _sent(x, edges, whole(arguments, "out") * whole(arguments, "heads"))


def _readout(arguments: Arguments, given: Tensors) -> Tensors:
    _, _ = one(given).shape
    how = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[str(arguments.get("agg", "mean"))]
    return how(one(given), 0)


OPS: Mapping[str, Op] = {
    "rearrange": Op(lambda random: kind(random, 1, 4, 8), _rearrange, _pattern),
    "reduce": Op(lambda random: kind(random, 0, 4, 5), _reduce, _named_pattern),
    "broadcast": Op(lambda random: kind(random, 0, 3, 6), _broadcast, _wider),
    "einsum": Op(_summands, _einsum, _einsum_arguments, _einsum_declines),
    "permute": Op(lambda random: kind(random, 0, 5), _permute, _order, _permute_declines),
    "transpose": Op(_tokens, _transpose),
    "flatten": Op(lambda random: kind(random, 0, 5, 4), lambda a, x: one(x).flatten()),
    "reshape": Op(lambda random: kind(random, 0, 4, 6), _reshape, _reshape_arguments),
    "patchify": Op(_patched, _patchify, _side_of_patch),
    "unfold": Op(lambda random: kind(random, 3, 3, 7), _unfold, _unfold_arguments),
    "grid": Op(_tokens, _grid, _grid_arguments),
    "take": Op(
        lambda random: kind(random, 0, 4), lambda a, x: one(x).select(0, whole(a, "i")),
        lambda random, into: {"i": random.randint(-7, 6)},
    ),
    "slice": Op(lambda random: kind(random, 1, 4), _slice, _slice_arguments),
    "roll": Op(
        lambda random: kind(random, 0, 4),
        lambda a, x: one(x).roll(whole(a, "shift"), whole(a, "axis", 0)), _roll_arguments, _scalar,
    ),
    "gather": Op(_rows, _gather, declines=_gather_declines, ids=True),
    "window": Op(_windowed, _window, _side_of_patch),
    "unwindow": Op(_windows, _unwindow, _unwindow_arguments),
    "embedding": Op(_words, _embed, _vocabulary, _embed_declines, ids=True),
    "embedding_decode": Op(lambda random: kind(random, 0, 3), _decode, _decode_arguments),
    "prepend_token": Op(_tokens, _prepend),
    "pos_learned": Op(_tokens, _pos_learned, lambda random, into: {"max": random.randint(0, 9)}),
    "bias_learned": Op(lambda random: kind(random, 0, 4), lambda a, x: one(x) + torch.randn(one(x).shape)),
    "pos_sinusoidal": Op(_halves, _sinusoidal),
    "rope": Op(_halves, _rope, _rope_arguments, _rope_declines),
    "attention": Op(_attended, _attention, _attention_arguments),
    "biased_attention": Op(_biased, _biased_attention, _biased_arguments),
    "relative_bias": Op(_tokens, _relative, _relative_arguments, _relative_declines),
    "linear_attention": Op(_linear_attended, _linear_attention, _linear_arguments),
    "additive_attention": Op(_additive, _additive_attention, lambda random, into: {"hidden": random.randint(0, 5)}),
    "rnn": _recurrent(nn.RNN),
    "gru": _recurrent(nn.GRU),
    "lstm": _recurrent(nn.LSTM),
    "selective_scan": Op(_scanned, _scan, _scan_arguments, _scan_declines),
    "ssm": Op(_tokens, _ssm, lambda random, into: {"state": random.randint(0, 4)}),
    "graph_conv": Op(
        _graph, _graph_conv, lambda random, into: {"out": random.randint(0, 4), **_aggregation(random)},
        _graph_declines, ids=True,
    ),
    "graph_attention": Op(
        _graph, _graph_attention,
        lambda random, into: {"out": random.randint(0, 3), "heads": random.randint(0, 3)}, _graph_declines, ids=True,
    ),
    "readout": Op(_tokens, _readout, lambda random, into: _aggregation(random)),
}  # fmt: skip
