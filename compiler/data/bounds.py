"""A type and conditions on its value -> the type with those that are bounds taken into it, and the conditions left."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TypeVar

from archc.data.constants import constant, exact
from archc.data.kinds import Data, Fixed, Many, Real, Table, Text, Whole
from archc.data.predicates import decimal
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_expr

T = TypeVar("T", int, Decimal)

TURNED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "==": "=="}


def bounded(data: Data, where: Sequence[s.Expr], name: str = "it") -> tuple[Data, tuple[s.Expr, ...]]:
    """Return `data` narrowed by what `where` says of its value, `it` or `name`, and the conditions that are no bounds.

    Raises CompileError where a bound leaves no value.
    """
    rest: list[s.Expr] = []
    for clause in where:
        for part in clause.items if isinstance(clause, s.Logic) and clause.operator == "and" else (clause,):
            narrowed = _narrowed(data, part, ("it", name))
            if narrowed is None:
                rest.append(part)
                continue
            if is_empty(narrowed):
                text = f"no value is left: {format_expr(part)[:60]} contradicts the type, {bounds_text(data)}"
                raise CompileError([Diagnostic("A0506", text, part.span)])
            data = narrowed
    _require_order(data, rest, ("it", name))
    return data, tuple(rest)


def _require_order(data: Data, rest: Sequence[s.Expr], names: tuple[str, str]) -> None:
    """Raise CompileError where comparisons that are no bounds, `<` of a Float or those of dates, leave no value."""
    if not isinstance(data, Real) and not (isinstance(data, Text) and data.format == "date"):
        return
    lows: list[tuple[Fraction | str, bool]] = []
    highs: list[tuple[Fraction | str, bool]] = []
    if isinstance(data, Real):
        lows.extend([] if data.low is None else [(Fraction(data.low), False)])
        highs.extend([] if data.high is None else [(Fraction(data.high), False)])
    for part in rest:
        match part:
            case s.Compare("<" | "<=" | ">" | ">=" as operator, s.Ref(name), bound) if name in names:
                value = bound.value if isinstance(bound, s.String) else _number(bound)
                side = lows if operator in (">", ">=") else highs
                if value is not None and isinstance(value, str) == isinstance(data, Text):
                    side.append((value, operator in ("<", ">")))
                    if _exclude(lows, highs):
                        text = f"no value is left: {format_expr(part)[:60]} contradicts what stands before it"
                        raise CompileError([Diagnostic("A0506", text, part.span)])


def _exclude(lows: Sequence[tuple[Fraction | str, bool]], highs: Sequence[tuple[Fraction | str, bool]]) -> bool:
    """Return whether a lower bound, strict or not, excludes an upper one; all are of one kind."""
    for low, is_above in lows:
        for high, is_below in highs:
            if isinstance(low, str) and isinstance(high, str):
                apart, equal = low > high, low == high
            else:
                assert isinstance(low, Fraction) and isinstance(high, Fraction), (low, high)
                apart, equal = low > high, low == high
            if apart or (equal and (is_above or is_below)):
                return True
    return False


def is_empty(data: Data) -> bool:
    """Return whether the bounds of a type exclude each other."""
    match data:
        case Text(low, high) | Many(_, low, high) | Table(_, _, low, high):
            return high is not None and low > high
        case Whole(first, last) | Real(first, last) | Fixed(_, first, last):
            return first is not None and last is not None and first > last
        case _:
            return False


def bounds_text(data: Data) -> str:
    """Return the bounds of a type in the words of a sentence."""
    match data:
        case Text(low, high):
            return f"{_span(low, high)} characters"
        case Many(_, low, high):
            return f"{_span(low, high)} items"
        case Table(_, _, low, high):
            return f"{_span(low, high)} entries"
        case Whole(low, high) | Real(low, high) | Fixed(_, low, high):
            return "any number" if low is None and high is None else f"numbers from {_span(low, high)}"
        case _:
            return ""


def _span(low: object, high: object) -> str:
    return f"{'' if low is None else low}..{'' if high is None else high}"


def _narrowed(data: Data, clause: s.Expr, names: tuple[str, str]) -> Data | None:
    """Return `data` within a bound, or None where `clause` is none that it can hold."""
    match clause:
        case s.Compare("in", subject, s.Range(low, high, None)):
            first, last = _number(low), _number(high) if high is not None else None
            if first is None or (last is None) != (high is None):
                return None
            inner = _compared(data, subject, ">=", first, names)
            return inner if inner is None or last is None else _compared(inner, subject, "<=", last, names)
        case s.Compare(operator, subject, bound) if operator in TURNED:
            value = _number(bound)
            if value is not None:
                return _compared(data, subject, operator, value, names)
            value = _number(subject)
            return None if value is None else _compared(data, bound, TURNED[operator], value, names)
        case _:
            return None


def _compared(data: Data, subject: s.Expr, operator: str, value: Fraction, names: tuple[str, str]) -> Data | None:
    match subject:
        case s.Ref(name) if name in names:
            return _valued(data, operator, value)
        case s.Call(s.Ref("len"), (s.Argument("", s.Ref(name)),)) if name in names:
            return _sized(data, operator, value)
        case _:
            return None


def _number(expr: s.Expr) -> Fraction | None:
    found = constant(expr)
    return exact(found.text) if isinstance(found, s.Number) else None


def _sized(data: Data, operator: str, value: Fraction) -> Data | None:
    if not isinstance(data, (Text, Many, Table)):
        return None
    low, high = _whole_bounds(operator, value)
    most = data.high if high is None else high if data.high is None else min(high, data.high)
    return replace(data, low=max(data.low, low or 0), high=most)


def _whole_bounds(operator: str, value: Fraction) -> tuple[int | None, int | None]:
    """Return the least and the greatest whole number that a comparison leaves."""
    low = ceil(value) if operator in (">=", "==") else floor(value) + 1 if operator == ">" else None
    high = floor(value) if operator in ("<=", "==") else ceil(value) - 1 if operator == "<" else None
    return low, high


def _valued(data: Data, operator: str, value: Fraction) -> Data | None:
    match data:
        case Whole(first, last, step):
            low, high = _whole_bounds(operator, value)
            by = step or 1
            if low is not None and first is not None:
                low = first + max(0, -((first - low) // by)) * by
            if high is not None and first is not None:
                high = first + (high - first) // by * by
            return replace(data, low=_most(first, low), high=_least(last, high))
        case Fixed(places):
            low, high = _whole_bounds(operator, value * 10**places)
            scaled = [None if bound is None else decimal(Fraction(bound, 10**places)) for bound in (low, high)]
            return replace(data, low=_most(data.low, scaled[0]), high=_least(data.high, scaled[1]))
        case Real() if operator in (">=", "<=", "=="):
            exactly = decimal(value)
            low_bound, high_bound = exactly if operator != "<=" else None, exactly if operator != ">=" else None
            return replace(data, low=_most(data.low, low_bound), high=_least(data.high, high_bound))
        case _:
            return None


def _most(known: T | None, found: T | None) -> T | None:
    return found if known is None else known if found is None else max(known, found)


def _least(known: T | None, found: T | None) -> T | None:
    return found if known is None else known if found is None else min(known, found)
