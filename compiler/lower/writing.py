"""Expressions and calls as Python source."""

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
            text = text.replace(f", {name}={{{name}}}", "").replace(f"({name}={{{name}}}, ", "(")
    parts: list[str] = []
    end = 0
    for hole in HOLE.finditer(text):
        inside = texts[hole[1]] if hole[1] in texts else write(given[hole[1]], names)
        alone = (
            text[hole.start() - 1 : hole.start()] in ("(", "[", "=", " ", "")
            and text[hole.end() : hole.end() + 1] in ",)]"
        )
        if text[max(0, hole.start() - 2) : hole.start()] not in (", ", "") and text[hole.start() - 1] == " ":
            alone = False
        composite = isinstance(given.get(hole[1]), Scaled) and " " in inside
        parts += [text[end : hole.start()], f"({inside})" if composite and not alone else inside]
        end = hole.end()
    return "".join(parts) + text[end:]
