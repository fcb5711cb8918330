"""Inequalities between sizes, proven as sums of what is known to be at least zero."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, inf

from archc.sizes.polynomials import (
    CONSTANT,
    Atom,
    Coefficient,
    Monomial,
    Terms,
    add,
    denominator,
    inverse,
    multiply,
    negative_part,
    rank,
    scale,
    sole,
    times,
)
from archc.sizes.size import Application, Size, SizeLimit, from_terms

Bound = int | Fraction | float
Interval = tuple[Bound, Bound]
Box = Mapping[str, Interval]
POSITIVE: Interval = (1, inf)

DEPTH = 8
NODES = 60
CHILDREN = 5
CONSTRAINTS = 40
WIDEST = 9
CASES = 16


def interval(size: Size, box: Box) -> Interval:
    """Return bounds of `size` where each variable lies in its interval of `box`; a variable without one is positive."""
    low: Bound = 0
    high: Bound = 0
    for monomial, coefficient in size.terms.items():
        term: Interval = (coefficient, coefficient)
        for atom, exponent in monomial:
            base = atom_interval(atom, box)
            if exponent < 0:
                base = _inverse(base)
            for _ in range(abs(exponent)):
                term = _times(term, base)
            if exponent % 2 == 0 and coefficient > 0 and len(monomial) == 1:
                term = (max(term[0], 0), term[1])
        low, high = _plus(low, term[0]), _plus(high, term[1])
    return low, high


def atom_interval(atom: Atom, box: Box) -> Interval:
    """Return bounds of one atom."""
    if isinstance(atom, str):
        return box.get(atom, POSITIVE)
    assert isinstance(atom, Application), atom
    parts = [interval(size, box) for size in atom.arguments]
    if atom.function == "max":
        return max(low for low, _ in parts), max(high for _, high in parts)
    if atom.function == "sum":
        return max(parts[0][0], 1), parts[0][1]
    (low, high), (least, most) = parts
    least, most = max(least, 1), max(most, 1)
    below = _floor(low, most if low >= 0 else least)
    above = _floor(high, least if high >= 0 else most)
    return below, above


def entails(goal: Size, facts: Sequence[Size], box: Box, *, nodes: int = NODES, cases: int = CASES) -> bool:
    """Return whether a proof was found that `goal`, where it is whole, is at least zero wherever all `facts` are.

    True is always right; False may also mean that no proof was found. `nodes` and `cases` bound the search.
    """
    if goal.constant is not None:
        return goal.constant >= 0
    if interval(goal, box)[0] > -1:
        return True
    try:
        simpler = _without_floor(goal)
        if simpler is not None and entails(simpler, facts, box, nodes=nodes, cases=cases):
            return True
        if _combined(goal, facts, box, nodes):
            return True
        return cases > 1 and _by_cases(goal, facts, box, nodes=nodes, cases=cases)
    except SizeLimit:
        return False


def _floor(bound: Bound, divisor: Bound) -> Bound:
    if divisor == inf:
        return 0 if bound >= 0 else -1 if bound > -inf else -inf
    return bound if bound in (inf, -inf) else bound // divisor


def _plus(left: Bound, right: Bound) -> Bound:
    return left if left in (inf, -inf) else right if right in (inf, -inf) else left + right


def _multiplied(left: Bound, right: Bound) -> Bound:
    if left == 0 or right == 0:
        return 0
    if left in (inf, -inf) or right in (inf, -inf):
        return inf if (left > 0) == (right > 0) else -inf
    return left * right


def _times(left: Interval, right: Interval) -> Interval:
    ends = [_multiplied(one, two) for one in left for two in right]
    return min(ends), max(ends)


def _inverse(bounds: Interval) -> Interval:
    """Return bounds of one over what divides, which is positive."""
    low, high = max(bounds[0], 1), max(bounds[1], 1)
    return (Fraction(0) if high == inf else 1 / Fraction(high)), 1 / Fraction(low)


def _without_floor(size: Size) -> Size | None:
    """Return what is at least zero exactly where `size` is, for a `size` that adds or subtracts one floor quotient."""
    for term, number in size.terms.items():
        atom = sole(term, number) or sole(term, -number)
        if not isinstance(atom, Application) or atom.function != "floor":
            continue
        rest = size - from_terms({term: number})
        if any(part.denominator != 1 for part in rest.terms.values()) or atom in rest.atoms:
            continue
        above, below = atom.arguments
        return above + below * rest if number > 0 else below * (rest + 1) - 1 - above
    return None


def _combined(goal: Size, facts: Sequence[Size], box: Box, nodes: int) -> bool:
    """Subtract known quantities, times positive ones, from the goal until nothing negative is left of it."""
    divided = negative_part(goal.terms)
    top = from_terms(scale(goal.terms, divided, denominator(goal.terms.values())))
    slack = 0 if divided else denominator(goal.terms.values())
    strict = from_terms(add(top.terms, {divided: 1})) - 1
    if _is_wide(top) or _is_wide(strict):
        return False
    known = [size for size in _constraints(top, facts, box) if not _is_wide(size)]
    lows = {atom: atom_interval(atom, box)[0] for size in (top, strict, *known) for atom in size.atoms}
    shifted = [_shifted(size.terms, lows) for size in known]
    names = {atom: f"{index:03}" for index, atom in enumerate(sorted(lows, key=rank))}
    unsigned = frozenset(names[atom] for atom, low in lows.items() if low == -inf)
    search = _Search([_renamed(_tight(terms), names) for terms in shifted], unsigned, slack, nodes)
    if search.reaches(_renamed(_shifted(top.terms, lows), names), DEPTH):
        return True
    return bool(divided) and search.reaches(_renamed(_shifted(strict.terms, lows), names), DEPTH)


def _is_wide(size: Size) -> bool:
    """Whether a product of so many factors stands in `size` that it would be too long with a sum for each factor."""
    return any(sum(abs(exponent) for _, exponent in term) > WIDEST for term in size.terms)


def _constraints(goal: Size, facts: Iterable[Size], box: Box) -> list[Size]:
    """Return what is at least zero: the facts, and what floors, maxima and upper bounds imply."""
    known = list(facts)
    known += [simpler for size in known if (simpler := _without_floor(size)) is not None]
    found = [_cleared(size) for size in known]
    seen: set[Atom] = set()
    position = 0
    queue = [goal, *found]
    while position < len(queue) and len(found) < CONSTRAINTS:
        for atom in queue[position].atoms:
            if atom in seen:
                continue
            seen.add(atom)
            implied = [_cleared(size) for size in _implied(atom, box)]
            found += implied
            queue += implied
        position += 1
    return found


def _implied(atom: Atom, box: Box) -> list[Size]:
    value = from_terms({((atom, 1),): 1})
    high = atom_interval(atom, box)[1]
    bounds = [Size.of(int(high)) - value] if high != inf else []
    if not isinstance(atom, Application) or atom.function == "sum":
        return bounds
    if atom.function == "max":
        return bounds + [value - size for size in atom.arguments]
    above, below = atom.arguments
    return [*bounds, above - below * value, below * value + below - 1 - above]


def _cleared(size: Size) -> Size:
    """Return a positive multiple of `size` in which nothing divides."""
    divided = negative_part(size.terms)
    factor = denominator(size.terms.values())
    return size if not divided and factor == 1 else _cleared(from_terms(scale(size.terms, divided, factor)))


def _shifted(terms: Terms, lows: Mapping[Atom, Bound]) -> dict[Monomial, Coefficient]:
    """Return the terms with each atom that has a least value replaced by its excess over that."""
    total: dict[Monomial, Coefficient] = {}
    for monomial, coefficient in terms.items():
        product: dict[Monomial, Coefficient] = {CONSTANT: coefficient}
        for atom, exponent in monomial:
            low = lows[atom]
            if low in (0, -inf):
                product = scale(product, ((atom, exponent),))
                continue
            for _ in range(exponent):
                product = multiply(product, {((atom, 1),): 1, CONSTANT: Fraction(low)})
        total = add(total, product)
    return total


def _tight(terms: dict[Monomial, Coefficient]) -> dict[Monomial, Coefficient]:
    """Return the strongest whole inequality that follows from `terms >= 0`."""
    shared = gcd(*(int(number) for term, number in terms.items() if term != CONSTANT))
    if shared < 2:
        return terms
    return {term: number // shared for term, number in terms.items() if number // shared}


def _renamed(terms: Terms, names: Mapping[Atom, str]) -> dict[Monomial, Coefficient]:
    """Return the terms over short names, which compare faster than quotients."""
    return {tuple((names[atom], power) for atom, power in monomial): number for monomial, number in terms.items()}


class _Search:
    """A bounded search for a combination of constraints; remembers what did not lead anywhere."""

    def __init__(
        self, constraints: list[dict[Monomial, Coefficient]], unsigned: frozenset[str], slack: int, nodes: int
    ) -> None:
        self.constraints = constraints
        self.unsigned = unsigned
        self.slack = slack
        self.nodes = nodes
        self.tried: set[frozenset[tuple[Monomial, Coefficient]]] = set()
        self.by_sign: dict[bool, list[tuple[dict[Monomial, Coefficient], Monomial]]] = {True: [], False: []}
        for constraint in constraints:
            for term, factor in constraint.items():
                self.by_sign[factor < 0].append((constraint, term))

    def reaches(self, goal: dict[Monomial, Coefficient], depth: int) -> bool:
        """Return whether a combination of the constraints is at most `goal`."""
        wrong = self._wrong(goal)
        if not wrong:
            return True
        state = frozenset(goal.items())
        self.nodes -= 1
        if depth == 0 or self.nodes < 0 or state in self.tried:
            return False
        self.tried.add(state)
        fitting = {term: self._fitting(term, goal[term]) for term in wrong}
        target = min(wrong, key=lambda term: (bool(fitting[term]) and not term, len(fitting[term]), -len(term), term))
        pieces = [
            scale(constraint, times(target, inverse(term)), Fraction(goal[target]) / constraint[term])
            for constraint, term in fitting[target]
        ]
        nexts = [add(goal, piece, -1) for piece in pieces]
        nexts.sort(key=lambda terms: (len(self._wrong(terms)), len(terms)))
        return any(self.reaches(terms, depth - 1) for terms in nexts[:CHILDREN])

    def _wrong(self, goal: Terms) -> list[Monomial]:
        return [
            term
            for term, number in goal.items()
            if (number < 0 and (term or number <= -self.slack)) or self._is_unsigned(term)
        ]

    def _is_unsigned(self, term: Monomial) -> bool:
        return any(atom in self.unsigned and exponent % 2 for atom, exponent in term)

    def _fitting(self, target: Monomial, number: Coefficient) -> list[tuple[dict[Monomial, Coefficient], Monomial]]:
        """Return the constraints, each with the term that becomes `target` when it is multiplied by something positive."""
        powers = dict(target)
        return [
            (constraint, term)
            for constraint, term in self.by_sign[number < 0]
            if all(exponent <= powers.get(atom, 0) for atom, exponent in term)
            and not (self.unsigned and self._is_unsigned(times(target, inverse(term))))
        ]


def _by_cases(goal: Size, facts: Sequence[Size], box: Box, *, nodes: int, cases: int) -> bool:
    """Prove the goal once for each argument of a maximum, as the one that is largest."""
    found = [atom for size in (goal, *facts) for atom in size.atoms]
    for atom in found:
        if isinstance(atom, Application) and atom.function == "max" and len(atom.arguments) <= cases:
            break
    else:
        return False
    left = cases // len(atom.arguments)
    for largest in atom.arguments:
        others = [largest - size for size in atom.arguments if size != largest]
        known = [size.replace({atom: largest}) for size in facts]
        if not entails(goal.replace({atom: largest}), [*known, *others], box, nodes=nodes // 2, cases=left):
            return False
    return True
