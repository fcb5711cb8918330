"""The bounds that a space sets to measures of its members -> what is bounded, how, and by what."""

from collections.abc import Iterator
from dataclasses import dataclass

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.ops import uncounted
from archc.rules.infer import MEASURES, is_measure, measures
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.size import Size
from archc.values import Env, Interval, Opaque, what

FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "=="}

Path = tuple[str, ...]
"""Fields of a record inside each other; empty for what is no record."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A bound as it is written: the measure and the field it is of, `operator` as if the measure stood left, the other side."""

    measure: str
    path: Path
    operator: str
    limit: s.Expr
    whole: s.Compare


def clauses(declaration: s.Declaration) -> Iterator[Clause]:
    """Yield the bounds that all have to hold. Raises Refusal on a condition on a measure that is none."""
    waiting = [clause for clause in reversed(declaration.where) if measures(declaration, clause)]
    while waiting:
        clause = waiting.pop()
        match clause:
            case s.Logic("and", items):
                waiting.extend(reversed(items))
            case s.Compare():
                yield _clause(clause)
            case s.Logic() | s.Not():
                raise unread(clause, "bounds on measures hold together: separate them by commas")
            case _:
                text = f"a condition is true or false; this is {format_expr(clause)}"
                raise Refusal(Diagnostic("A0104", text, clause.span, hint=f"{format_expr(clause)} <= ..."))


def _clause(clause: s.Compare) -> Clause:
    left, right = clause.left, clause.right
    operator: str = clause.operator
    if measured(left) is None and operator in FLIPPED:
        left, right, operator = right, left, FLIPPED[operator]
    named = measured(left)
    if named is None or operator not in (*FLIPPED, "in"):
        raise unread(clause, _way(clause.left if is_measure(clause.left) else clause.right))
    return Clause(*named, operator, right, clause)


def _way(expr: s.Expr) -> str:
    """Return how what seems to be meant is bounded."""
    match expr:
        case s.Ref("count") | s.Call(s.Ref("count")):
            return "count counts one op: count(linear) <= 8"
        case s.Attribute(_, "depth"):
            return "depth is bounded where the space of that field is declared"
        case s.Ref(name) | s.Call(s.Ref(name)) if name in MEASURES:
            return f"a measure is at least, at most or exactly a number: {name} <= 8"
        case _:
            return "a measure is at least, at most or exactly a number: params <= 5M"


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


def require_bounds(session: Session, declaration: s.Declaration, env: Env) -> None:
    """Require what bounds measures to be a number or a range of numbers, and depth to be bounded from above.

    Raises Refusal.
    """
    found = list(clauses(declaration))
    for clause in found:
        if clause.measure.startswith("count(") and (text := uncounted(clause.measure[6:-1])[0]):
            raise Refusal(Diagnostic("A0410", text, clause.whole.span, hint="count(conv) <= 8"))
        if is_measure(clause.limit):
            raise unread(clause.whole, A_NUMBER)
        value = evaluate(session, clause.limit, env)
        if clause.operator == "in" and not isinstance(value, Interval):
            raise unread(clause.whole, IN_A_RANGE)
        if not isinstance(value, (Size, float, Opaque, Interval)):
            text = f"a measure is compared with a number; this is {what(value)}"
            raise Refusal(Diagnostic("A0104", text, clause.limit.span))
        if isinstance(value, Interval) and not is_range(clause, value):
            raise unread(clause.whole, IN_A_RANGE if clause.operator == "in" else A_NUMBER)
    depths = [clause for clause in found if clause.measure == "depth"]
    if depths and all(clause.operator in (">=", ">") for clause in depths):
        raise endless(declaration)


A_NUMBER, IN_A_RANGE = "params <= 5M", "a range of whole numbers: nodes in 4..12"


def is_range(clause: Clause, value: Interval) -> bool:
    """Return whether a measure can lie in a range: one that goes in steps of one."""
    return clause.operator == "in" and value.step is None and not value.logarithmic


def endless(declaration: s.Declaration) -> Refusal:
    """Return the complaint that depth is bounded from below only."""
    text = f"`{declaration.name}` needs a bound from above on its depth"
    return Refusal(Diagnostic("A0401", text, declaration.name_span, hint="where depth <= 8"))


def unread(clause: s.Expr, hint: str) -> Refusal:
    """Return the complaint about a condition on a measure that is no bound."""
    text = f"a bound compares one measure with a number; this is {format_expr(clause)}"
    return Refusal(Diagnostic("A0410", text, clause.span, hint=hint))
