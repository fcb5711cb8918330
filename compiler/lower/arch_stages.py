"""An operation of a graph -> the stage of a pipeline that applies it."""

from collections.abc import Set as AbstractSet
from functools import cache
from string import ascii_lowercase

from archc.grammar.syntax import Boolean, Declaration, Expr, Negative, Number, String
from archc.graph import OpNode, Pattern, Static
from archc.load import load_text
from archc.sizes.size import Size

Constants = dict[str, Size]
"""Sizes that the patterns of one body mention by name."""


def stage(node: OpNode, constants: Constants, taken: AbstractSet[str]) -> str:
    """Return the call of the op with every parameter that differs from its default.

    Adds to `constants` the sizes that its pattern cannot tell from the input. Axes have other names than `taken`.
    """
    declared = _parameters()[node.op]
    given = [
        f"{name}={_value(value, constants, taken)}" if named else _value(value, constants, taken)
        for name, value, named in _arguments(node, declared)
    ]
    return f"{node.op}({', '.join(given)})" if given else node.op


def _arguments(node: OpNode, declared: dict[str, Expr | None]) -> list[tuple[str, Static, bool]]:
    """Return name, value and whether the name is written: required parameters go by position, in declared order."""
    found = []
    for name, value in node.attributes:
        default = declared.get(name)
        if default is None:
            found.append((name, value, False))
        elif not _is_default(value, default):
            found.append((name, value, True))
    return found


def _is_default(value: Static, default: Expr) -> bool:
    match default, value:
        case Number(text), Size():
            return str(value) == text
        case Number(text), int() | float():
            return float(text) == value
        case Negative(Number(text)), Size():
            return str(value) == f"-{text}"
        case Boolean(flag), bool():
            return flag == value
        case String(word), str():
            return word == value
        case _:
            return False


@cache
def _parameters() -> dict[str, dict[str, Expr | None]]:
    """Return the parameters of every op of std with their defaults."""
    library = load_text("arch 0.1\n").modules[0].file
    ops = [item for item in library.items if isinstance(item, Declaration) and item.kind == "op"]
    return {item.name: {entry.name: entry.default for entry in item.parameters or ()} for item in ops}


def _value(value: Static, constants: Constants, taken: AbstractSet[str]) -> str:
    match value:
        case Pattern():
            return _pattern(value, constants, taken)
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case tuple():
            return f"[{', '.join(_value(item, constants, taken) for item in value)}]"
        case _:
            return str(value)


def _pattern(pattern: Pattern, constants: Constants, taken: AbstractSet[str]) -> str:
    fixed = _fixed(pattern)
    names: dict[str, str] = {}
    for name, size in pattern.sizes:
        names[name] = _constant(name, size, constants) if name in fixed else _axis(name, {*taken, *names.values()})
    left = [_side(side, names) for side in pattern.left]
    right = _side(pattern.right, names)
    return f"{left[0] if len(left) == 1 else '(' + ', '.join(left) + ')'} -> {right}"


def _fixed(pattern: Pattern) -> set[str]:
    """Return the names whose sizes the input does not tell: all but one factor of an axis, and those only put out."""
    alone = {axis[0] for side in pattern.left for axis in side if len(axis) == 1}
    fixed: set[str] = set()
    for side in pattern.left:
        for axis in side:
            unknown = [name for name in axis if name not in alone]
            fixed |= set(unknown[1:])
    known = {name for side in pattern.left for axis in side for name in axis}
    return fixed | {name for axis in pattern.right for name in axis if name not in known}


def _axis(name: str, taken: AbstractSet[str]) -> str:
    """Return `name`, or the first letter that is not taken."""
    free: str = next(wish for wish in (name, *ascii_lowercase) if wish not in taken)
    return free


def _constant(name: str, size: Size, constants: Constants) -> str:
    """Return a constant of that size, called like the axis where that is free."""
    for number in range(1, len(constants) + 2):
        wish = f"{name}_{number}"
        if constants.setdefault(wish, size) == size:
            return wish
    raise AssertionError(name)


def _side(side: tuple[tuple[str, ...], ...], names: dict[str, str]) -> str:
    return f"[{', '.join('*'.join(names[name] for name in axis) or '1' for axis in side)}]"
