"""What to say of operands that differ, and where an axis comes from."""

from archc.grammar.source import Span
from archc.rules.session import Blame, Known, Refusal
from archc.sizes.size import Size
from archc.tensor import Tensor, Type
from archc.values import Flow, Value


def operands(blame: Blame, text: str, first: Flow, other: Flow, *, but: int | None = None) -> Refusal:
    """Return the complaint about two operands that differ, also `but` on an axis, with where their sizes come from."""
    pairs = ((first, other), (other, first))
    known = tuple(origin_of("", part.type, _differing(part, against, but)) for part, against in pairs)
    whole = Blame(blame.subject, "", None, blame.span, known)
    hint = join_hint(first.type, other.type, blame.subject) if but is None else ""
    return Refusal(whole.diagnostic("A0207", text, hint))


def _differing(part: Flow, against: Flow, but: int | None) -> Span | None:
    """Return the text that set the first axis in which `part` differs, or else its last axis."""
    if not isinstance(part.type, Tensor) or not isinstance(against.type, Tensor):
        return None
    pairs = enumerate(zip(part.type.dims, against.type.dims, part.origins, strict=False))
    last = part.origins[-1] if part.origins else None
    return next((origin for place, (one, other, origin) in pairs if one != other and place != but), last)


def join_hint(first: Type, other: Type, subject: str = "") -> str:
    """Return the op that brings two operands together, where one is enough."""
    if not isinstance(first, Tensor) or not isinstance(other, Tensor):
        return ""
    large, small = (first, other) if len(first.dims) > len(other.dims) else (other, first)
    if len(small.dims) == 1 and len(large.dims) == 3 and large.dims[0] == small.dims[0]:
        if subject == "mul" and large is first:
            return "gate instead of mul: it scales each channel"
        return f"put `broadcast([c] -> [c, h, w])` behind the {'second' if small is other else 'first'}, with h and w"
    if len(first.dims) != len(other.dims):
        return ""
    differing = [place for place, (a, b) in enumerate(zip(first.dims, other.dims, strict=True)) if a != b]
    if differing == [0] and len(first.dims) == 3:
        return f"conv({other.dims[0]}, 1) on the first, which then has {other.dims[0]} channels"
    strided = _strided(first, other) if len(first.dims) == 3 else ""
    if strided:
        return strided
    if differing == [len(first.dims) - 1]:
        return f"linear({other.dims[-1]}) on the first"
    return ""


def _strided(first: Tensor, other: Tensor) -> str:
    """Return the convolution that makes one image as small as the other, where one is a whole number of times larger."""
    for large, small, which in ((first, other, "first"), (other, first, "second")):
        pairs = tuple(zip(large.dims[1:], small.dims[1:], strict=True))
        for stride in range(2, 17):
            if all(isinstance(a, Size) and isinstance(b, Size) and b * Size.of(stride) == a for a, b in pairs):
                return f"conv({small.dims[0]}, 1, stride = {stride}) on the {which}"
    return ""


def origin_of(name: str, value: Value, origin: Span | None) -> Known:
    """Return what is known of a size (or, without a name, of an axis): its value and the text that set it."""
    if origin is None or origin.source is None:
        return Known(name, value)
    text = short(origin)
    return Known(name, value, "from the input" if text == str(value) else f"from {text}", origin)


def short(span: Span) -> str:
    """Return the text of a place, on one line and not long."""
    text = " ".join(span.text.split())
    return text if len(text) <= 30 else text[:29] + "…"
