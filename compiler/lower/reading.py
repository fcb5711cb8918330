"""Sizes as generated Python computes them: read from the shape of a tensor, or written out as arithmetic."""

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

from archc.sizes import Application, Atom, Size, from_terms
from archc.tensor import Tensor


def read_size(size: Size, types: tuple[Tensor, ...]) -> str | None:
    """Return how `size` is read from the axes of inputs of `types`, as `{0}.shape[2] // 16`; None where it is not."""
    exactly = [(index, axis) for index, kind in enumerate(types) for axis, dim in enumerate(kind.sizes) if dim == size]
    for index, axis in exactly:
        return f"{{{index}}}.shape[{axis + 1}]"
    for index, kind in enumerate(types):
        for axis, dim in enumerate(kind.sizes):
            factor = _ratio(dim, size)
            if factor is not None:
                times, by = factor.denominator, factor.numerator
                text = f"{{{index}}}.shape[{axis + 1}]"
                text += f" * {times}" if times > 1 else ""
                return f"{text} // {by}" if by > 1 else text
    return None


def _ratio(left: Size, right: Size) -> Fraction | None:
    """Return the positive constant k with left == k*right."""
    if left.terms.keys() != right.terms.keys() or not right.terms:
        return None
    ratios = {Fraction(left.terms[term]) / Fraction(right.terms[term]) for term in right.terms}
    ratio = ratios.pop()
    return ratio if not ratios and ratio > 0 else None


def arithmetic(size: Size, names: Mapping[str, str]) -> str:
    """Return `size` as a Python expression over `names`; quotients are exact where the size is whole."""
    divisor = _divisor(size)
    if divisor != Size.of(1):
        return f"{_closed(size * divisor, names)} // {_closed(divisor, names)}"
    parts = []
    for monomial, coefficient in size.terms.items():
        factors = [_atom(atom, names) for atom, exponent in monomial for _ in range(exponent)]
        number = abs(int(coefficient))
        if number != 1 or not factors:
            factors.insert(0, str(number))
        parts.append(("-" if coefficient < 0 else "+", " * ".join(factors)))
    parts.sort(key=lambda part: part[0] == "-")
    (sign, first), *rest = parts or [("+", "0")]
    return f"{'-' if sign == '-' else ''}{first}" + "".join(f" {sign} {text}" for sign, text in rest)


def _closed(size: Size, names: Mapping[str, str]) -> str:
    text = arithmetic(size, names)
    return f"({text})" if " " in text or text.startswith("-") else text


def _divisor(size: Size) -> Size:
    """Return what `size` has to be multiplied with so that nothing in it divides."""
    whole = Size.of(lcm(*(Fraction(number).denominator for number in size.terms.values())))
    for monomial in size.terms:
        for atom, exponent in monomial:
            if isinstance(atom, Application) and atom.function == "inverse":
                factor = atom.arguments[0]
                times = exponent
            else:
                factor = from_terms({((atom, 1),): 1})
                times = -exponent
            for _ in range(times - _power_in(whole, atom)):
                whole = whole * factor
    return whole


def _power_in(size: Size, atom: Atom) -> int:
    return min((dict(monomial).get(atom, 0) for monomial in size.terms), default=0)


def _atom(atom: Atom, names: Mapping[str, str]) -> str:
    if isinstance(atom, str):
        return names[atom]
    if atom.function == "max":
        return f"max({', '.join(arithmetic(size, names) for size in atom.arguments)})"
    assert atom.function == "floor", atom
    over, by = (_closed(size, names) for size in atom.arguments)
    return f"({over} // {by})"
