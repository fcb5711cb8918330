"""A condition or a default, and the values that it speaks of -> its value, exactly.

What speaks of a part that is absent, an optional field or a null, is unknown, and an unknown condition holds. `x and y`
is false where one of them is, and `x or y` true where one of them is, all the same.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import Enum
from fractions import Fraction
from typing import TypeGuard

from archc.data.constants import exact
from archc.data.kinds import Json
from archc.grammar import syntax as s
from archc.regular.formats import instant

PLACES = 400
DIGITS = 4_000


class Unknown(Enum):
    """The value of what speaks of an absent field."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN

Exact = Json | Fraction
Value = Exact | Unknown


class Impossible(Exception):
    """An expression has no value here: it divides by zero, or orders what has no order. The text says why."""


@dataclass(frozen=True, slots=True)
class _Scope:
    record: Mapping[str, Json]
    it: Json


def evaluate(expr: s.Expr, record: Mapping[str, Json], it: Json = None) -> Json | Unknown:
    """Return the value of `expr`, which speaks of the fields of `record` and of `it`; UNKNOWN where one is absent.

    Numbers come out as int where they are whole and as Decimal otherwise. Raises Impossible where there is no value, or
    none that ends as a decimal.
    """
    found = _value(expr, _Scope(record, it))
    return decimal(found) if isinstance(found, Fraction) else found


def holds(expr: s.Expr, record: Mapping[str, Json], it: Json = None) -> bool:
    """Return whether a condition holds, as it does where what it speaks of is absent. Raises Impossible."""
    return _value(expr, _Scope(record, it)) is not False


def fields_of(value: Json) -> Mapping[str, Json]:
    """Return what names in a condition on a whole value stand for: its fields, or those of its items, as lists."""
    if isinstance(value, dict):
        return value
    found: dict[str, list[Json]] = {}
    for item in value if isinstance(value, list) else ():
        for name, part in item.items() if isinstance(item, dict) else ():
            found.setdefault(name, []).append(part)
    return dict(found)


def decimal(value: Fraction) -> Decimal:
    """Return `value` as a decimal. Raises Impossible where that has no end, or more digits than a document may hold."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0 and twos <= PLACES:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0 and fives <= PLACES:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > PLACES:
        raise Impossible("a number has no end as a decimal; `round(..., 2)` gives it one")
    digits = value.numerator * 10**places // value.denominator
    with localcontext(prec=2 * DIGITS):
        return Decimal(digits).scaleb(-places)


def _value(expr: s.Expr, scope: _Scope) -> Value:
    match expr:
        case s.Number(text):
            found = exact(text)
            return UNKNOWN if found is None else _plain(found)
        case s.String(text):
            return text
        case s.Boolean(flag):
            return flag
        case s.Ref(name):
            return _plainly(scope.it if name == "it" else scope.record.get(name, UNKNOWN))
        case s.Attribute():
            return _path(expr, scope)
        case s.List(items):
            return _list(items, scope)
        case s.Record(bindings):
            return _record(bindings, scope)
        case s.Binary():
            return _arithmetic(expr, scope)
        case s.Negative(inner):
            value = _value(inner, scope)
            return UNKNOWN if _absent(value) else _plain(-_numeric(value))
        case s.Compare(operator, left, right):
            return _compare(operator, left, right, scope)
        case _:
            return _logical(expr, scope)


def _logical(expr: s.Expr, scope: _Scope) -> Value:
    match expr:
        case s.Not(inner):
            value = _value(inner, scope)
            return UNKNOWN if _absent(value) else value is False
        case s.Logic(operator, items):
            return _logic(items, scope, ends=operator == "or")
        case s.If(condition, then, otherwise):
            value = _value(condition, scope)
            return UNKNOWN if _absent(value) else _value(then if value is True else otherwise, scope)
        case s.Call(s.Ref(name), arguments):
            return _call(name, [_value(argument.value, scope) for argument in arguments])
        case _:
            raise AssertionError(expr)


def _logic(items: Sequence[s.Expr], scope: _Scope, *, ends: bool) -> Value:
    unknown = False
    for item in items:
        value = _value(item, scope)
        if value is ends:
            return ends
        unknown = unknown or _absent(value)
    return UNKNOWN if unknown else not ends


# ---------------------------------------------------------------- values
def _plain(value: int | Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _plainly(value: Value) -> Value:
    """Return a number as it is worked with, and anything else as it is."""
    return _plain(Fraction(value)) if isinstance(value, Decimal) else value


def _absent(value: Value) -> TypeGuard[None | Unknown]:
    return value is None or value is UNKNOWN


def _numeric(value: Value) -> int | Fraction:
    if isinstance(value, Decimal):
        return _plain(Fraction(value))
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return value
    raise Impossible(f"{noun(value)} is no number")


def noun(value: Value) -> str:
    """Return what kind of thing a value is, in a word or two."""
    match value:
        case None | Unknown():
            return "null"
        case bool():
            return "a flag"
        case int() | Decimal() | Fraction():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "a record"


def _path(expr: s.Attribute, scope: _Scope) -> Value:
    names: list[str] = []
    root: s.Expr = expr
    while isinstance(root, s.Attribute):
        names.append(root.name)
        root = root.value
    value = _value(root, scope)
    for name in reversed(names):
        if isinstance(value, list):
            value = _gathered(value, name)
        else:
            value = value.get(name, UNKNOWN) if isinstance(value, dict) else UNKNOWN
    return _plainly(value)


def _gathered(items: Sequence[Json], name: str) -> list[Json]:
    """Return the fields `name` of records in a list, those of lists in it included, where there are any."""
    found: list[Json] = []
    for item in items:
        if isinstance(item, list):
            found.extend(_gathered(item, name))
        elif isinstance(item, dict) and name in item:
            found.append(item[name])
    return found


def _list(items: Sequence["s.Expr | s.Spread"], scope: _Scope) -> list[Json]:
    found: list[Json] = []
    for item in items:
        value = _value(item.value if isinstance(item, s.Spread) else item, scope)
        if isinstance(item, s.Spread) and isinstance(value, list):
            found.extend(value)
        elif not isinstance(value, Unknown):
            found.append(decimal(value) if isinstance(value, Fraction) else value)
    return found


def _record(bindings: Sequence[s.Binding], scope: _Scope) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for binding in bindings:
        value = _value(binding.value, scope)
        if not isinstance(value, Unknown):
            found[binding.name] = decimal(value) if isinstance(value, Fraction) else value
    return found


# ---------------------------------------------------------------- arithmetic
def _arithmetic(expr: s.Binary, scope: _Scope) -> Value:
    """Return the value of a chain of operations, from the left, however long it is."""
    chain: list[s.Binary] = []
    first: s.Expr = expr
    while isinstance(first, s.Binary):
        chain.append(first)
        first = first.left
    value = _value(first, scope)
    for step in reversed(chain):
        right = _value(step.right, scope)
        if _absent(value) or _absent(right):
            value = UNKNOWN
        else:
            value = _plain(_operation(step.operator, _numeric(value), _numeric(right)))
    return value


def _operation(operator: s.Operator, left: int | Fraction, right: int | Fraction) -> int | Fraction:
    _require_small(left, right)
    if operator in ("/", "//", "%") and right == 0:
        raise Impossible("it divides by zero")
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return Fraction(left) / right
        case "//":
            return left // right
        case "%":
            return left % right


def _require_small(*values: int | Fraction) -> None:
    if any(max(abs(value.numerator), value.denominator).bit_length() > 4 * DIGITS for value in values):
        raise Impossible(f"a number in it has more than {DIGITS:,} digits")


# ---------------------------------------------------------------- comparisons
def _compare(operator: str, left: s.Expr, right: s.Expr, scope: _Scope) -> Value:
    one = _value(left, scope)
    if operator == "in" and isinstance(right, s.Range):
        return _within(one, right, scope)
    other = _value(right, scope)
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    match operator:
        case "==":
            return key(one) == key(other)
        case "!=":
            return key(one) != key(other)
        case "in":
            return UNKNOWN if _absent(other) else key(one) in map(key, _members(other))
        case _:
            return UNKNOWN if _absent(one) or _absent(other) else _ordered(operator, one, other)


def _members(value: Exact) -> Sequence[Json]:
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, list):
        return value
    raise Impossible(f"{noun(value)} has no items")


def _within(value: Value, span: s.Range, scope: _Scope) -> Value:
    low, high, step = (
        _value(bound, scope) if bound is not None else None for bound in (span.low, span.high, span.step)
    )
    if _absent(value) or _absent(low) or isinstance(high, Unknown) or isinstance(step, Unknown):
        return UNKNOWN
    if not _ordered("<=", low, value) or (high is not None and not _ordered("<=", value, high)):
        return False
    return step is None or _operation("%", _numeric(value) - _numeric(low), _numeric(step)) == 0


def _ordered(operator: str, one: Value, other: Value) -> bool:
    """Return whether `<`, `<=`, `>` or `>=` holds: of numbers, of strings by code points, of times by the clock."""
    if isinstance(one, str) and isinstance(other, str):
        first, second = instant(one), instant(other)
        if first is not None and second is not None and first[0] == second[0]:
            return _sign(operator, (first > second) - (first < second))
        return _sign(operator, (one > other) - (one < other))
    if isinstance(one, str) or isinstance(other, str):
        raise Impossible(f"{noun(one)} comes neither before nor after {noun(other)}")
    before, after = _numeric(one), _numeric(other)
    return _sign(operator, (before > after) - (before < after))


def _sign(operator: str, sign: int) -> bool:
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def key(value: Value) -> Hashable:
    """Return what equal values share: numbers by value, times by the clock, records whatever the order of their fields."""
    match value:
        case bool() | None | Unknown():
            return ("word", value)
        case Decimal():
            return ("number", Fraction(value))
        case int() | Fraction():
            return ("number", value)
        case str():
            return instant(value) or ("text", value)
        case list():
            return ("list", tuple(map(key, value)))
        case dict():
            return ("record", frozenset((name, key(part)) for name, part in value.items()))


# ---------------------------------------------------------------- functions
def _call(name: str, values: Sequence[Value]) -> Value:
    first = values[0]
    if isinstance(first, Unknown) or (first is None and len(values) == 1):
        return UNKNOWN
    if name == "round":
        places = values[1] if len(values) > 1 else 0
        return UNKNOWN if _absent(first) or _absent(places) else rounded(_numeric(first), int(_numeric(places)))
    if name in ("min", "max") and len(values) > 1:
        return UNKNOWN if any(map(_absent, values)) else _extreme(name, values)
    return _FOLDS[name](first)


def rounded(value: int | Fraction, places: int) -> int | Fraction:
    """Return `value` with `places` decimal places, halves away from zero."""
    power: int = 10 ** min(abs(places), PLACES)
    scale = Fraction(power) if places >= 0 else Fraction(1, power)
    sign = 1 if value >= 0 else -1
    whole = (value * sign * scale * 2 + 1) // 2
    return _plain(whole * sign / scale)


def _extreme(name: str, values: Sequence[Value]) -> Value:
    found: Value = UNKNOWN
    for value in values:
        if not _absent(value) and (_absent(found) or _ordered("<" if name == "min" else ">", value, found)):
            found = value
    return _plainly(found)


def _len(value: Exact) -> Value:
    if isinstance(value, (str, list, dict)):
        return len(value)
    raise Impossible(f"{noun(value)} has no length")


def _total(value: Exact) -> Value:
    total: int | Fraction = 0
    for item in _members(value):
        if item is not None:
            total += _numeric(item)
    return _plain(total)


def _unique(value: Exact) -> Value:
    items = _members(value)
    return len(set(map(key, items))) == len(items)


_FOLDS: Mapping[str, Callable[[Exact], Value]] = {
    "len": _len,
    "sum": _total,
    "unique": _unique,
    "min": lambda value: _extreme("min", _members(value)),
    "max": lambda value: _extreme("max", _members(value)),
}
