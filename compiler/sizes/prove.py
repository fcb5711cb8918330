"""Whether a fact about sizes holds for every assignment, for none, or for some."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd, prod

from archc.sizes.contexts import Context, Domain
from archc.sizes.facts import Fact, Relation, at_least, divides, equal, less, lowest, negate
from archc.sizes.inequalities import entails, interval
from archc.sizes.polynomials import CONSTANT, Atom, is_whole
from archc.sizes.size import Size, SizeLimit, exact, from_terms, modulo
from archc.sizes.witness import counterexample, example

__all__ = [
    "Always",
    "Answer",
    "Context",
    "Domain",
    "Fact",
    "Never",
    "Relation",
    "Sometimes",
    "at_least",
    "counterexample",
    "decide",
    "divides",
    "equal",
    "example",
    "less",
    "nearest",
    "nearest_values",
    "negate",
    "prove",
]

CASES = 36
EVALUATED = 256
RESIDUES = 1000
SEARCHED = 4096


@dataclass(frozen=True, slots=True)
class Always:
    """The fact holds for every assignment that satisfies the context."""


@dataclass(frozen=True, slots=True)
class Never:
    """The fact holds for no assignment that satisfies the context."""


@dataclass(frozen=True, slots=True)
class Sometimes:
    """Neither was proven; `witness` is an assignment against the fact, if one was found."""

    witness: dict[str, int] | None = None


Answer = Always | Never | Sometimes


def decide(fact: Fact, context: Context) -> Answer:
    """Return whether `fact` holds under `context`."""
    if fact.left.constant is not None and fact.right.constant is not None:
        return Always() if fact.evaluate({}) else Never()
    return _decide(fact, context)


def prove(fact: Fact, context: Context) -> bool:
    """Return True only where `fact` holds for every assignment under `context` that makes its sides whole."""
    if fact.left.constant is not None and fact.right.constant is not None:
        return bool(fact.evaluate({}))
    return _prove(fact, context)


def nearest(fact: Fact, name: str, value: int, context: Context) -> int | None:
    """Return the value of `name` nearest to `value` for which `fact` always holds, the lower of two; None if far."""
    return min(nearest_values(fact, name, value, context), key=lambda found: (abs(found - value), found), default=None)


def nearest_values(fact: Fact, name: str, value: int, context: Context) -> tuple[int, ...]:
    """Return the nearest value below `value` and the nearest above for which `fact` always holds, where there are."""
    domain = context.domain(name)
    solved = Fact(fact.relation, context.reduce(fact.left), context.reduce(fact.right))
    low, high = domain.interval
    below = range(value, int(max(low, value - SEARCHED)) - 1, -1)
    above = range(value + 1, int(min(high, value + SEARCHED)) + 1)
    steps = 64 if solved.variables - {name} else SEARCHED
    found: list[int] = []
    for candidates in (below[:steps], above[:steps]):
        for candidate in candidates:
            if candidate in domain and _is_sure(solved, name, candidate, context):
                found.append(candidate)
                break
    return tuple(found)


def _is_sure(fact: Fact, name: str, value: int, context: Context) -> bool:
    if fact.variables == {name}:
        return fact.evaluate({name: value}) is True
    try:
        return prove(fact.substitute({name: Size.of(value)}), context)
    except (ZeroDivisionError, SizeLimit):
        return False


@lru_cache(maxsize=1 << 13)
def _decide(fact: Fact, context: Context) -> Answer:
    reduced = _solved(fact, context)
    if reduced is None:
        return Sometimes()
    if _plainly(reduced, context):
        return Always()
    witness = counterexample(fact, context, "quick")
    if witness is None:
        if _prove(fact, context):
            return Always()
        witness = counterexample(fact, context)
    if example(fact, context, "quick") is None and _prove(negate(fact), context):
        return Never()
    return Sometimes(witness)


def _plainly(fact: Fact, context: Context) -> bool:
    if fact.relation == ">=":
        return interval(fact.difference, context.box)[0] > -1
    return fact.relation == "==" and not fact.difference.terms


def _solved(fact: Fact, context: Context) -> Fact | None:
    try:
        return Fact(fact.relation, context.solved(fact.left), context.solved(fact.right))
    except (ZeroDivisionError, SizeLimit):
        return None


@lru_cache(maxsize=1 << 13)
def _prove(fact: Fact, context: Context) -> bool:
    return _proven(fact, context, CASES, 60)


def _proven(fact: Fact, context: Context, cases: int, nodes: int) -> bool:
    reduced = _solved(fact, context)
    if reduced is None:
        return False
    if not reduced.variables:
        return reduced.evaluate({}) is not False
    if reduced in context.rest:
        return True
    exhausted = _exhausted(reduced, context)
    if exhausted is not None:
        return exhausted
    try:
        if _directly(reduced, context, nodes):
            return True
    except (ZeroDivisionError, SizeLimit):
        return False
    return _by_cases(reduced, context, cases)


def _exhausted(fact: Fact, context: Context) -> bool | None:
    """Return whether the fact holds for each of a few assignments; None where that is not all there is to say."""
    names = sorted(fact.variables)
    listed = [context.domain(name).listed for name in names]
    domains = [values for values in listed if values is not None]
    if len(domains) < len(names) or prod(map(len, domains)) > EVALUATED:
        return None
    known = [other for other in context.rest if other.variables <= fact.variables]
    wrong = False
    for numbers in product(*domains):
        values = dict(zip(names, numbers, strict=True))
        if fact.evaluate(values) is False and all(other.evaluate(values) is True for other in known):
            if len(known) == len(context.rest):
                return False
            wrong = True
    return None if wrong else True


def _by_cases(fact: Fact, context: Context, cases: int) -> bool:
    """Prove the fact once for each value of a variable that has few."""
    tied = fact.variables.union(
        *(known.variables for known in context.rest if not known.variables.isdisjoint(fact.variables))
    )
    listed = {name: values for name in tied if (values := context.domain(name).listed) is not None}
    fitting = [name for name, values in listed.items() if len(values) <= cases]
    if not fitting:
        return False
    name = min(fitting, key=lambda name: (name not in fact.variables, len(listed[name]), name))
    left = cases // max(len(listed[name]), 2)
    for value in listed[name]:
        case = context.assume(equal(Size.var(name), value))
        if case is not None and not _proven(fact, case, left, 12):
            return False
    return True


def _directly(fact: Fact, context: Context, nodes: int) -> bool:
    size = fact.difference
    match fact.relation:
        case "==":
            return not size.terms or (_at_least(size, context, nodes) and _at_least(-size, context, nodes))
        case ">=":
            return _at_least(size, context, nodes)
        case "!=":
            return (
                _apart(size)
                or _at_least(size - 1, context, nodes)
                or _at_least(-size - 1, context, nodes)
                or _known_apart(size, context)
            )
        case "divides":
            return _divisible(fact, context)
        case "indivisible":
            return _residues(fact) == "none" or _at_least(modulo(fact.right, fact.left) - 1, context, nodes)


def _at_least(size: Size, context: Context, nodes: int) -> bool:
    return entails(size, context.known, context.box, nodes=nodes)


def _apart(size: Size) -> bool:
    """Whether the factors of the variables have a common divisor that the constant lacks."""
    number = size.terms.get(CONSTANT, 0)
    factors = [factor for term, factor in size.terms.items() if term != CONSTANT]
    if number.denominator != 1 or any(factor.denominator != 1 for factor in factors):
        return False
    shared = gcd(*(int(factor) for factor in factors))
    return all(map(is_whole, size.terms)) and shared > 1 and int(number) % shared != 0


def _known_apart(size: Size, context: Context) -> bool:
    known = [fact.difference for fact in context.rest if fact.relation == "!="]
    return any(size in (other, -other) for other in known)


def _divisible(fact: Fact, context: Context) -> bool:
    divisor, number = lowest(fact)
    if divisor.constant == 1 or _residues(Fact("divides", divisor, number)) == "all":
        return True
    for known in context.rest:
        if known.relation == "divides" and _is_whole(exact(known.left, divisor)):
            for term in number.terms:
                ratio = exact(from_terms({term: number.terms[term]}), _leading(known.right))
                rest = number - ratio * known.right
                if _is_whole(ratio) and (not rest.terms or lowest(Fact("divides", divisor, rest))[0].constant == 1):
                    return True
    return False


def _leading(size: Size) -> Size:
    term = max(size.terms, key=lambda monomial: (len(monomial), str(monomial)))
    return from_terms({term: size.terms[term]})


def _is_whole(size: Size) -> bool:
    return all(is_whole(term) and number.denominator == 1 for term, number in size.terms.items())


def _residues(fact: Fact) -> str:
    """Return for which remainders of its variables a fact of a constant divisor holds: `all`, `none` or `some`."""
    divisor = fact.left.constant
    atoms = fact.right.atoms
    if divisor is None or divisor < 2 or divisor ** len(atoms) > RESIDUES or not _is_whole(fact.right):
        return "some"
    seen = {
        _remainder(fact.right, dict(zip(atoms, values, strict=True)), divisor) == 0
        for values in _tuples(divisor, len(atoms))
    }
    return "some" if len(seen) == 2 else "all" if True in seen else "none"


def _tuples(divisor: int, count: int) -> Iterator[tuple[int, ...]]:
    return product(range(divisor), repeat=count)


def _remainder(size: Size, values: dict[Atom, int], divisor: int) -> int:
    total = 0
    for monomial, number in size.terms.items():
        factor = int(number)
        for atom, exponent in monomial:
            factor = factor * values[atom] ** exponent % divisor
        total += factor
    return total % divisor
