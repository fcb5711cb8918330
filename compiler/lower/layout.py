"""Statements of generated Python, broken over lines where they are wider than the page."""

from collections.abc import Iterator
from itertools import pairwise

WIDTH = 120
_OPEN = "(["
_SIGNS = ("+", "-", "*", "/", "@", "//")


def statement(indent: int, text: str, comment: str = "") -> list[str]:
    """Return the lines of one simple statement; `comment` stands behind it, or above it where it has no room."""
    pad = " " * indent
    if not comment:
        return _fit(indent, text)
    if indent + len(text) + len(comment) + 4 <= WIDTH:
        return [f"{pad}{text}  # {comment}"]
    return [f"{pad}# {comment}", *_fit(indent, text)] if indent + len(comment) + 2 <= WIDTH else _fit(indent, text)


def is_call(text: str) -> bool:
    """Whether an expression is one call, or a chain of them, which may stand as an operand without parentheses."""
    return text.endswith(")") and not any(text[at] == " " for at in _outside(text)) and not text.startswith("(")


def _fit(indent: int, text: str, tail: str = "") -> list[str]:
    """Return `text` followed by `tail` on one line, or broken."""
    if indent + len(text) + len(tail) <= WIDTH:
        return [f"{' ' * indent}{text}{tail}"]
    head, value = _assigned(text)
    operands = _operands(value)
    if len(operands) > 1:
        return _wrapped(indent, head, [operands[0][1], *(f"{sign} {operand}" for sign, operand in operands[1:])], tail)
    links = _links(value)
    if len(links) > 2:
        return _wrapped(indent, head, links, tail)
    opening = _last_bracket(value)
    if opening is None:
        return [f"{' ' * indent}{text}{tail}"]
    start = head + value[: opening + 1]
    return [f"{' ' * indent}{start}", *_inside(indent + 4, value[opening + 1 : -1]), f"{' ' * indent}{value[-1]}{tail}"]


def _assigned(text: str) -> tuple[str, str]:
    """Split off what stands before the value: `return`, a target, or the sign of an operand."""
    for mark in ("return ", *(f"{sign} " for sign in _SIGNS)):
        if text.startswith(mark):
            return mark, text[len(mark) :]
    if text.startswith("for "):
        return "", text
    for at in _outside(text):
        if text[at : at + 3] == " = ":
            return text[: at + 3], text[at + 3 :]
    return "", text


def _wrapped(indent: int, head: str, parts: list[str], tail: str) -> list[str]:
    """Break before each part inside parentheses that are there for the break alone."""
    pad = " " * indent
    joined = "".join(part if part.startswith(".") else f" {part}" for part in parts)[1:]
    if indent + 4 + len(joined) <= WIDTH:
        return [f"{pad}{head}(", f"{pad}    {joined}", f"{pad}){tail}"]
    return [f"{pad}{head}(", *(line for part in parts for line in _fit(indent + 4, part)), f"{pad}){tail}"]


def _inside(indent: int, body: str) -> list[str]:
    if indent + len(body) <= WIDTH and not body.endswith(","):
        return [f"{' ' * indent}{body}"]
    made, clause = _comprehension(body)
    if clause:
        return [*_fit(indent, made), *_fit(indent, clause)]
    items = _items(body)
    comma = "," if len(items) > 1 else ""
    return [line for item in items for line in _fit(indent, item, comma)]


def _comprehension(body: str) -> tuple[str, str]:
    """Split what stands in brackets before its `for`; the commas behind that one are of its targets."""
    for at in _outside(body):
        if body[at : at + 5] == " for ":
            return body[:at], body[at + 1 :]
    return body, ""


def _items(body: str) -> list[str]:
    cuts = [at for at in _outside(body) if body[at] == ","]
    bounds = [-1, *cuts, len(body)]
    parts = [body[start + 1 : end].strip() for start, end in pairwise(bounds)]
    return [part for part in parts if part]


def _operands(text: str) -> list[tuple[str, str]]:
    """Split at the loosest binary operators outside brackets: pairs of the sign in front and the operand."""
    for signs in ((" + ", " - "), (" * ", " / ", " @ ", " // ")):
        cuts = [(at, sign) for at in _outside(text) for sign in signs if text.startswith(sign, at)]
        if cuts:
            edges = [(0, ""), *((at + len(sign), sign.strip()) for at, sign in cuts)]
            ends = [*(at for at, _ in cuts), len(text)]
            return [(sign, text[start:end]) for (start, sign), end in zip(edges, ends, strict=True)]
    return [("", text)]


def _links(text: str) -> list[str]:
    """Split a chain of method calls before each dot that follows a bracket; the first call stays with its object."""
    cuts = [at for at in _outside(text) if text[at] == "." and at and text[at - 1] in ")]"]
    bounds = [0, *cuts, len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


def _last_bracket(text: str) -> int | None:
    """Return where the bracket opens that the last character closes."""
    if not text or text[-1] not in ")]":
        return None
    return max((at for at in _outside(text) if text[at] in _OPEN), default=None)


def _outside(text: str) -> Iterator[int]:
    """Yield the positions of `text` that stand outside of brackets and strings; brackets themselves are outside."""
    depth = 0
    quote = False
    at = 0
    while at < len(text):
        char = text[at]
        if quote:
            at += 1 if char == "\\" else 0
            quote = char != '"'
        elif char == '"':
            quote = True
        else:
            depth -= char in ")]"
            if depth == 0:
                yield at
            depth += char in _OPEN
        at += 1
