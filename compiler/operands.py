"""What to say of operands that differ."""

from archc.grammar.source import NOWHERE, Span
from archc.session import Blame, Known, Refusal
from archc.tensor import Tensor, Type
from archc.values import Flow


def operands(blame: Blame, text: str, first: Flow, other: Flow) -> Refusal:
    """Return the complaint about two operands, with where the axes that differ come from."""
    known = []
    for title, part, against in (("first", first, other), ("other", other, first)):
        origin = _differing(part, against)
        source = f"from {short(origin)}" if origin is not None else ""
        known.append(Known(title, part.type, source, origin or NOWHERE))
    whole = Blame(blame.subject, blame.needs, blame.got, blame.span, tuple(known))
    return Refusal(whole.diagnostic("A0207", text, _join_hint(first.type, other.type)))


def _differing(part: Flow, against: Flow) -> Span | None:
    if not isinstance(part.type, Tensor) or not isinstance(against.type, Tensor):
        return None
    pairs = zip(part.type.dims, against.type.dims, part.origins, strict=False)
    return next((origin for one, other, origin in pairs if one != other), None)


def _join_hint(first: Type, other: Type) -> str:
    if isinstance(first, Tensor) and isinstance(other, Tensor) and len(first.dims) == len(other.dims):
        differing = [place for place, (a, b) in enumerate(zip(first.dims, other.dims, strict=True)) if a != b]
        if differing == [0] and len(first.dims) == 3:
            return f"conv({first.dims[0]}, 1) on the second, which then has {first.dims[0]} channels"
        if differing == [len(first.dims) - 1]:
            return f"linear({first.dims[-1]}) on the second"
    return ""


def short(span: Span) -> str:
    """Return the text of a place, on one line and not long."""
    text = " ".join(span.text.split())
    return text if len(text) <= 30 else text[:29] + "…"
