"""Definitions for sequences, images as tokens, and graphs; archc copies their text and never imports them.

Tensors are [batch, tokens, features] unless a definition says otherwise. No local name here is the name of a
definition, since the text of whatever is named comes along.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


# ---------------------------------------------------------------- images as tokens
def patchify(x: Tensor, size: int) -> Tensor:
    """[b, c, size*h, size*w] to [b, h*w, c*size*size]: each patch a token."""
    b, c, height, width = x.shape
    h, w = height // size, width // size
    return x.reshape(b, c, h, size, w, size).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w, c * size * size)


def to_windows(x: Tensor, size: int) -> Tensor:
    """[b, size*h, size*w, d] to [b, h*w, size*size, d]."""
    b, height, width, d = x.shape
    x = x.reshape(b, height // size, size, width // size, size, d)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def from_windows(x: Tensor, size: int, width: int) -> Tensor:
    """[b, h*width, size*size, d] to [b, size*h, size*width, d]."""
    b, count, _, d = x.shape
    x = x.reshape(b, count // width, width, size, size, d)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


# ---------------------------------------------------------------- tokens and positions
class PrependToken(nn.Module):
    """Puts one learned token in front; it starts at zero."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.weight.expand(x.shape[0], 1, -1), x), 1)


class PosLearned(nn.Module):
    """Adds the first rows of a learned table; it starts at random, 0.02 wide."""

    def __init__(self, length: int, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.trunc_normal_(torch.empty(length, d), std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight[: x.shape[1]]


class BiasLearned(nn.Module):
    """Adds a learned tensor of the sample's shape; it starts at random, 0.02 wide."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight


def pos_sinusoidal(x: Tensor) -> Tensor:
    """Add sines at even features and cosines at odd ones, with waves from 2*pi to 10000*2*pi tokens long."""
    n, d = x.shape[1:]
    rates = torch.exp(torch.arange(0, d, 2, device=x.device) * (-math.log(1e4) / d))
    angles = torch.arange(n, device=x.device).unsqueeze(1) * rates
    return x + torch.stack((angles.sin(), angles.cos()), 2).flatten(1).to(x.dtype)


class Rope(nn.Module):
    """Turns feature i of each head against feature i + size/2, by an angle that grows with the position.

    With a factor, waves longer than context/low are stretched by it, those shorter than context/high are left, and
    those between go smoothly from one to the other. The table of the longest input so far is kept, outside the state.
    """

    def __init__(
        self,
        heads: int,
        base: float = 1e4,
        factor: float = 1.0,
        low: float = 1.0,
        high: float = 4.0,
        context: int = 8192,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.base = base
        self.stretch = (factor, low, high, context)
        self.kept: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        x = x.view(b, n, self.heads, d // self.heads)
        cos, sin = self.turns(x)
        return torch.addcmul(x * cos, x.roll(x.shape[3] // 2, 3), sin).flatten(2)

    def turns(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.shape[1]
        if torch.compiler.is_compiling() or type(x) is not Tensor:  # traced, not run: nothing to keep
            return self.table(x)
        kept = self.kept
        if kept is None or len(kept[0]) < n or (kept[0].device, kept[0].dtype) != (x.device, x.dtype):
            with torch.inference_mode(False), torch.no_grad():
                kept = self.kept = self.table(x)
        return kept[0][:n], kept[1][:n]

    def table(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n, size = x.shape[1], x.shape[3]
        rates = 1.0 / self.base ** (torch.arange(0, size, 2, device=x.device, dtype=torch.float32) / size)
        factor, low, high, context = self.stretch
        if factor != 1.0:
            kept = ((context / (2 * math.pi) * rates - low) / (high - low)).clamp(0.0, 1.0)
            rates = rates * (kept + (1.0 - kept) / factor)
        angles = torch.arange(n, device=x.device, dtype=torch.float32)[:, None, None] * rates
        cos, sin = angles.cos(), angles.sin()
        return torch.cat((cos, cos), -1).to(x.dtype), torch.cat((-sin, sin), -1).to(x.dtype)


# ---------------------------------------------------------------- attention
def split_heads(x: Tensor, heads: int) -> Tensor:
    """[b, n, heads*k] to [b, heads, n, k]."""
    b, n, d = x.shape
    return x.view(b, n, heads, d // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[b, heads, n, k] to [b, n, heads*k]."""
    return x.transpose(1, 2).flatten(2)


def attention(
    q: Tensor, k: Tensor, v: Tensor, heads: int, kv_heads: int = 0, causal: bool = False, window: int = 0
) -> Tensor:
    """Softmax attention of `heads` heads, which share `kv_heads` heads of keys and values.

    Causal: token i sees the tokens 0 to i. Window: it sees only tokens that are fewer than `window` places away.
    """
    kv_heads = kv_heads or heads
    q, k, v = split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads)
    mask = near(q, k, window, causal) if window else None
    y = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal and mask is None, enable_gqa=kv_heads != heads
    )
    return merge_heads(y)


def near(q: Tensor, k: Tensor, window: int, causal: bool) -> Tensor:
    """Return where query and key are fewer than `window` places apart and, if causal, the key is not ahead."""
    ahead = torch.arange(k.shape[2], device=q.device) - torch.arange(q.shape[2], device=q.device).unsqueeze(1)
    return (ahead > -window) & (ahead <= 0) if causal else ahead.abs() < window


def biased_attention(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor, heads: int, scale: float = 0.0, causal: bool = False
) -> Tensor:
    """Softmax attention with `bias` [b, heads, n, m] added to the scores; scale 0 means 1/sqrt(k)."""
    q, k, v = split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)
    if causal:
        bias = bias.masked_fill(torch.ones(bias.shape[2:], dtype=torch.bool, device=bias.device).triu(1), -math.inf)
    return merge_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale or None))


class RelativeBias(nn.Module):
    """A learned bias [b, heads, n, n] for attention: near distances have buckets of their own, far ones share."""

    def __init__(self, heads: int, buckets: int = 32, far: int = 128, causal: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.trunc_normal_(torch.empty(buckets, heads), std=0.02))
        self.far = far
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(x.shape[1], device=x.device)
        bias = F.embedding(self.bucket(places - places.unsqueeze(1)), self.weight)
        return bias.permute(2, 0, 1).expand(x.shape[0], -1, -1, -1)

    def bucket(self, ahead: Tensor) -> Tensor:
        buckets = self.weight.shape[0] if self.causal else self.weight.shape[0] // 2
        distance = -ahead.clamp(max=0) if self.causal else ahead.abs()
        exact = buckets // 2
        growth = torch.log(distance.clamp(min=1) / exact) / math.log(self.far / exact)
        shared = (exact + growth * (buckets - exact)).long().clamp(max=buckets - 1)
        bucket = torch.where(distance < exact, distance, shared)
        return bucket if self.causal else bucket + buckets * (ahead > 0)


def positive(x: Tensor, kernel: str) -> Tensor:
    """Return features that are not negative."""
    if kernel == "softmax":
        return x.softmax(-1)
    return F.relu(x) if kernel == "relu" else F.elu(x) + 1.0


def linear_attention(q: Tensor, k: Tensor, v: Tensor, heads: int, kernel: str = "elu") -> Tensor:
    """Attention with scores f(q) f(k), in time linear in the tokens."""
    q, k = positive(split_heads(q, heads), kernel), positive(split_heads(k, heads), kernel)
    v = F.pad(split_heads(v, heads), (0, 1), value=1.0)  # the column of ones adds up the scores
    y = q @ (k.transpose(2, 3) @ v)
    return merge_heads(y[..., :-1] / y[..., -1:].clamp(min=1e-6))


def causal_linear_attention(
    q: Tensor, k: Tensor, v: Tensor, heads: int, kernel: str = "elu", length: int = 64
) -> Tensor:
    """Attention with scores f(q) f(k) to the tokens 0 to i, in chunks: what came before a chunk is one matrix."""
    n, m = q.shape[1], k.shape[1]
    rest = -n % length
    q, k = positive(split_heads(q, heads), kernel), positive(split_heads(k, heads), kernel)
    v = F.pad(split_heads(v, heads), (0, 1), value=1.0)  # the column of ones adds up the scores
    q = torch.stack(torch.split(F.pad(q, (0, 0, 0, rest)), length, 2), 2)
    k = torch.stack(torch.split(F.pad(k, (0, 0, 0, n + rest - m)), length, 2), 2)
    v = torch.stack(torch.split(F.pad(v, (0, 0, 0, n + rest - m)), length, 2), 2)
    sums = (k.transpose(3, 4) @ v).cumsum(2)
    before = F.pad(sums[:, :, :-1], (0, 0, 0, 0, 1, 0))
    y = (q @ before + (q @ k.transpose(3, 4)).tril() @ v).flatten(2, 3)[:, :, :n]
    return merge_heads(y[..., :-1] / y[..., -1:].clamp(min=1e-6))


class AdditiveAttention(nn.Module):
    """Attention with scores w tanh(W q + U k)."""

    def __init__(self, d: int, e: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(d, hidden, bias=False)
        self.key = nn.Linear(e, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores: Tensor = self.score(torch.tanh(self.query(q).unsqueeze(2) + self.key(k).unsqueeze(1)))
        return scores.squeeze(3).softmax(2) @ v


# ---------------------------------------------------------------- state space
def recur(decay: Tensor, x: Tensor, dim: int) -> Tensor:
    """Return h along `dim` with h[t] = decay[t] * h[t - 1] + x[t]."""
    values = x.unbind(dim)
    states = [values[0]]
    for factor, value in zip(decay.unbind(dim)[1:], values[1:], strict=True):
        states.append(torch.addcmul(value, factor, states[-1]))
    return torch.stack(states, dim)


def scan(log_decay: Tensor, x: Tensor) -> Tensor:
    """Return h with h[t] = exp(log_decay[t]) * h[t - 1] + x[t], for [b, n, d, state]."""
    if x.device.type == "cpu":  # where a step costs less than another pass over memory
        return recur(log_decay.exp(), x, 1)
    return scan_in_chunks(log_decay, x)


def scan_in_chunks(log_decay: Tensor, x: Tensor) -> Tensor:
    """The same in 2 sqrt(n) steps: chunks run side by side, and then hand their last states on."""
    n = x.shape[1]
    length = math.isqrt(n - 1) + 1
    log_decay = torch.stack(torch.split(F.pad(log_decay, (0, 0, 0, 0, 0, -n % length)), length, 1), 1)
    x = torch.stack(torch.split(F.pad(x, (0, 0, 0, 0, 0, -n % length)), length, 1), 1)
    inner = recur(log_decay.exp(), x, 2)
    total = log_decay.cumsum(2).exp()
    ends = F.pad(recur(total[:, :, -1], inner[:, :, -1], 1), (0, 0, 0, 0, 1, -1))
    return torch.addcmul(inner, total, ends.unsqueeze(2)).flatten(1, 2)[:, :n]


class SelectiveScan(nn.Module):
    """A diagonal state space whose step, input and output follow from the data; its state starts at zero."""

    def __init__(self, d: int, state: int = 16) -> None:
        super().__init__()
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1.0).log().repeat(d, 1))
        self.D = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor, dt: Tensor, b: Tensor, c: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        log_decay = dt.to(wide).unsqueeze(3) * -self.A_log.to(wide).exp()
        h = scan(log_decay, (dt * x).to(wide).unsqueeze(3) * b.unsqueeze(2))
        y = (h @ c.to(wide).unsqueeze(3)).squeeze(3)
        return y.to(x.dtype) + self.D * x


class Ssm(nn.Module):
    """A diagonal state space with a real state for each feature, run as one long convolution."""

    def __init__(self, d: int, state: int = 16) -> None:
        super().__init__()
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1.0).log().repeat(d, 1))
        self.C = nn.Parameter(torch.randn(d, state))
        self.log_dt = nn.Parameter(torch.empty(d).uniform_(math.log(1e-3), math.log(1e-1)))
        self.D = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        response = torch.fft.rfft(self.response(x.shape[1], wide), 2 * x.shape[1])
        signal = torch.fft.rfft(x.transpose(1, 2).to(wide), 2 * x.shape[1])
        y: Tensor = torch.fft.irfft(signal * response, 2 * x.shape[1])[..., : x.shape[1]]
        return y.transpose(1, 2).to(x.dtype) + self.D * x

    def response(self, n: int, dtype: torch.dtype) -> Tensor:
        rate = -self.A_log.to(dtype).exp()
        step = rate * self.log_dt.to(dtype).exp().unsqueeze(1)
        decay = (step.unsqueeze(2) * torch.arange(n, device=step.device)).exp()
        return ((self.C.to(dtype) * torch.expm1(step) / rate).unsqueeze(1) @ decay).squeeze(1)


# ---------------------------------------------------------------- graphs
class GraphConv(nn.Module):
    """A linear map of each node and one of what its neighbours add up to; edges run from row 0 to row 1."""

    def __init__(self, d: int, out: int, agg: str = "sum") -> None:
        super().__init__()
        self.root = nn.Linear(d, out, bias=False)
        self.neighbours = nn.Linear(d, out)
        self.agg = "amax" if agg == "max" else agg

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        source, target = edges.unsqueeze(3).unbind(1)
        messages = x.take_along_dim(source, 1)
        index = target.expand_as(messages)
        received = torch.zeros_like(x).scatter_reduce(1, index, messages, self.agg, include_self=False)
        y: Tensor = self.root(x) + self.neighbours(received)
        return y


class GraphAttention(nn.Module):
    """Each node attends to itself and to the nodes whose edges reach it; edges run from row 0 to row 1."""

    def __init__(self, d: int, out: int, heads: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(d, heads * out, bias=False)
        self.source = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, out)))
        self.target = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, out)))
        self.bias = nn.Parameter(torch.zeros(heads * out))

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        itself = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], 2, -1)
        source, target = torch.cat((edges, itself), 2).unsqueeze(3).unbind(1)
        nodes: Tensor = self.linear(x).view(*x.shape[:2], *self.source.shape)
        given, taken = (nodes * self.source).sum(3), (nodes * self.target).sum(3)
        scores = F.leaky_relu(given.take_along_dim(source, 1) + taken.take_along_dim(target, 1), 0.2)
        index = target.expand_as(scores)
        top = torch.zeros_like(given).scatter_reduce(1, index, scores.detach(), "amax", include_self=False)
        shares = (scores - top.gather(1, index)).exp()
        shares = shares / torch.zeros_like(given).scatter_add(1, index, shares).gather(1, index)
        messages = shares.unsqueeze(3) * nodes.take_along_dim(source.unsqueeze(3), 1)
        received = torch.zeros_like(nodes).scatter_add(1, index.unsqueeze(3).expand_as(messages), messages)
        return received.flatten(2) + self.bias
