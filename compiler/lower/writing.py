"""Expressions and calls as Python source."""

import re
from collections.abc import Mapping

from archc.lower.body import HOLE, Snippet
from archc.lower.classes import Expression, Items, Literal, Scaled
from archc.lower.names import literal


def write(expression: Expression, names: Mapping[str, str]) -> str:
    """Return the source of an expression; `names` says how each parameter is reached."""
    if isinstance(expression, Literal):
        return literal(expression.value)
    if isinstance(expression, Items):
        items = ", ".join(write(item, names) for item in expression.items)
        return f"({items},)" if len(expression.items) == 1 else f"({items})"
    name = names[expression.parameter]
    if expression.by > 1:
        return f"{name} // {expression.by}"
    return f"{expression.times} * {name}" if expression.times > 1 else name


def fill(code: Snippet, given: Mapping[str, Expression], texts: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return the source of `code`: `given` fills its numbers, `texts` its other holes; options at their default go."""
    text = code.text
    for name, default in code.defaults:
        expression = given.get(name)
        if isinstance(expression, Literal) and literal(expression.value) == literal(default):
            text = text.replace(f", {name}={{{name}}}", "")

    def inside(hole: re.Match[str]) -> str:
        if hole[1] in texts:
            return texts[hole[1]]
        written = write(given[hole[1]], names)
        composite = " " in written and isinstance(given[hole[1]], Scaled)
        return f"({written})" if composite and not _alone(text, hole) else written

    return HOLE.sub(inside, text)


def _alone(text: str, hole: re.Match[str]) -> bool:
    """Whether a hole is a whole argument or item, so that what fills it needs no parentheses."""
    before, after = text[: hole.start()], text[hole.end() :]
    return before.endswith(("(", "[", "=", ", ")) and after.startswith((",", ")", "]"))
