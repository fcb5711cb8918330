"""Syntax to canonical text: one layout, which depends on the syntax, its comments and its blank lines alone."""

import re

from archc.grammar import syntax as s
from archc.grammar.flat import flat_expr, flat_type


def format_expr(expr: s.Expr, width: int | None = None) -> str:
    """Return `expr` on one line; with a `width`, shortened to it with an ellipsis."""
    text = _without_docs(flat_expr(expr))
    if width is None or len(text) <= width:
        return text
    if isinstance(expr, s.Call):
        for kept in range(len(expr.arguments) - 1, 0, -1):
            fewer = flat_expr(s.Call(expr.function, expr.arguments[:kept]))[:-1] + ", \u2026)"
            if len(fewer) <= width:
                return fewer
    return text[: max(width - 1, 0)] + "\u2026"


def format_type(kind: s.TypeExpr) -> str:
    """Return `kind` on one line."""
    return _without_docs(flat_type(kind))


def _without_docs(text: str) -> str:
    return re.sub(r"##[^\n]*\n", "", text) if "\n" in text else text
