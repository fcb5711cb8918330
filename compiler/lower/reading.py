"""Sizes as generated Python computes them: read from the shape of a tensor, or written out as arithmetic."""

from collections.abc import Mapping
from fractions import Fraction
from typing import assert_never

from archc.sizes.polynomials import Atom, Terms, denominator, negative_part, scale
from archc.sizes.size import Application, Size
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
    """Return `size` as a Python expression over `names`; a quotient is exact wherever the size is whole."""
    below = negative_part(size.terms)
    factor = denominator(size.terms.values())
    above = _sum(scale(size.terms, below, factor), names)
    divisor = _sum({below: factor}, names)
    return above if divisor == "1" else f"{closed(above)} // {closed(divisor)}"


def closed(text: str) -> str:
    """Return the expression `text` as it may stand in a product or a quotient."""
    return f"({text})" if " " in text or text.startswith("-") else text


def _sum(terms: Terms, names: Mapping[str, str]) -> str:
    parts = []
    for monomial, coefficient in terms.items():
        factors = [_atom(atom, names) for atom, exponent in monomial for _ in range(exponent)]
        number = abs(int(coefficient))
        if number != 1 or not factors:
            factors.insert(0, str(number))
        parts.append(("-" if coefficient < 0 else "+", " * ".join(factors)))
    parts.sort(key=lambda part: part[0] == "-")
    (sign, first), *rest = parts or [("+", "0")]
    return f"{'-' if sign == '-' else ''}{first}" + "".join(f" {sign} {text}" for sign, text in rest)


def _atom(atom: Atom, names: Mapping[str, str]) -> str:
    if isinstance(atom, str):
        return names[atom]
    assert isinstance(atom, Application), atom
    texts = [arithmetic(size, names) for size in atom.arguments]
    match atom.function:
        case "max":
            return f"max({', '.join(texts)})"
        case "sum":
            return f"({texts[0]})"
        case "floor":
            return f"({closed(texts[0])} // {closed(texts[1])})"
        case _:
            assert_never(atom.function)
