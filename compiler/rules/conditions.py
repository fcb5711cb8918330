"""Conditions as expressions -> formulas over sizes."""

from collections.abc import Callable, Sequence

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.grammar.source import Span
from archc.names.mentions import solvable
from archc.rules.session import Blame, Exhausted, Fork, PerUse, Refusal, Session, Witness, opposite
from archc.sizes.prove import Fact, at_least, divides, equal, less, negate
from archc.sizes.size import Size
from archc.values import Drawn, Env, Every, Formula, Interval, Items, Need, Opaque, Shape, Some, Value, show

Evaluate = Callable[[Session, s.Expr, Env], Value]


def formula(session: Session, expr: s.Expr, env: Env, evaluate: Evaluate) -> Formula:
    """Return what `expr` says of sizes; whatever else it compares is decided here.

    Raises Refusal where it is no condition, Fork on an undecided flag or string.
    """
    match expr:
        case s.Not(inner):
            return opposite(formula(session, inner, env, evaluate))
        case s.Logic(operator, items):
            return _logic(session, operator, items, env, evaluate)
        case s.Compare():
            return _compare(session, expr, env, evaluate)
        case _:
            value = known(session, evaluate(session, expr, env))
            if isinstance(value, (bool, Fact, Every, Some)):
                return value
            text = f"a condition is true or false; this is {show(value)}"
            raise Refusal(Diagnostic("A0104", text, expr.span, hint=f"{show(value)[:30]} == ..."))


def _logic(session: Session, operator: str, items: tuple[s.Expr, ...], env: Env, evaluate: Evaluate) -> Formula:
    """Evaluate from left to right and stop where the answer is known, as a reader expects."""
    parts: list[Formula] = []
    for item in items:
        part = formula(session, item, env, evaluate)
        if part is (operator == "or"):
            return part
        if not isinstance(part, bool):
            parts.append(part)
    if not parts:
        return operator == "and"
    if len(parts) == 1:
        return parts[0]
    return Every(tuple(parts)) if operator == "and" else Some(tuple(parts))


def known(session: Session, value: Value) -> Value:
    """Return `value`; an unknown flag or string splits the walk into one case for each."""
    if isinstance(value, Opaque):
        if value.values:
            raise Fork(tuple(((value.name, entry),) for entry in value.values))
        raise PerUse
    return value


def _compare(session: Session, expr: s.Compare, env: Env, evaluate: Evaluate) -> Formula:
    left = evaluate(session, expr.left, env)
    if _is_remainder(expr):
        assert isinstance(expr.left, s.Binary)
        whole = evaluate(session, expr.left.left, env)
        part = evaluate(session, expr.left.right, env)
        if isinstance(whole, Size) and isinstance(part, Size):
            fact = divides(part, whole)
            return fact if expr.operator == "==" else opposite(fact)
    right = evaluate(session, expr.right, env)
    if expr.operator == "in":
        return _membership(left, right, expr.span)
    if isinstance(left, Size) and isinstance(right, Size):
        return _relation(expr.operator, left, right)
    left, right = known(session, left), known(session, right)
    if isinstance(left, Drawn) or isinstance(right, Drawn):  # of no arm, so that no other takes its place
        raise Exhausted(_decided_late(expr))
    if isinstance(left, (Size, float)) and isinstance(right, (Size, float)):
        return _numbers(expr.operator, left, right)
    if expr.operator in ("==", "!="):
        if isinstance(left, Shape) and isinstance(right, Shape):
            same: Formula = _shapes(left, right)
        else:
            same = type(left) is type(right) and left == right
        return same if expr.operator == "==" else opposite(same)
    text = f"`{expr.operator}` compares numbers; these are {show(left)} and {show(right)}"
    raise Refusal(Diagnostic("A0104", text, expr.span))


def _decided_late(expr: s.Compare) -> Diagnostic:
    text = "a condition is settled before a number of a continuous range is drawn"
    return Diagnostic("A0414", text, expr.span, hint="give the range steps, as in 0.1 .. 0.5 by 0.1")


def _is_remainder(expr: s.Compare) -> bool:
    zero = isinstance(expr.right, s.Number) and expr.right.text == "0"
    return zero and expr.operator in ("==", "!=") and isinstance(expr.left, s.Binary) and expr.left.operator == "%"


def _relation(operator: str, left: Size, right: Size) -> Formula:
    fact = _fact(operator, left, right)
    if left.constant is not None and right.constant is not None:
        return bool(fact.evaluate({}))
    return fact


def _fact(operator: str, left: Size, right: Size) -> Fact:
    match operator:
        case "==":
            return equal(left, right)
        case "!=":
            return negate(equal(left, right))
        case ">=":
            return at_least(left, right)
        case "<=":
            return at_least(right, left)
        case "<":
            return less(left, right)
        case _:
            return less(right, left)


def _numbers(operator: str, left: Size | float, right: Size | float) -> Formula:
    first = left if isinstance(left, float) else left.constant
    second = right if isinstance(right, float) else right.constant
    if first is None or second is None:
        raise PerUse
    comparisons = {
        "==": first == second, "!=": first != second, ">=": first >= second, "<=": first <= second,
        "<": first < second, ">": first > second,
    }  # fmt: skip
    return comparisons[operator]


def _membership(left: Value, right: Value, span: Span) -> Formula:
    if isinstance(right, Interval) and isinstance(left, Size) and isinstance(right.low, Size):
        upper = at_least(right.high, left) if isinstance(right.high, Size) else True
        return Every((at_least(left, right.low), upper))
    if isinstance(right, Items) and isinstance(left, Size):
        return Some(tuple(equal(left, entry) for entry in right.values if isinstance(entry, Size)))
    if isinstance(right, Items):
        return any(type(left) is type(entry) and left == entry for entry in right.values)
    raise Refusal(Diagnostic("A0104", f"`in` takes a list or a range; this is {show(right)}", span))


def _shapes(left: Shape, right: Shape) -> Formula:
    if len(left.dims) != len(right.dims):
        return False
    parts: list[Formula] = []
    for one, other in zip(left.dims, right.dims, strict=True):
        if isinstance(one, Size) and isinstance(other, Size):
            parts.append(equal(one, other))
        elif one != other:
            return False
    return Every(tuple(parts))


def demand(
    session: Session,
    clause: s.Expr,
    env: Env,
    span: Span,
    evaluate: Evaluate,
    *,
    function: str = "",
    clauses: Sequence[s.Expr] = (),
) -> None:
    """Require one of the `where` clauses of an op, block or `function` that is used at `span`."""
    try:
        condition = formula(session, clause, env, evaluate)
    except PerUse:  # about a float or string that only a use of the block gives; it is checked there
        return
    if condition is True:
        return
    blame = session.blamed(function or "this", span)
    window = function == "win"
    code = "A0204" if window else _code(clause)
    need = Need(code, blame.subject, "its window to fit" if window else clause, blame.got, blame.span)

    def refuse(witness: Witness | None) -> Diagnostic:
        said = blame if function else blame.about(solvable(clause))
        label = f"{blame.subject} gets {blame.got}" if blame.got is not None else ""
        if code == "A0201":
            return blame.about(()).diagnostic(code, _rank(blame, clauses), rank_hint(blame.subject, _count(blame)))
        return said.diagnostic(code, _message(session, blame, clause, env, evaluate, code=code), label=label)

    session.require(condition, need, refuse)


def _code(clause: s.Expr) -> str:
    if not isinstance(clause, s.Compare):
        return "A0205"
    if _is_remainder(clause):
        return "A0203"
    ranks = [side for side in (clause.left, clause.right) if isinstance(side, s.Call) and _ranked(side)]
    return (
        "A0205" if not _about_rank(clause) else "A0214" if "axis" in solvable(clause) else "A0201" if ranks else "A0205"
    )


def _ranked(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and isinstance(expr.function, s.Ref) and expr.function.name == "rank"


def _about_rank(clause: s.Compare) -> bool:
    sides = (side.value if isinstance(side, s.Negative) else side for side in (clause.left, clause.right))
    return any(map(_ranked, sides))


def _count(blame: Blame) -> int:
    return len(getattr(blame.got, "dims", ()))


def _rank(blame: Blame, clauses: Sequence[s.Expr]) -> str:
    """Return the sentence for a wrong number of axes: how many are taken, by all `clauses` together."""
    dims = blame.needs.dims if isinstance(blame.needs, s.TypeList) else ()
    fixed = sum(not isinstance(dim, s.DimRest) for dim in dims)
    least, most = 0, None
    for clause in clauses:
        match clause:
            case s.Compare("<=", s.Number(text), side) if _ranked(side):
                least = int(text)
            case s.Compare("<=", side, s.Number(text)) if _ranked(side):
                most = int(text) + fixed
    return f"{blame.subject} takes {axes(least + fixed, most)}; {blame.got} has {_count(blame)}"


def axes(least: int, most: int | None) -> str:
    """Return a number of axes in words."""
    count = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
    return f"{count} {'axis' if count == '1' else 'axes'}"


def rank_hint(subject: str, count: int) -> str:
    """Return what to use instead where an op gets `count` axes, and not as many as it takes."""
    if subject == "conv" and count == 1:
        return "linear is for a vector, [d]; conv is channels-first, [c, ..x]"
    if subject == "causal_conv" and count > 2:
        return "conv, which is channels-first, [c, ..x]; causal_conv is token-first, [n, d]"
    return ""


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _message(session: Session, blame: Blame, clause: s.Expr, env: Env, evaluate: Evaluate, *, code: str) -> str:
    """Return the sentence for a clause that does not hold, with the sizes on both of its sides."""
    text = f"{blame.subject} needs {format_expr(clause)}"
    if not isinstance(clause, s.Compare):
        return text
    if code == "A0203":
        assert isinstance(clause.left, s.Binary)
        whole, part = (evaluate(session, side, env) for side in (clause.left.left, clause.left.right))
        if isinstance(whole, Size) and isinstance(part, Size):
            return split_message(divides(part, whole), blame)
    if code == "A0214" and "axis" in env.names:
        return f"there is no axis {show(env.names['axis'])} in {blame.got}"
    left, right = (evaluate(session, side, env) for side in (clause.left, clause.right))
    if code == "A0204":
        return f"a window of {show(right)} does not fit into {show(left)}"
    return f"{text}; here {show(left)} {_OPPOSITE.get(clause.operator, clause.operator)} {show(right)}"


def split_message(fact: Fact, blame: Blame) -> str:
    """Return the sentence for an indivisible size, with the name of the divisor where it has one."""
    name = next((entry.name for entry in blame.known if entry.value == fact.left and entry.name.endswith("s")), "")
    if name:
        return f"{fact.right} does not split into {fact.left} {name}"
    return f"{fact.right} is not a multiple of {fact.left}"


def undecided(session: Session, site: str, values: Sequence[Value]) -> Value:
    """Return one unknown value among `values`; where none can stand for them, raise Fork."""
    sizes = [value.constant for value in values if isinstance(value, Size)]
    if len(sizes) == len(values) and None not in sizes:
        known = tuple(sorted({size for size in sizes if size is not None}))
        shown = (*map(str, known[:4]), "...") if len(known) > 5 else map(str, known)
        name = session.new_name(f"({' | '.join(shown)})")
        session.context = session.context.declare(name, low=known[0], high=known[-1], values=known)
        return Size.var(name)
    if all(isinstance(value, (bool, str, float)) for value in values):
        return Opaque(site, tuple(value for value in values if isinstance(value, (bool, str, float))))
    raise Fork(tuple(((f"{site} #", index),) for index in range(len(values))))
