"""Numbers of any size, by mantissa and exponent, the same on every machine: + * / and scaling by powers of two."""

from collections.abc import Iterable, Sequence
from math import frexp, inf, ldexp, log

Scaled = tuple[float, int]
"""The number m * 2**x by m, which is 0 or from 1/2 to below 1, and x: no product of such numbers is too small."""

LN2 = log(2)


def total_of(parts: Sequence[Scaled]) -> Scaled:
    """Return the sum, added up in order."""
    if len(parts) == 1:
        return parts[0]
    high = max((exponent for part, exponent in parts if part), default=0)
    total = 0.0
    for part, exponent in parts:
        total += ldexp(part, exponent - high) if part else 0.0
    total, shift = frexp(total)
    return total, high + shift if total else 0


def product_of(factors: Iterable[float]) -> Scaled:
    """Return the product, multiplied in order."""
    found, exponent = 0.5, 1
    for factor in factors:
        found, shift = frexp(found * factor)
        exponent += shift
    return found, exponent


def logarithm(number: Scaled) -> float:
    """Return the natural logarithm; minus infinity of 0."""
    return log(number[0]) + number[1] * LN2 if number[0] else -inf


def times(one: Scaled, other: Scaled) -> Scaled:
    """Return the product of two scaled numbers."""
    part, shift = frexp(one[0] * other[0])
    return part, one[1] + other[1] + shift
