"""Laurent polynomials with rational coefficients, as mappings from monomials; the atoms are names or opaque values."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Protocol


class Opaque(Protocol):
    """An atom that is no variable: it has a value, and two texts, alone and as a factor of a product.

    `base` is set for a sum that divides: multiplying by it is multiplying by these terms.
    """

    @property
    def text(self) -> str: ...
    @property
    def factor(self) -> str: ...
    @property
    def base(self) -> "Terms | None": ...
    @property
    def variables(self) -> frozenset[str]: ...
    def value(self, values: Mapping[str, int]) -> int | Fraction: ...
    def __hash__(self) -> int: ...


Coefficient = int | Fraction
Atom = str | Opaque
Monomial = tuple[tuple[Atom, int], ...]
Terms = Mapping[Monomial, Coefficient]
CONSTANT: Monomial = ()


def rank(atom: Atom) -> tuple[bool, str]:
    """Return what orders atoms: variables first, each kind by its text."""
    return (False, atom) if isinstance(atom, str) else (True, atom.text)


def times(left: Monomial, right: Monomial) -> Monomial:
    """Return the product of two monomials."""
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, exponent in right:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted(((atom, power) for atom, power in powers.items() if power), key=_power_rank))


def inverse(monomial: Monomial) -> Monomial:
    """Return one over the monomial."""
    return tuple((atom, -exponent) for atom, exponent in monomial)


def is_whole(monomial: Monomial) -> bool:
    """Whether no atom divides."""
    return all(exponent > 0 for _, exponent in monomial)


def sole(monomial: Monomial, number: Coefficient = 1) -> Atom | None:
    """Return the atom that the term is, None where it is more or less than one atom."""
    return monomial[0][0] if number == 1 and len(monomial) == 1 and monomial[0][1] == 1 else None


def raised(base: Coefficient, exponent: int) -> Coefficient:
    """Return a power of a number; raises ZeroDivisionError where what divides is not positive."""
    if exponent >= 0:
        return base**exponent
    if base < 1:
        raise ZeroDivisionError(f"a size divides by {base}")
    return Fraction(1) / Fraction(base) ** -exponent


def add(left: Terms, right: Terms, factor: Coefficient = 1) -> dict[Monomial, Coefficient]:
    """Return `left + factor*right`."""
    total = dict(left)
    for monomial, coefficient in right.items():
        number = total.get(monomial, 0) + factor * coefficient
        if number:
            total[monomial] = number
        else:
            total.pop(monomial, None)
    return total


def multiply(left: Terms, right: Terms) -> dict[Monomial, Coefficient]:
    """Return the product."""
    total: dict[Monomial, Coefficient] = {}
    for one, first in left.items():
        for two, second in right.items():
            monomial = times(one, two)
            total[monomial] = total.get(monomial, 0) + first * second
    return {monomial: number for monomial, number in total.items() if number}


def scale(terms: Terms, monomial: Monomial, factor: Coefficient = 1) -> dict[Monomial, Coefficient]:
    """Return `factor * monomial * terms`."""
    return {times(term, monomial): coefficient * factor for term, coefficient in terms.items()}


def atoms(terms: Terms) -> list[Atom]:
    """Return the atoms that occur, in order."""
    return sorted({atom for monomial in terms for atom, _ in monomial}, key=rank)


def common(terms: Terms) -> Monomial:
    """Return the largest monomial that divides every term; its exponents may be negative."""
    shared: dict[Atom, int] | None = None
    for monomial in terms:
        powers = dict(monomial)
        if shared is None:
            shared = powers
            continue
        names = shared.keys() | powers.keys()
        shared = {atom: min(shared.get(atom, 0), powers.get(atom, 0)) for atom in names}
    return tuple(sorted(((atom, power) for atom, power in (shared or {}).items() if power), key=_power_rank))


def negative_part(terms: Terms) -> Monomial:
    """Return the smallest monomial by which the terms must be multiplied so that no atom divides."""
    powers: dict[Atom, int] = {}
    for monomial in terms:
        for atom, exponent in monomial:
            if exponent < -powers.get(atom, 0):
                powers[atom] = -exponent
    return tuple(sorted(powers.items(), key=_power_rank))


def denominator(numbers: Iterable[Coefficient]) -> int:
    """Return the least common denominator."""
    return lcm(*(number.denominator for number in numbers))


def content(numbers: Iterable[Coefficient]) -> Fraction:
    """Return the largest positive rational that divides all `numbers` into whole ones, 0 for none."""
    listed = list(numbers)
    if not listed:
        return Fraction(0)
    below = denominator(listed)
    return Fraction(reduce(gcd, (int(number * below) for number in listed)), below)


def leading(terms: Terms, order: list[Atom]) -> Monomial:
    """Return the greatest monomial: by degree first, then by exponents in the given order of atoms."""
    return max(terms, key=lambda monomial: _position(monomial, order))


def _position(monomial: Monomial, order: list[Atom]) -> tuple[int, ...]:
    powers = dict(monomial)
    return (sum(powers.values()), *(powers.get(atom, 0) for atom in order))


def divide(
    left: Terms, right: Terms, *, whole: bool
) -> tuple[dict[Monomial, Coefficient], dict[Monomial, Coefficient]]:
    """Return quotient and remainder of polynomials without division; a `whole` quotient has whole coefficients."""
    order = atoms({**left, **right})
    head = leading(right, order)
    quotient: dict[Monomial, Coefficient] = {}
    remainder: dict[Monomial, Coefficient] = {}
    rest = dict(left)
    while rest:
        term = leading(rest, order)
        ratio = times(term, inverse(head))
        factor: Coefficient = rest[term] // right[head] if whole else Fraction(rest[term]) / right[head]
        if not factor or not is_whole(ratio):
            remainder[term] = rest.pop(term)
            continue
        quotient[ratio] = quotient.get(ratio, 0) + factor
        rest = add(rest, scale(right, ratio, factor), -1)
        if term in rest:
            remainder[term] = rest.pop(term)
    return quotient, remainder


def cancelled(terms: Terms) -> dict[Monomial, Coefficient]:
    """Return the terms with sums only below, and only where they do not divide what is above."""
    total = dict(terms)
    for atom in atoms(terms):
        base = None if isinstance(atom, str) else atom.base
        if base is None:
            continue
        levels: dict[int, dict[Monomial, Coefficient]] = {}
        for term, number in total.items():
            level = dict(term).get(atom, 0)
            levels.setdefault(level, {})[times(term, ((atom, -level),)) if level else term] = number
        for level in range(min(levels), 0):
            above = levels.get(level, {})
            divided = negative_part(above)
            quotient, remainder = divide(scale(above, divided), base, whole=False)
            if not remainder:
                levels[level + 1] = add(levels.get(level + 1, {}), scale(quotient, inverse(divided)))
                levels[level] = {}
        for level in range(max(levels), 0, -1):
            levels[level - 1] = add(levels.get(level - 1, {}), multiply(levels.pop(level, {}), base))
        total = {
            times(term, ((atom, level),)) if level else term: number
            for level, above in levels.items()
            for term, number in above.items()
        }
    return total


def ratio(left: Terms, right: Terms) -> tuple[Terms, Terms]:
    """Return numerator and denominator of `left / right` without fractions, divisions or common factors."""
    while True:
        factor = 1 / content([*left.values(), *right.values()])
        shared = inverse(common({**left, **right}))
        left, right = cancelled(scale(left, shared, factor)), cancelled(scale(right, shared, factor))
        if not negative_part({**left, **right}):
            return left, right


def floor_parts(left: Terms, right: Terms) -> tuple[dict[Monomial, Coefficient], Terms, Terms]:
    """Return `(whole, above, below)` with `left//right == whole + above//below` and `above` as small as it gets."""
    whole: dict[Monomial, Coefficient] = {}
    above, below = ratio(left, right)
    while above:
        quotient, rest = _divide_floor(above, below)
        if quotient:
            whole = add(whole, quotient)
            above, below = ratio(rest, below)
            continue
        smaller = _without_content(above, below)
        if smaller is None:
            break
        above, below = smaller
    number = above.get(CONSTANT, 0)
    limit = next(iter(below.values())) if len(below) == 1 else 1
    if above.keys() <= {CONSTANT} and -limit <= number < limit:
        return (add(whole, {CONSTANT: -1}) if number < 0 else whole), {}, below
    return whole, above, below


def _divide_floor(above: Terms, below: Terms) -> tuple[dict[Monomial, Coefficient], dict[Monomial, Coefficient]]:
    if len(below) > 1:
        return divide(above, below, whole=True)
    ((head, divisor),) = below.items()
    quotient: dict[Monomial, Coefficient] = {}
    rest: dict[Monomial, Coefficient] = {}
    for term, number in above.items():
        over = times(term, inverse(head))
        times_in, left = divmod(number, divisor) if is_whole(over) else (0, number)
        if times_in:
            quotient[over] = times_in
        if left:
            rest[term] = left
    return quotient, rest


def _without_content(above: Terms, below: Terms) -> tuple[Terms, Terms] | None:
    """Return the same floor quotient by a smaller constant, None where there is none."""
    factors = [int(number) for term, number in above.items() if term]
    divisor = below.get(CONSTANT, 0)
    if below.keys() != {CONSTANT} or not factors or (shared := gcd(int(divisor), *factors)) < 2:
        return None
    smaller = {term: number // shared for term, number in above.items() if number // shared}
    return smaller, {CONSTANT: divisor // shared}


def aligned(every: Sequence[Terms]) -> tuple[dict[Monomial, Coefficient], Fraction, list[dict[Monomial, Coefficient]]]:
    """Return `(shared, factor, parts)` with each of `every` equal to `shared + factor*part`, the parts plain."""
    monomials = dict.fromkeys(monomial for terms in every for monomial in terms)
    least = {monomial: min(terms.get(monomial, 0) for terms in every) for monomial in monomials}
    shared = {monomial: number for monomial, number in least.items() if number}
    left = [add(terms, shared, -1) for terms in every]
    factor = content(number for terms in left for number in terms.values())
    return shared, factor, [scale(terms, CONSTANT, 1 / factor) for terms in left]


def _power_rank(power: tuple[Atom, int]) -> tuple[bool, str]:
    return rank(power[0])


def text(terms: Terms) -> str:
    """Return the polynomial in source syntax: higher degrees first, what is subtracted after what is added."""
    fractions = {term: number for term, number in terms.items() if number.denominator > 1}
    shared = denominator(fractions.values())
    alone = terms if len(fractions) == 1 else {term: number for term, number in terms.items() if term not in fractions}
    parts = [(number < 0, _order(term), _term(term, number)) for term, number in alone.items()]
    if len(fractions) > 1:
        inner = text({term: int(number * shared) for term, number in fractions.items()})
        parts.append((False, min(map(_order, fractions)), f"({inner})/{shared}"))
    parts.sort()
    first = f"-{parts[0][2]}" if parts[0][0] else parts[0][2]
    return first + "".join(f" {'-' if minus else '+'} {part}" for minus, _, part in parts[1:])


def floor_text(above: Terms, below: Terms) -> str:
    """Return `above//below` in source syntax."""
    top = text(above) if len(above) == 1 else f"({text(above)})"
    ((monomial, number), *others) = below.items()
    if others or (monomial and sole(monomial, number) is None):
        return f"{top}//({text(below)})"
    return f"{top}//{_factor(monomial[0][0]) if monomial else number}"


def _order(monomial: Monomial) -> tuple[int, tuple[tuple[bool, str, int], ...]]:
    degree = sum(abs(exponent) for _, exponent in monomial)
    return -degree, tuple((*rank(atom), -exponent) for atom, exponent in monomial)


def _term(monomial: Monomial, number: Coefficient) -> str:
    atom = sole(monomial, number)
    if atom is not None:
        return atom if isinstance(atom, str) else atom.factor if atom.text.startswith("-") else atom.text
    top, bottom = abs(number.numerator), number.denominator
    above = [_factor(atom) for atom, exponent in monomial for _ in range(exponent)]
    below = [_factor(atom) for atom, exponent in monomial for _ in range(-exponent)]
    if top != 1 or not above:
        above.insert(0, str(top))
    if bottom != 1:
        below.insert(0, str(bottom))
    if not below:
        return "*".join(above)
    return f"{'*'.join(above)}/{below[0] if len(below) == 1 else '(' + '*'.join(below) + ')'}"


def _factor(atom: Atom) -> str:
    return atom if isinstance(atom, str) else atom.factor
