"""What comes out of a body against what its declaration promises."""

from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_expr, format_type
from archc.grammar.source import Span
from archc.rules.conditions import formula
from archc.rules.match import match
from archc.rules.qualify import MISSING
from archc.rules.session import Blame, Fork, PerUse, Refusal, Session
from archc.rules.static import evaluate
from archc.tensor import Tensor
from archc.values import Env, Flow


def require_output(session: Session, target: s.TypeExpr, result: Flow, env: Env, body: s.Expr | None = None) -> None:
    """Require the output of the body of this walk, or of one arm of it, to be the declared one.

    Raises Refusal that says how they differ, for one example where they do for some sizes only.
    """
    declaration = session.definition.declaration
    assert declaration.value is not None
    place = _last_stage(session, body or declaration.value, env)
    try:
        match(session, target, result, env, Blame("the output", "", result.type, place))
    except Refusal as refusal:
        inner = refusal.diagnostic
        if inner.code == MISSING:
            note = Note(format_type(target), "declared here,", target.span)
            text = f"`{declaration.name}` declares {format_type(target)}, and its body gives {result.type}"
            raise Refusal(replace(inner, message=text, label="", notes=(note, *inner.notes))) from None
        text = f"`{declaration.name}` declares {format_type(target)}, and its body gives {result.type}"
        is_plain = isinstance(result.type, Tensor) and len(result.type.dims) < 2 and "example" not in inner.message
        label = "" if is_plain or inner.code == "A0201" or "differ" in inner.message else inner.message
        origins = tuple(note for note in inner.notes if note.span != place) if not is_plain else ()
        notes = (Note(format_type(target), "declared here,", target.span), *origins)
        raise Refusal(Diagnostic("A0212", text, place, label, notes, _fix(target, result, place))) from None


def _last_stage(session: Session, expr: s.Expr, env: Env) -> Span:
    """Return where the output of `expr` is made, in the case that is looked at."""
    while True:
        match expr:
            case s.Pipe(stages):
                expr = stages[-1]
            case s.Body(_, value):
                expr = value
            case s.If(condition, then, otherwise):
                try:
                    expr = then if session.decide(formula(session, condition, env, evaluate)) else otherwise
                except (Fork, PerUse, Refusal):
                    return expr.span
            case _:
                return expr.span


def _fix(target: s.TypeExpr, result: Flow, place: Span) -> str:
    """Return the stage that would give what is declared, where one stage is enough."""
    otherwise = f"declare {result.type}, or change the last stage"
    if not isinstance(result.type, Tensor) or not isinstance(target, s.TypeList) or result.type.kind != "Float":
        return otherwise
    wanted = tuple("" if isinstance(dim, (s.DimRange, s.DimRest)) else format_expr(dim) for dim in target.dims)
    found = tuple(map(str, result.type.dims))
    if "" in wanted:
        return otherwise
    if len(wanted) == len(found) == 2 and place.text.startswith("conv("):
        return "causal_conv, which is token-first, [n, d]; conv is channels-first, [c, n]"
    if len(wanted) == len(found):
        return _one_axis(wanted, found) or otherwise
    if len(wanted) == 1 and len(found) > 1:
        return _one_vector(wanted[0], found, place)
    return otherwise


def _one_axis(wanted: tuple[str, ...], found: tuple[str, ...]) -> str:
    differing = [at for at, (one, other) in enumerate(zip(wanted, found, strict=True)) if one != other]
    if differing == [len(wanted) - 1]:
        return f"linear({wanted[-1]}) as the last stage"
    return f"conv({wanted[0]}, 1) as the last stage" if differing == [0] and len(wanted) == 3 else ""


def _one_vector(wanted: str, found: tuple[str, ...], place: Span) -> str:
    """Return how several axes become one, of the size that is wanted."""
    if found[-1] == wanted and place.text.startswith("linear("):
        return f"flatten -> {place.text}" if len(place.text) < 60 else "put `flatten` before the last stage"
    pool = "mean_tokens" if len(found) == 2 else "global_avg_pool"
    kept = found[-1] if len(found) == 2 else found[0]
    return f"{pool} at the end" if kept == wanted else f"{pool} -> linear({wanted}) at the end"
