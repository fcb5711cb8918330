"""What a space demands of the measures of its derivations, as numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.grammar.source import Span
from archc.rules.infer import MEASURES, measures
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.size import Size
from archc.values import Env, Interval, Value

FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "=="}

Path = tuple[str, ...]
"""Fields of a record inside each other; empty for what is no record."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A measure of a derivation, or of the networks in one field of its record, from `low` to `high`; None is no bound.

    `measure` is one of `depth`, `nodes`, `params`, `macs`, `flops` and `count(op)`.
    """

    measure: str
    path: Path
    low: int | None
    high: int | None
    span: Span

    def allows(self, value: int) -> bool:
        """Return whether a value is within."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        name = ".".join((*self.path, self.measure))
        if self.low == self.high:
            return f"{name} == {self.low}"
        ends = (
            f"{name} >= {self.low:,}" if self.low is not None else "",
            f"{name} <= {self.high:,}" if self.high is not None else "",
        )
        return " and ".join(filter(None, ends))


def bounds_of(session: Session, declaration: s.Declaration, env: Env) -> tuple[Bound, ...]:
    """Return the bounds of a space, one for each measure. Raises Refusal on a condition that is no bound."""
    found: dict[tuple[str, Path], Bound] = {}
    for clause in _clauses(declaration):
        bound = _bound(session, clause, env)
        key = bound.measure, bound.path
        known = found.get(key)
        found[key] = bound if known is None else _both(known, bound)
    return tuple(found.values())


def depth_bound(session: Session, declaration: s.Declaration, env: Env) -> int:
    """Return how often a space may be mentioned inside itself, the outermost mention included. Raises Refusal."""
    for bound in bounds_of(session, declaration, env):
        if bound.measure == "depth" and bound.high is not None:
            return bound.high
    text = f"`{declaration.name}` needs a bound from above on its depth"
    raise Refusal(Diagnostic("A0401", text, declaration.name_span, hint="where depth <= 8"))


def _clauses(declaration: s.Declaration) -> Iterator[s.Compare]:
    """Yield the comparisons that all have to hold. Raises Refusal on what is none."""
    waiting = [clause for clause in reversed(declaration.where) if measures(declaration, clause)]
    while waiting:
        clause = waiting.pop()
        match clause:
            case s.Logic("and", items):
                waiting.extend(reversed(items))
            case s.Compare():
                yield clause
            case _:
                raise _unread(clause, "bounds on measures hold together: separate them by commas")


def _bound(session: Session, clause: s.Compare, env: Env) -> Bound:
    left, right = clause.left, clause.right
    operator: str = clause.operator
    if measured(left) is None and operator in FLIPPED:
        left, right, operator = right, left, FLIPPED[operator]
    named = measured(left)
    if named is None or operator not in (*FLIPPED, "in"):
        raise _unread(clause, "a measure is at least, at most or exactly a number: params <= 5M")
    low, high = _ends(clause, operator, evaluate(session, right, env))
    return Bound(*named, low, high, clause.span)


def measured(expr: s.Expr) -> tuple[str, Path] | None:
    """Return the measure that an expression names and the field it is of; None for another expression."""
    argument = ""
    if isinstance(expr, s.Call) and len(expr.arguments) == 1 and isinstance(expr.arguments[0].value, s.Ref):
        argument, expr = expr.arguments[0].value.name, expr.function
    path: list[str] = []
    while isinstance(expr, s.Attribute):
        path.append(expr.name)
        expr = expr.value
    if not isinstance(expr, s.Ref):
        return None
    name, *fields = [*path, expr.name]
    if name not in MEASURES or (name == "count") != bool(argument) or (name == "depth" and fields):
        return None
    return f"count({argument})" if argument else name, tuple(reversed(fields))


def _ends(clause: s.Compare, operator: str, value: Value) -> tuple[int | None, int | None]:
    if operator == "in":
        if not isinstance(value, Interval) or value.step is not None or value.logarithmic:
            raise _unread(clause, "a range of whole numbers: nodes in 4..12")
        return ceil(_number(clause, value.low)), None if value.high is None else floor(_number(clause, value.high))
    number = _number(clause, value)
    match operator:
        case "<=":
            return None, floor(number)
        case "<":
            return None, ceil(number) - 1
        case ">=":
            return ceil(number), None
        case ">":
            return floor(number) + 1, None
        case _:
            return ceil(number), floor(number)


def _number(clause: s.Compare, value: Value) -> int | float:
    if isinstance(value, Size) and value.constant is not None:
        return value.constant
    if isinstance(value, float):
        return value
    raise _unread(clause, "params <= 5M")


def _both(one: Bound, other: Bound) -> Bound:
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    return Bound(one.measure, one.path, low, high, other.span)


def _unread(clause: s.Expr, hint: str) -> Refusal:
    text = f"a bound compares one measure with a number; this is {format_expr(clause)}"
    return Refusal(Diagnostic("A0410", text, clause.span, hint=hint))
