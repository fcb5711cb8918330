"""Facts about sizes: equations, inequalities and divisibility."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from archc.sizes.polynomials import CONSTANT, content, denominator, is_whole, negative_part
from archc.sizes.size import Size, as_size, exact, from_terms

Relation = Literal["==", "!=", ">=", "divides", "indivisible"]
OPPOSITE: Mapping[Relation, Relation] = {
    "==": "!=",
    "!=": "==",
    "divides": "indivisible",
    "indivisible": "divides",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """`left` stands in `relation` to `right`; `divides` says that `left` is a divisor of `right`."""

    relation: Relation
    left: Size
    right: Size

    @property
    def difference(self) -> Size:
        """`left - right`."""
        return self.left - self.right

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables."""
        return self.left.variables | self.right.variables

    def substitute(self, sizes: Mapping[str, Size]) -> "Fact":
        """Return the fact with variables replaced; raises ZeroDivisionError and SizeLimit."""
        return Fact(self.relation, self.left.substitute(sizes), self.right.substitute(sizes))

    def evaluate(self, values: Mapping[str, int]) -> bool | None:
        """Return whether it holds, None where a side is not a whole number; raises KeyError for a missing variable."""
        try:
            left, right = self.left.value(values), self.right.value(values)
        except ZeroDivisionError:
            return None
        if left.denominator != 1 or right.denominator != 1:
            return None
        match self.relation:
            case "==":
                return left == right
            case "!=":
                return left != right
            case ">=":
                return left >= right
            case "divides":
                return None if left < 1 else right % left == 0
            case "indivisible":
                return None if left < 1 else right % left != 0

    def __str__(self) -> str:
        if self.relation in ("divides", "indivisible"):
            return f"{_operand(self.right)} % {_operand(self.left)} {'==' if self.relation == 'divides' else '!='} 0"
        if self.relation != ">=":
            return f"{self.left} {self.relation} {self.right}"
        if self.right.constant is not None:
            return f"{self.left} >= {self.right}"
        strict = self.right.terms.get((), 0) == 1
        return f"{self.right - 1} < {self.left}" if strict else f"{self.right} <= {self.left}"


def equal(left: Size | int, right: Size | int) -> Fact:
    """Return `left == right`."""
    return Fact("==", as_size(left), as_size(right))


def at_least(left: Size | int, right: Size | int) -> Fact:
    """Return `left >= right`."""
    return Fact(">=", as_size(left), as_size(right))


def less(left: Size | int, right: Size | int) -> Fact:
    """Return `left < right`."""
    return Fact(">=", as_size(right), as_size(left) + 1)


def divides(divisor: Size | int, number: Size | int) -> Fact:
    """Return that `divisor` divides `number`."""
    return Fact("divides", as_size(divisor), as_size(number))


def negate(fact: Fact) -> Fact:
    """Return what holds where `fact` does not, if both sides are whole."""
    if fact.relation == ">=":
        return less(fact.left, fact.right)
    return Fact(OPPOSITE[fact.relation], fact.left, fact.right)


def lowest(fact: Fact) -> tuple[Size, Size]:
    """Return divisor and number of a divisibility without the factors that they share."""
    ratio = exact(fact.right, fact.left)
    if all(is_whole(term) and number.denominator == 1 for term, number in ratio.terms.items()):
        return Size.of(1), ratio
    below, above = split(ratio)
    if all(number < 0 for number in above.terms.values()):
        above = -above
    if below.constant is not None:
        above = from_terms({term: number / content(above.terms.values()) for term, number in above.terms.items()})
    return below, above


def split(size: Size) -> tuple[Size, Size]:
    """Return the smallest denominator and the numerator of a size that is written with divisions."""
    below: Size = from_terms({CONSTANT: denominator(size.terms.values())})
    above = size * below
    for _ in range(8):
        divided = negative_part(above.terms)
        if not divided:
            break
        factor = from_terms({divided: 1})
        below, above = below * factor, above * factor
    return below, above


def wholeness(fact: Fact) -> list[Fact]:
    """Return what makes both sides of a fact whole."""
    found = [divides(*split(side)) for side in (fact.left, fact.right) if side.constant is None]
    return [other for other in found if other.left.constant != 1]


def _operand(size: Size) -> str:
    return str(size) if len(size.terms) <= 1 and "//" not in str(size) else f"({size})"
