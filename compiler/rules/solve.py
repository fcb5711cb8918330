"""Axes and what they are declared as -> values for the names in them, each name by one axis."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.grammar.source import Span
from archc.names.mentions import solvable
from archc.rules.operands import origin_of
from archc.rules.session import Blame, Known, Refusal, Session, Witness
from archc.rules.static import evaluate
from archc.sizes.prove import at_least, divides, equal
from archc.sizes.size import Size, exact
from archc.tensor import Type
from archc.values import Env, Need, Value

MARK = "?"


@dataclass(slots=True)
class Matching:
    """One match: `names` grows, `pending` holds axes that wait for other names, `ids` those that count ids instead.

    `tags` are the qualifiers that are asked for, each of a type.
    """

    session: Session
    env: Env
    names: dict[str, Value]
    blame: Blame
    pending: list[tuple[s.Expr, Size, Span | None]] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    ids: list[s.Expr] = field(default_factory=list)
    tags: list[tuple[str, Type]] = field(default_factory=list)


def solve(matching: Matching) -> None:
    """Solve what waits, each axis for its one unknown name; then compare the axes whose names are all known."""
    while matching.pending:
        waiting, matching.pending = matching.pending, []
        for expr, size, origin in waiting:
            if not _solve_one(matching, expr, size, origin):
                matching.pending.append((expr, size, origin))
        if len(matching.pending) == len(waiting):
            expr = waiting[0][0]
            text = f"{format_expr(expr)} cannot be solved for one name"
            raise refuse(matching, "A0307", text, "give one of its names as a parameter")


def _solve_one(matching: Matching, expr: s.Expr, size: Size, origin: Span | None) -> bool:
    free = [name for name in solvable(expr) if is_free(matching, name)]
    if len(free) > 1:
        return False
    session = matching.session
    if not free:
        wanted = evaluate(session, expr, Env(matching.env.module, matching.names))
        if not isinstance(wanted, Size):
            raise refuse(matching, "A0104", f"{format_expr(expr)} is no whole number")
        if wanted != size:
            _compare(matching, expr, wanted, size, origin)
        return True
    name = free[0]
    if isinstance(expr, s.Ref):
        bind(matching, name, size, origin)
        return True
    whole = evaluate(session, expr, Env(matching.env.module, {**matching.names, name: Size.var(MARK)}))
    linear = whole.linear_in(MARK) if isinstance(whole, Size) else None
    if linear is None or linear[0].constant == 0:
        raise refuse(matching, "A0307", f"{format_expr(expr)} cannot be solved for `{name}`")
    bind(matching, name, _divide(matching, size - linear[1], linear[0], expr, origin, name), origin)
    return True


def _divide(matching: Matching, left: Size, factor: Size, expr: s.Expr, origin: Span | None, name: str) -> Size:
    session, blame = matching.session, matching.blame
    if factor.constant != 1:
        fact = divides(factor, left)
        need = Need("A0203", blame.subject, expr, blame.got, blame.span)

        def complain(witness: Witness | None) -> Diagnostic:
            named = [entry for entry in (*blame.known, *matching.known) if entry.value == factor]
            plural = next((entry.name for entry in named if entry.name.endswith("s")), "")
            text = (
                f"{left} does not split into {factor} {plural}" if plural else f"{left} is not a multiple of {factor}"
            )
            return refuse(matching, "A0203", text, "", solvable(expr), *_axis(left, origin)).diagnostic

        session.require(fact, need, complain)
        left = exact(left, factor)
    known = left.constant
    if known is None or known < 1:
        need = Need("A0206", blame.subject, expr, blame.got, blame.span)
        text = f"an axis of {format_expr(expr)} leaves {left} for {name}, and sizes are at least 1"
        found = refuse(matching, "A0206", text, "", solvable(expr))
        session.require(at_least(left, Size.of(1)), need, lambda _: found.diagnostic)
    return left


def _compare(matching: Matching, expr: s.Expr, wanted: Size, size: Size, origin: Span | None) -> None:
    blame = matching.blame
    need = Need("A0202", blame.subject, f"{format_expr(expr)} == {size}", blame.got, blame.span)

    def complain(witness: Witness | None) -> Diagnostic:
        name = format_expr(expr)
        shown = f"{name} = {wanted}" if name != str(wanted) else name
        what = "these ids are below" if expr in matching.ids else "this axis is"
        text = f"{blame.subject} needs {shown}; {what} {size}{for_example(witness)}"
        given = isinstance(expr, s.Ref) and any(entry.name == name for entry in blame.known)
        hint = f"{name} = {size}" if given else ""
        return refuse(matching, "A0202", text, hint, solvable(expr), *_axis(size, origin)).diagnostic

    matching.session.require(equal(wanted, size), need, complain, equation=True)


def _axis(size: Size, origin: Span | None) -> tuple[Known, ...]:
    """Return where an axis comes from, if that is known."""
    return (origin_of("", size, origin),) if origin is not None else ()


def is_free(matching: Matching, name: str) -> bool:
    """Return whether `name` waits for a size: it is not bound here, and no constant of the module."""
    if name in matching.names:
        return False
    definition = matching.session.scopes.find(matching.env.module, name)
    return definition is None or definition.declaration.kind != "const"


def bind(matching: Matching, name: str, size: Size, origin: Span | None) -> None:
    """Let `name` be `size` from here on, set by the text `origin`."""
    matching.names[name] = size
    matching.known.append(origin_of(name, size, origin))


def refuse(
    matching: Matching, code: str, message: str, hint: str = "", about: Iterable[str] = (), *axes: Known
) -> Refusal:
    """Return the complaint, with the origins of the names that it is `about` and of the `axes` that it compares."""
    blame = matching.blame
    whole = Blame(blame.subject, blame.needs, blame.got, blame.span, (*blame.known, *matching.known)).about(about)
    return Refusal(replace(whole, known=(*axes, *whole.known)).diagnostic(code, message, hint))


def for_example(witness: Witness | None) -> str:
    """Return a witness as the end of a sentence, or nothing where there is none."""
    return (
        f", for example when {', '.join(f'{name} = {value}' for name, value in sorted(witness.items()))}"
        if witness
        else ""
    )
