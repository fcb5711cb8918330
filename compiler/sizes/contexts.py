"""What is known of the variables in a scope: their domains and the facts that are assumed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from archc.sizes.facts import Fact, at_least, divides, lowest, wholeness
from archc.sizes.inequalities import Interval, entails, interval
from archc.sizes.polynomials import is_whole, sole
from archc.sizes.size import Application, Size, SizeLimit, exact, from_terms

ENUMERATED = 16
STEPS = 200
DIVISORS = 4096
CHECKED = 12


@dataclass(frozen=True, slots=True)
class Domain:
    """The whole numbers that a variable ranges over: from `low` to `high`, or exactly `values`."""

    low: int | None = 1
    high: int | None = None
    values: tuple[int, ...] | None = None

    @property
    def interval(self) -> Interval:
        """The bounds; an empty domain has the least above the greatest."""
        if self.values is not None:
            return (self.values[0], self.values[-1]) if self.values else (1, 0)
        return (-inf if self.low is None else self.low), (inf if self.high is None else self.high)

    @property
    def listed(self) -> tuple[int, ...] | None:
        """Its members, if they are few."""
        if self.values is not None:
            return self.values
        if self.low is None or self.high is None or self.high - self.low >= ENUMERATED:
            return None
        return tuple(range(self.low, self.high + 1))

    def __contains__(self, value: int) -> bool:
        low, high = self.interval
        return low <= value <= high and (self.values is None or value in self.values)


POSITIVE = Domain()


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Domains of variables and facts about them; an unknown variable is at least 1.

    Every size in a fact is whole wherever the fact holds. `substitution` tells what equalities make of variables.
    """

    domains: Mapping[str, Domain] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    rest: tuple[Fact, ...] = ()
    solutions: Mapping[str, Size] = field(default_factory=dict)
    quotients: Mapping[str, Size] = field(default_factory=dict)
    code: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", hash((frozenset(self.domains.items()), self.facts)))

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Context):
            return self is other
        return self.code == other.code and self.facts == other.facts and self.domains == other.domains

    def __hash__(self) -> int:
        return self.code

    def declare(
        self, name: str, low: int | None = 1, high: int | None = None, values: tuple[int, ...] | None = None
    ) -> "Context":
        """Return the context with a variable that ranges from `low` to `high`, or over `values`.

        A size that a walk made up (its name has a quote) may be met again in a walk that assumes facts about it. Raises
        ValueError where an assumed fact mentions another variable already.
        """
        if "'" not in name and (name in self.solutions or any(name in fact.variables for fact in self.facts)):
            raise ValueError(f"{name} is declared after a fact about it")
        ordered = None if values is None else tuple(sorted(set(values)))
        return replace(self, domains={**self.domains, name: Domain(low, high, ordered)})

    def invent(self, name: str, low: int | None = 1) -> "Context":
        """Return the context with a variable that no text names; a case that is looked at may speak of it already."""
        if name in self.solutions or any(name in fact.variables for fact in self.facts):
            return self
        return self.declare(name, low)

    def domain(self, name: str) -> Domain:
        """Return the domain of a variable, as far as the facts narrow it down."""
        return self.domains.get(name, POSITIVE)

    def values(self, name: str) -> tuple[int, ...] | None:
        """Return the members of the domain of `name` in order, or None where they are many."""
        solution = self.solutions.get(name)
        if solution is not None and solution.constant is not None:
            return (solution.constant,)
        return self.domain(name).listed

    @property
    def box(self) -> Mapping[str, Interval]:
        """The interval of every variable."""
        return {name: domain.interval for name, domain in self.domains.items()}

    @property
    def substitution(self) -> Mapping[str, Size]:
        """What equalities and divisibility make of variables, in terms of variables and exact quotients."""
        return {name: self._public(size) for name, size in self.solutions.items()}

    def reduce(self, size: Size) -> Size:
        """Return `size` under the equalities and the divisibility that are assumed.

        Raises SizeLimit, and ZeroDivisionError where a divisor is known to be zero.
        """
        return self._public(self.solved(size)) if self.solutions else size

    def solved(self, size: Size) -> Size:
        """Return `size` in the variables that are left, which may be quotients that only this context knows."""
        return size.substitute(self.solutions)

    def _public(self, size: Size) -> Size:
        for _ in self.quotients:
            if size.variables.isdisjoint(self.quotients):
                break
            size = size.substitute(self.quotients)
        return size

    def assume(self, fact: Fact) -> "Context | None":
        """Return the context in which `fact` holds as well, or None where it is seen to contradict what is known."""
        if fact in self.facts:
            return self
        work = _Work(self)
        if not work.add(fact):
            return None
        return replace(work.context(), facts=(*self.facts, fact))

    @property
    def known(self) -> tuple[Size, ...]:
        """What is at least zero by the facts that were not solved."""
        found: list[Size] = []
        for fact in self.rest:
            if fact.relation in (">=", "=="):
                found.append(fact.difference)
            if fact.relation == "==":
                found.append(-fact.difference)
            if fact.relation == "divides" and interval(fact.right, self.box)[0] > 0:
                found.append(fact.right - fact.left)
        return tuple(found)

    def holds(self, values: Mapping[str, int]) -> bool:
        """Return whether an assignment to all variables lies in the domains and satisfies all facts."""
        inside = all(value in self.domain(name) for name, value in values.items())
        return inside and all(fact.evaluate(values) is True for fact in self.facts)


class _Work:
    """The facts on their way into a context: each may solve a variable, and then those about it come again."""

    def __init__(self, context: Context) -> None:
        self.domains = dict(context.domains)
        self.rest = list(context.rest)
        self.solutions = dict(context.solutions)
        self.quotients = dict(context.quotients)
        self.order = list(context.domains)
        self.facts = context.facts

    def context(self) -> Context:
        return Context(self.domains, self.facts, tuple(self.rest), self.solutions, self.quotients)

    def add(self, fact: Fact) -> bool:
        """Take in a fact and all that follows; return False on a contradiction."""
        todo = [*wholeness(fact), fact]
        for _ in range(STEPS):
            if not todo:
                return True
            try:
                fact = todo.pop().substitute(self.solutions)
                more = self._take(fact)
            except (ZeroDivisionError, SizeLimit):
                more = []
                self.rest.append(fact)
            if more is None:
                return False
            todo += more
        self.rest += [fact.substitute(self.solutions) for fact in todo]
        return True

    def _take(self, fact: Fact) -> list[Fact] | None:
        """Return the facts that must be looked at next, None on a contradiction."""
        if not fact.variables:
            return [] if fact.evaluate({}) else None
        if self._refuted(fact):
            return None
        names = fact.variables
        if len(names) == 1:
            found = self._narrow(next(iter(names)), fact)
            if found is not None:
                return found if self._inhabited() else None
        match fact.relation:
            case "==":
                found = self._equal(fact)
            case "divides":
                found = self._divides(fact)
            case "!=":
                found = self._unequal(fact)
            case ">=" | "indivisible":
                found = None
        if found is None and fact not in self.rest:
            self.rest.append(fact)
        return found or []

    def _inhabited(self) -> bool:
        return all(domain.interval[0] <= domain.interval[1] for domain in self.domains.values())

    def _refuted(self, fact: Fact) -> bool:
        if fact.relation in ("divides", "indivisible"):
            return False
        context = self.context()
        size = fact.difference
        if fact.relation == "!=":
            return size.constant == 0
        low = entails(-size - 1, context.known, context.box, nodes=CHECKED, cases=1)
        return low or (fact.relation == "==" and entails(size - 1, context.known, context.box, nodes=CHECKED, cases=1))

    def _narrow(self, name: str, fact: Fact) -> list[Fact] | None:
        """Narrow the domain of the only variable of a fact; None where that does not say all of it."""
        domain = self.domains.get(name, POSITIVE)
        listed = domain.listed or _divisors(name, fact)
        if listed is not None:
            return self._restrict(
                name, tuple(value for value in listed if value in domain and fact.evaluate({name: value}))
            )
        linear = fact.difference.linear_in(name)
        if fact.relation not in ("==", ">=", "!=") or linear is None or linear[0].constant is None:
            return None
        slope, number = linear[0].constant, linear[1].constant
        if number is None or slope == 0:
            return None
        root = None if number % slope else -number // slope
        low, high = domain.interval
        if fact.relation == "==":
            return self._restrict(name, (root,) if root is not None and root in domain else ())
        if fact.relation == "!=":
            if root is None or root not in domain:
                return []
            if root not in (low, high):
                return None
            low, high = low + (root == low), high - (root == high)
        elif slope > 0:
            low = max(low, _ceiling(-number, slope))
        else:
            high = min(high, number // -slope)
        self.domains[name] = Domain(None if low == -inf else int(low), None if high == inf else int(high))
        return self._restrict(name, (int(low),)) if low == high else []

    def _restrict(self, name: str, values: tuple[int, ...]) -> list[Fact]:
        self.domains[name] = Domain(values=values)
        return self._solve(name, Size.of(values[0])) if len(values) == 1 else []

    def _solve(self, name: str, size: Size) -> list[Fact]:
        """Replace `name` by `size` in all that is known; return what must be looked at again."""
        self.solutions = {other: known.substitute({name: size}) for other, known in self.solutions.items()}
        self.solutions[name] = size
        again = [fact for fact in self.rest if name in fact.variables]
        self.rest = [fact for fact in self.rest if name not in fact.variables]
        domain = self.domains.get(name, POSITIVE)
        low, high = domain.interval
        if low != -inf:
            again.append(at_least(size, int(low)))
        if high != inf:
            again.append(at_least(int(high), size))
        return again

    def _equal(self, fact: Fact) -> list[Fact] | None:
        size = fact.difference
        if not size.terms:
            return []
        quotient = _as_division(size)
        if quotient is not None:
            return [quotient]
        for name in self._candidates(fact):
            linear = size.linear_in(name)
            if linear is None or self.domains.get(name, POSITIVE).values is not None:
                continue
            slope, rest = linear
            value = _root(slope, rest, self.context())
            if value is not None:
                whole = all(is_whole(term) and number.denominator == 1 for term, number in value.terms.items())
                divisor = slope if interval(slope, self.context().box)[0] > 0 else -slope
                return self._solve(name, value) + ([] if whole else [divides(divisor, rest)])
        return None

    def _candidates(self, fact: Fact) -> list[str]:
        """Return the variables to solve for, the best first: names made by the compiler, then a bare side."""
        names = sorted(fact.variables, key=self._position)
        units = [name for name in names if abs(fact.difference.terms.get(((name, 1),), 0)) == 1]
        bare = [str(side) for side in (fact.left, fact.right) if side.is_variable]
        made = [name for name in units if "'" in name]
        scaled = [name for name in reversed(names) if ((name, 1),) in fact.difference.terms]
        return list(dict.fromkeys([*made, *bare, *reversed(units), *scaled, *reversed(names)]))

    def _position(self, name: str) -> tuple[int, str]:
        return (self.order.index(name) if name in self.order else len(self.order)), name

    def _unequal(self, fact: Fact) -> list[Fact] | None:
        context, size = self.context(), fact.difference
        if entails(size, context.known, context.box, nodes=CHECKED, cases=1):
            return [at_least(fact.left, fact.right + 1)]
        if entails(-size, context.known, context.box, nodes=CHECKED, cases=1):
            return [at_least(fact.right, fact.left + 1)]
        return None

    def _divides(self, fact: Fact) -> list[Fact] | None:
        """Solve for a variable that must be a multiple, up to a constant, with a quotient of its own."""
        divisor, number = lowest(fact)
        if divisor.constant == 1:
            return []
        if any(interval(Size.var(name), self.context().box)[0] < 1 for name in fact.left.variables):
            return None
        if (divisor, number) != (fact.left, fact.right):
            return [divides(divisor, number)]
        for name in sorted(number.variables, key=self._position):
            linear = number.linear_in(name)
            domain = self.domains.get(name, POSITIVE)
            if linear is None or name in divisor.variables or domain.values is not None or domain.low is None:
                continue
            slope, rest = linear[0].constant, linear[1].constant
            if slope not in (1, -1) or rest is None or (rest and divisor.constant is None):
                continue
            return self._multiple(name, divisor, -rest * slope)
        return None

    def _multiple(self, name: str, divisor: Size, offset: int) -> list[Fact]:
        offset = offset % divisor.constant if divisor.constant is not None else 0
        definition = exact(Size.var(name) - offset, divisor)
        quotient = str(definition) if offset == 0 else f"({Size.var(name) - offset})/{divisor}"
        low = self.domains.get(name, POSITIVE).low
        assert low is not None, name
        least = min(max(low, -1), 1) if divisor.constant is None else _ceiling(low - offset, divisor.constant)
        self.domains[quotient] = Domain(least if least >= 0 or divisor.constant is not None else None)
        self.quotients[quotient] = definition
        self.order.append(quotient)
        return self._solve(name, divisor * Size.var(quotient) + offset)


def _root(slope: Size, rest: Size, context: Context) -> Size | None:
    """Return what `slope*x + rest == 0` makes of x, if the slope is surely not zero."""
    low, high = interval(slope, context.box)
    if len(slope.terms) != 1 or low <= 0 <= high:
        return None
    return exact(-rest, slope)


def _as_division(size: Size) -> Fact | None:
    """Return the divisibility that `n - d*(n//d) == r` says."""
    for term in size.terms:
        atom = sole(term)
        if not isinstance(atom, Application) or atom.function != "floor" or atom.arguments[1].constant is None:
            continue
        above, below = atom.arguments
        for sign in (1, -1):
            rest = (above - below * from_terms({term: 1})) - size * sign
            if rest.constant is not None and atom.arguments[1].constant > rest.constant >= 0:
                return divides(below, above - rest)
    return None


def _divisors(name: str, fact: Fact) -> tuple[int, ...] | None:
    """Return the divisors of a small constant that `name` must be one of."""
    number = fact.right.constant
    if fact.relation != "divides" or str(fact.left) != name or not number or abs(number) > DIVISORS:
        return None
    return tuple(value for value in range(1, abs(number) + 1) if number % value == 0)


def _ceiling(number: int, divisor: int) -> int:
    return -(-number // divisor)
