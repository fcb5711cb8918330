"""What a space demands of the measures of its derivations, as numbers."""

from dataclasses import dataclass
from math import ceil, floor

from archc.grammar import syntax as s
from archc.grammar.source import Span
from archc.rules.bounds import A_NUMBER, IN_A_RANGE, Clause, Path, clauses, endless, is_range, unread
from archc.rules.session import Session
from archc.rules.static import evaluate
from archc.sizes.size import Size
from archc.values import Env, Interval, Value


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
    for clause in clauses(declaration):
        low, high = _ends(clause, evaluate(session, clause.limit, env))
        bound = Bound(clause.measure, clause.path, low, high, clause.whole.span)
        key = bound.measure, bound.path
        known = found.get(key)
        found[key] = bound if known is None else _both(known, bound)
    return tuple(found.values())


def depth_bound(session: Session, declaration: s.Declaration, env: Env) -> int:
    """Return how often a space may be mentioned inside itself, the outermost mention included. Raises Refusal."""
    for bound in bounds_of(session, declaration, env):
        if bound.measure == "depth" and bound.high is not None:
            return bound.high
    raise endless(declaration)


def _ends(clause: Clause, value: Value) -> tuple[int | None, int | None]:
    if clause.operator == "in":
        if not isinstance(value, Interval) or not is_range(clause, value):
            raise unread(clause.whole, IN_A_RANGE)
        return ceil(_number(clause, value.low)), None if value.high is None else floor(_number(clause, value.high))
    number = _number(clause, value)
    match clause.operator:
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


def _number(clause: Clause, value: Value) -> int | float:
    if isinstance(value, Size) and value.constant is not None:
        return value.constant
    if isinstance(value, float):
        return value
    raise unread(clause.whole, A_NUMBER)


def _both(one: Bound, other: Bound) -> Bound:
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    return Bound(one.measure, one.path, low, high, other.span)
