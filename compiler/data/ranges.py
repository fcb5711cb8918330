"""Ranges in types -> complaints about those that hold nothing."""

from collections.abc import Iterator
from fractions import Fraction

from archc.data.constants import exact
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_type


def value_range(kind: s.TypeRange) -> Iterator[Diagnostic]:
    """Yield what is wrong with a range of numbers or of strings."""
    low, high, step = kind.low, kind.high, kind.step
    bounds: list[object] = [bound for bound in (low, high, step) if bound is not None]
    if not (
        all(isinstance(b, s.Number) for b in bounds) or (all(isinstance(b, s.String) for b in bounds) and step is None)
    ):
        text = f"a range goes from one number to another; this is {format_type(kind)[:60]}"
        yield Diagnostic("A0506", text, kind.span, hint="1..100")
        return
    if isinstance(low, s.String) and isinstance(high, s.String) and low.value > high.value:
        yield Diagnostic("A0506", f"{format_type(kind)[:60]} holds nothing: it goes down", kind.span)
    if not isinstance(low, s.Number) or not isinstance(high, s.Number):
        return
    first, last = exact(low.text), exact(high.text)
    if first is None or last is None:
        return
    if first > last:
        text = f"{format_type(kind)[:60]} holds nothing: it goes down"
        yield Diagnostic("A0506", text, kind.span, hint=f"{high.text}..{low.text}")
    elif isinstance(step, s.Number):
        yield from _step(kind, first, last, step)


def _step(kind: s.TypeRange, first: Fraction, last: Fraction, step: s.Number) -> Iterator[Diagnostic]:
    by = exact(step.text)
    if by is None:
        return
    if by <= 0:
        yield Diagnostic("A0506", f"a range goes up in steps; `by {step.text}` is none", step.span, hint="by 1")
    elif ((last - first) / by).denominator != 1:
        reached = first + (last - first) // by * by
        shown = str(reached) if reached.denominator == 1 else f"{float(reached):g}"
        text = f"steps of {step.text} from {_shown(kind.low)} end at {shown}, before {_shown(kind.high)}"
        yield Diagnostic("A0506", text, kind.span, hint=f"{_shown(kind.low)}..{shown} by {step.text}")


def _shown(bound: s.Number | s.String | None) -> str:
    return bound.text if isinstance(bound, s.Number) else ""


def length(dim: "s.Expr | s.DimRange | s.DimRest") -> Iterator[Diagnostic]:
    """Yield what is wrong with the length of a list."""
    low, high = (
        (dim.low, dim.high) if isinstance(dim, s.DimRange) else (None if isinstance(dim, s.DimRest) else dim, None)
    )
    known: list[Fraction] = []
    for bound in (low, high):
        number = bound.value if isinstance(bound, s.Negative) else bound
        value = exact(number.text) if isinstance(number, s.Number) else None
        if bound is None or value is None:
            continue
        if isinstance(bound, s.Negative) or value.denominator != 1:
            text = f"a length is a whole number of at least 0; this is {bound.span.text[:40]}"
            yield Diagnostic("A0506", text, bound.span, hint="0")
        else:
            known.append(value)
    if len(known) == 2 and known[0] > known[1]:
        text = f"no list is at least {known[0]} and at most {known[1]} long"
        yield Diagnostic("A0506", text, dim.span, hint=f"{known[1]}..{known[0]}")


def lengths(kind: s.TypeExpr, usage: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the lengths that a `String` or `Map` is given; its order is looked at as that of any range."""
    bounds: list[object] = [kind]
    if isinstance(kind, s.TypeRange):
        bounds = [bound for bound in (kind.low, kind.high) if bound is not None]
    elif isinstance(kind, s.TypeLiteral):
        bounds = [kind.value]
    for bound in bounds:
        if isinstance(bound, s.TypeVariable):
            continue
        value = exact(bound.text) if isinstance(bound, s.Number) else None
        if not isinstance(bound, s.Number) or (value is not None and (value < 0 or value.denominator != 1)):
            text = f"a length is a whole number of at least 0, or a range of them; this is {format_type(kind)[:40]}"
            yield Diagnostic("A0501", text, kind.span, hint=usage)
            return
