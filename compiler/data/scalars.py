"""Literals, ranges and the built-in types of a type expression -> the data that they admit."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from archc.data.constants import SUFFIXES, exact
from archc.data.kinds import Arm, Constant, Data, Fixed, Json, OneOf, Real, Text, Truth, Whole
from archc.data.predicates import decimal
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.source import Span

FORMATS = {
    "Date": "date", "DateTime": "date-time", "Time": "time", "Uuid": "uuid", "Uri": "uri", "Email": "email",
}  # fmt: skip
STEPS = 1_000
DIGITS = 200


def built_in(name: str, arguments: Sequence[int | tuple[int, int | None]]) -> Data:
    """Return what a built-in type other than Map admits, whose arguments are numbers or lengths."""
    match name, arguments:
        case "String", [int(exactly)]:
            return Text(exactly, exactly)
        case "String", [(low, high)]:
            return Text(low, high)
        case "String", _:
            return Text()
        case "Int", _:
            return Whole()
        case "Float", _:
            return Real()
        case "Bool", _:
            return Truth()
        case "Null", _:
            return Constant(None)
        case "Decimal", [int(places)]:
            return Fixed(places)
        case "Id", [int(count)]:
            return Whole(0, count - 1)
        case _:
            return Text(format=FORMATS[name])


def literal(value: s.Number | s.String | s.Regex | s.Boolean) -> Data:
    """Return what a literal admits as a type: itself, or the strings that match it."""
    match value:
        case s.Number():
            return Constant(number(value))
        case s.String(text):
            return Constant(text)
        case s.Boolean(flag):
            return Constant(flag)
        case s.Regex(pattern):
            return Text(pattern=pattern)


def number(literal: s.Number) -> int | Decimal:
    """Return the value of a number: an int unless a fraction was written. Raises CompileError where it is too long."""
    value = exact(literal.text)
    if value is None:
        raise CompileError([Diagnostic("A0804", "this number has too many digits", literal.span)])
    if literal.text[-1] in SUFFIXES:
        return value.numerator if value.denominator == 1 else decimal(value)
    return Decimal(literal.text) if any(mark in literal.text for mark in ".eE") else value.numerator


def value_range(kind: s.TypeRange) -> Data:
    """Return what `low..high by step` admits: whole numbers unless a bound has a fraction."""
    low, high, step = (number(b) if isinstance(b, s.Number) else None for b in (kind.low, kind.high, kind.step))
    if any(isinstance(bound, s.String) for bound in (kind.low, kind.high)):
        text = "a range of a document goes from one number to another"
        raise CompileError([Diagnostic("A0506", text, kind.span, hint='String where it >= "a"')])
    if isinstance(low, Decimal) or isinstance(high, Decimal) or isinstance(step, Decimal):
        first, last = (None if bound is None else Decimal(bound) for bound in (low, high))
        if step is None or first is None or last is None:
            return Real(first, last)
        return _grid(first, last, Decimal(step), kind.span)
    return Whole(low, high, step)


def _grid(low: Decimal, high: Decimal, step: Decimal, span: Span) -> Data:
    """Return each of the numbers that steps of a fraction reach."""
    count = int((Fraction(high) - Fraction(low)) / Fraction(step)) + 1
    if count > STEPS:
        text = f"a range in steps of a fraction has at most {STEPS:,} values; this has {count:,}"
        raise CompileError([Diagnostic("A0506", text, span, hint="Float where it >= 0.0 and it <= 1.0")])
    with localcontext(prec=DIGITS):
        return OneOf(tuple(Arm(Constant(low + step * at)) for at in range(count)))


def written(value: Json, span: Span) -> s.Expr:
    """Return the expression whose value is `value`, which is no null."""
    match value:
        case bool():
            return s.Boolean(value, span)
        case int() | Decimal():
            text = s.Number(f"{Decimal(value).copy_abs():f}", span)
            return s.Negative(text, span) if value < 0 else text
        case str():
            return s.String(value, span)
        case list():
            return s.List(tuple(written(item, span) for item in value), span)
        case dict():
            return s.Record(tuple(s.Binding((), name, written(part, span), span) for name, part in value.items()), span)
        case None:
            raise AssertionError(span)
