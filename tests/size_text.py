"""Sizes and facts from text, for tables of examples: Python's own parser reads what a size prints."""

import ast
from collections.abc import Mapping

from archc.sizes.facts import Fact, at_least, divides, equal, less, negate
from archc.sizes.prove import Context
from archc.sizes.size import Size, exact, floordiv, maximum, minimum, modulo

WINDOWS = {
    "win": "(n + 2*p - d*(k - 1) - 1)//s + 1",
    "unwin": "(n - 1)*s - 2*p + d*(k - 1) + extra + 1",
}
PARAMETERS = ("n", "k", "s", "p", "d", "extra")
DEFAULTS = {"s": 1, "p": 0, "d": 1, "extra": 0}


class Undefined(ArithmeticError):
    """Something is divided by less than one, or is not divisible."""


def size(text: str) -> Size:
    """Return the size that `text` says."""
    return _size(ast.parse(text, mode="eval").body)


def _size(node: ast.expr) -> Size:
    match node:
        case ast.Constant(int() as number):
            return Size.of(number)
        case ast.Name(name):
            return Size.var(name)
        case ast.UnaryOp(ast.USub(), inner):
            return -_size(inner)
        case ast.BinOp(left, sign, right):
            one, two = _size(left), _size(right)
            match sign:
                case ast.Add():
                    return one + two
                case ast.Sub():
                    return one - two
                case ast.Mult():
                    return one * two
                case ast.Div():
                    return exact(one, two)
                case ast.FloorDiv():
                    return floordiv(one, two)
                case ast.Mod():
                    return modulo(one, two)
        case ast.Call(ast.Name("max"), arguments):
            return maximum(*map(_size, arguments))
        case ast.Call(ast.Name("min"), [left, right]):
            return minimum(_size(left), _size(right))
        case ast.Call(ast.Name(name), arguments) if name in WINDOWS:
            given = {name: Size.of(number) for name, number in DEFAULTS.items()}
            given |= dict(zip(PARAMETERS, map(_size, arguments), strict=False))
            return size(WINDOWS[name]).substitute(given)
    raise AssertionError(ast.dump(node))


def value(text: str, values: Mapping[str, int]) -> int:
    """Return what `text` comes to, by whole numbers alone; raises Undefined where it has no value."""
    return _value(ast.parse(text, mode="eval").body, values)


def _value(node: ast.expr, values: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(int() as number):
            return number
        case ast.Name(name):
            return values[name]
        case ast.UnaryOp(ast.USub(), inner):
            return -_value(inner, values)
        case ast.Call(ast.Name(name), arguments):
            return (max if name == "max" else min)(_value(argument, values) for argument in arguments)
        case ast.BinOp(left, sign, right):
            one, two = _value(left, values), _value(right, values)
            match sign:
                case ast.Add():
                    return one + two
                case ast.Sub():
                    return one - two
                case ast.Mult():
                    return one * two
            if two < 1 or (isinstance(sign, ast.Div) and one % two):
                raise Undefined
            return one % two if isinstance(sign, ast.Mod) else one // two
    raise AssertionError(ast.dump(node))


def fact(text: str) -> Fact:
    """Return the fact that `text` says: a comparison, or `n % d == 0`."""
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Compare) and len(node.ops) == 1, text
    left, (sign,), (right,) = node.left, node.ops, node.comparators
    match left, right:
        case ast.BinOp(number, ast.Mod(), divisor), ast.Constant(0):
            found = divides(_size(divisor), _size(number))
            return found if isinstance(sign, ast.Eq) else negate(found)
    one, two = _size(left), _size(right)
    match sign:
        case ast.Eq():
            return equal(one, two)
        case ast.NotEq():
            return negate(equal(one, two))
        case ast.GtE():
            return at_least(one, two)
        case ast.LtE():
            return at_least(two, one)
        case ast.Gt():
            return less(two, one)
        case ast.Lt():
            return less(one, two)
    raise AssertionError(text)


def context(text: str) -> Context:
    """Return the context of `text`: facts, `k in 1, 3, 5` and `p in 0..9`, between semicolons."""
    found = Context()
    for part in filter(None, map(str.strip, text.split(";"))):
        name, within, among = part.partition(" in ")
        if not within:
            assumed = found.assume(fact(part))
            assert assumed is not None, part
            found = assumed
        elif ".." in among:
            low, _, high = among.partition("..")
            found = found.declare(name, int(low) if low else None, int(high) if high else None)
        else:
            found = found.declare(name, values=tuple(map(int, among.split(","))))
    return found
