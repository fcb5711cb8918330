"""The bounds that a space puts on its derivations."""

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.size import Size
from archc.values import Env

FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "=="}


def comparisons(declaration: s.Declaration) -> list[s.Compare]:
    """Return the comparisons that all have to hold."""
    found: list[s.Compare] = []
    waiting = list(declaration.where)
    while waiting:
        match waiting.pop():
            case s.Logic("and", items):
                waiting.extend(items)
            case s.Compare() as clause:
                found.append(clause)
            case _:
                pass
    return found


def depth_bound(session: Session, declaration: s.Declaration, env: Env) -> int:
    """Return how often a space may be mentioned inside itself, the outermost mention included. Raises Refusal."""
    bounds = []
    for clause in comparisons(declaration):
        left, operator, right = clause.left, clause.operator, clause.right
        if isinstance(right, s.Ref) and right.name == "depth":
            left, operator, right = right, FLIPPED.get(operator, operator), left
        if isinstance(left, s.Ref) and left.name == "depth" and operator in ("<=", "<", "=="):
            value = evaluate(session, right, env)
            number = value.constant if isinstance(value, Size) else None
            if number is not None:
                bounds.append(number - (operator == "<"))
    if not bounds:
        text = f"`{declaration.name}` needs a bound from above on its depth"
        raise Refusal(Diagnostic("A0401", text, declaration.name_span, hint="where depth <= 8"))
    return min(bounds)
