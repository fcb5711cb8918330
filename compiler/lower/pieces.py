"""Expressions of generated Python as trees, which are broken over lines where they are wider than the page."""

from dataclasses import dataclass
from typing import assert_never

from archc.lower.layout import WIDTH


@dataclass(frozen=True, slots=True)
class Group:
    """`head(a, b)`, or with other brackets."""

    head: str
    items: tuple["Piece", ...]
    brackets: str = "()"


@dataclass(frozen=True, slots=True)
class Joined:
    """`a | b | c`."""

    items: tuple["Piece", ...]
    sign: str = " | "


@dataclass(frozen=True, slots=True)
class Keyed:
    """`name=value`."""

    name: str
    value: "Piece"


Piece = str | Group | Joined | Keyed


def call(head: str, *items: Piece, **named: Piece) -> Group:
    """Return `head(items, name=value)`."""
    return Group(head, (*items, *(Keyed(name, value) for name, value in named.items())))


def subscript(head: str, *items: Piece) -> Group:
    """Return `head[items]`."""
    return Group(head, items, "[]")


def union(*items: Piece) -> Piece:
    """Return `a | b`, flat, each item once and None last."""
    flat: dict[Piece, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, Joined) else (item,)))
    found = tuple(sorted(flat, key=lambda item: item == "None"))
    return found[0] if len(found) == 1 else Joined(found)


def flat(piece: Piece) -> str:
    """Return `piece` on one line."""
    match piece:
        case str():
            return piece
        case Group(head, items, brackets):
            return f"{head}{brackets[0]}{', '.join(map(flat, items))}{brackets[1]}"
        case Joined(items, sign):
            return sign.join(map(flat, items))
        case Keyed(name, value):
            return f"{name}={flat(value)}"
        case _:
            assert_never(piece)


def written(indent: int, head: str, piece: Piece, tail: str = "") -> list[str]:
    """Return the lines of `head`, `piece` and `tail`, which are one statement or one item of one."""
    pad = " " * indent
    whole = f"{pad}{head}{flat(piece)}{tail}"
    if len(whole) <= WIDTH or isinstance(piece, str):
        return [whole]
    match piece:
        case Keyed(name, value):
            return written(indent, f"{head}{name}=", value, tail)
        case Joined(items, sign):
            bare = not head
            inner = indent if bare else indent + 4
            lines = [*written(inner, "", items[0])]
            for item in items[1:]:
                lines += written(inner, f"{sign.strip()} ", item)
            return [*lines[:-1], lines[-1] + tail] if bare else [f"{pad}{head}(", *lines, f"{pad}){tail}"]
        case Group(name, items, brackets):
            return [f"{pad}{head}{name}{brackets[0]}", *_inside(indent + 4, piece), f"{pad}{brackets[1]}{tail}"]


def _inside(indent: int, group: Group) -> list[str]:
    line = f"{' ' * indent}{', '.join(map(flat, group.items))}"
    if len(line) <= WIDTH:
        return [line]
    comma = "" if len(group.items) == 1 and group.brackets == "[]" else ","
    return [part for item in group.items for part in written(indent, "", item, comma)]


def assignment(indent: int, name: str, annotation: Piece | None, value: Piece | None) -> list[str]:
    """Return the lines of `name: annotation = value`; the value is broken before the annotation is."""
    head = f"{name}: " if annotation is not None else f"{name} = "
    if annotation is None or value is None:
        return written(indent, head, annotation if annotation is not None else value or "")
    start = f"{head}{flat(annotation)} = "
    first = written(indent, start, value)
    if len(first[0]) <= WIDTH:
        return first
    lines = written(indent, head, annotation)
    return [*lines[:-1], *written(indent, f"{lines[-1].strip()} = ", value)]
