"""Sizes in normal form: Laurent polynomials over variables, floor quotients and maxima."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Literal

from archc.sizes.polynomials import (
    CONSTANT,
    Atom,
    Coefficient,
    Monomial,
    Terms,
    add,
    aligned,
    atoms,
    cancelled,
    common,
    content,
    divide,
    floor_parts,
    floor_text,
    inverse,
    multiply,
    negative_part,
    raised,
    scale,
    sole,
    text,
)

Function = Literal["floor", "max", "sum"]

MAX_TERMS = 2000
MAX_DEGREE = 100
MAX_DEPTH = 40
MAX_WEIGHT = 20_000
MAX_ARGUMENTS = 64
MAX_DIVISORS = 6
MAX_NUMBER = 1 << 4096


class SizeLimit(ValueError):
    """A size has more terms, more nesting or larger numbers than a normal form may have."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Size:
    """A whole number that may depend on variables; two sizes are equal when their normal forms are.

    A variable that divides is taken to be positive, and whatever is divided with `exact` to be divisible: the caller
    owes both as conditions. `constant` is the value of a whole constant.
    """

    terms: Terms
    constant: int | None = None

    @staticmethod
    def of(value: int) -> "Size":
        """Return the constant `value`; raises SizeLimit where it has more than 4096 bits."""
        if -64 <= value <= 1024:
            return _SMALL[value + 64]
        if not -MAX_NUMBER < value < MAX_NUMBER:
            raise SizeLimit("a size has more than 4096 bits")
        return Size({CONSTANT: value}, value)

    @staticmethod
    def var(name: str) -> "Size":
        """Return the variable `name`."""
        return Size({((name, 1),): 1})

    def __add__(self, other: "Size | int") -> "Size":
        other = as_size(other)
        if self.constant is not None and other.constant is not None:
            return Size.of(self.constant + other.constant)
        return from_terms(add(self.terms, other.terms))

    def __sub__(self, other: "Size | int") -> "Size":
        other = as_size(other)
        if self.constant is not None and other.constant is not None:
            return Size.of(self.constant - other.constant)
        return from_terms(add(self.terms, other.terms, -1))

    def __mul__(self, other: "Size | int") -> "Size":
        other = as_size(other)
        if self.constant is not None and other.constant is not None:
            return Size.of(self.constant * other.constant)
        if len(self.terms) * len(other.terms) > 50 * MAX_TERMS:
            raise SizeLimit(f"a size has more than {MAX_TERMS} terms")
        return from_terms(multiply(self.terms, other.terms))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: int) -> "Size":
        return Size.of(other) - self

    def __neg__(self) -> "Size":
        return Size.of(0) - self

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Size) and self.terms == other.terms)

    def __hash__(self) -> int:
        return hash(self.constant) if self.constant is not None else hash(frozenset(self.terms.items()))

    def __reduce__(self) -> tuple[Callable[[Terms], "Size"], tuple[Terms]]:
        return from_terms, (self.terms,)

    def __repr__(self) -> str:
        return f"Size({self})"

    def __str__(self) -> str:
        return str(self.constant) if self.constant is not None else text(self.terms)

    @property
    def is_variable(self) -> bool:
        """Whether this is one variable and nothing else."""
        return len(self.terms) == 1 and all(isinstance(sole(*term), str) for term in self.terms.items())

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables, also those inside floor quotients and maxima."""
        if self.constant is not None:
            return frozenset()
        return frozenset().union(*(_names(atom) for monomial in self.terms for atom, _ in monomial))

    @property
    def weight(self) -> int:
        """How much there is to a size: its terms, and what stands inside floor quotients and maxima."""
        if self.constant is not None:
            return 1
        inner = (atom.weight for term in self.terms for atom, _ in term if isinstance(atom, Application))
        return len(self.terms) + sum(inner)

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The variables and applications of the polynomial itself, in order."""
        return tuple(atoms(self.terms))

    def substitute(self, sizes: Mapping[str, "Size"]) -> "Size":
        """Return this size with variables replaced, in normal form again; raises ZeroDivisionError and SizeLimit."""
        images: dict[Atom, Size] = dict(sizes.items())
        return self.replace(images) if self.constant is None else self

    def replace(self, sizes: Mapping[Atom, "Size"]) -> "Size":
        """Return this size with atoms replaced, also inside applications; raises ZeroDivisionError and SizeLimit."""
        images = {atom: image for atom in self.atoms if (image := _image(atom, sizes)) is not None}
        if not images:
            return self
        kept: dict[Monomial, Coefficient] = {}
        total = Size.of(0)
        for monomial, coefficient in self.terms.items():
            if any(atom in images for atom, _ in monomial):
                total = total + _replaced(monomial, coefficient, images)
            else:
                kept[monomial] = coefficient
        return total + from_terms(kept)

    def evaluate(self, values: Mapping[str, int]) -> Fraction:
        """Return the value; raises KeyError for a missing variable, ZeroDivisionError where a divisor is no divisor."""
        return Fraction(self.value(values))

    def value(self, values: Mapping[str, int]) -> Coefficient:
        """Return what `evaluate` returns, as an int where no division came up; raises as it does."""
        total: Coefficient = 0
        for monomial, coefficient in self.terms.items():
            for atom, exponent in monomial:
                base = values[atom] if isinstance(atom, str) else atom.value(values)
                coefficient = coefficient * (base if exponent == 1 else raised(base, exponent))
            total += coefficient
        return total

    def linear_in(self, name: str) -> "tuple[Size, Size] | None":
        """Return `(a, b)` with `self == a*name + b`, both free of `name`, or None."""
        slope: dict[Monomial, Coefficient] = {}
        rest: dict[Monomial, Coefficient] = {}
        for monomial, coefficient in self.terms.items():
            others = tuple(power for power in monomial if power != (name, 1))
            if any(name in _names(atom) for atom, _ in others):
                return None
            (rest if len(others) == len(monomial) else slope)[others] = coefficient
        return from_terms(slope), from_terms(rest)


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """A floor quotient of two sizes, the maximum of several, or a sum that divides: opaque to the polynomial."""

    function: Function
    arguments: tuple[Size, ...]
    text: str = field(init=False)
    factor: str = field(init=False)
    variables: frozenset[str] = field(init=False)
    depth: int = field(init=False)
    weight: int = field(init=False)
    code: int = field(init=False)

    def __post_init__(self) -> None:
        inner = [atom for size in self.arguments for term in size.terms for atom, _ in term]
        applied = [atom for atom in inner if isinstance(atom, Application)]
        depth = 1 + max((atom.depth for atom in applied), default=0)
        weight = 1 + len(inner) + sum(atom.weight for atom in applied)
        if depth > MAX_DEPTH or weight > MAX_WEIGHT:
            raise SizeLimit("a size nests too many quotients and maxima")
        alone = _application_text(self.function, self.arguments)
        names: frozenset[str] = frozenset().union(*(size.variables for size in self.arguments))
        object.__setattr__(self, "text", alone)
        object.__setattr__(self, "factor", f"({alone})" if self.function == "floor" else alone)
        object.__setattr__(self, "variables", names)
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "code", hash((self.function, self.arguments)))

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Application) or self.code != other.code:
            return self is other
        return self.function == other.function and self.arguments == other.arguments

    def __hash__(self) -> int:
        return self.code

    def __reduce__(self) -> tuple[Callable[..., "Application"], tuple[Function, tuple[Size, ...]]]:
        return Application, (self.function, self.arguments)

    @property
    def base(self) -> Terms | None:
        """The terms of a sum that divides."""
        return self.arguments[0].terms if self.function == "sum" else None

    def value(self, values: Mapping[str, int]) -> Coefficient:
        """Return the value; raises ZeroDivisionError where a floor quotient divides by less than one."""
        numbers = [size.value(values) for size in self.arguments]
        if self.function == "max":
            return max(numbers)
        if self.function == "sum":
            return numbers[0]
        if numbers[1] < 1:
            raise ZeroDivisionError(f"{self.text} divides by {numbers[1]}")
        return numbers[0] // numbers[1]


def from_terms(terms: Terms) -> Size:
    """Return the size with these terms; raises SizeLimit where they are too many or too large."""
    kept: dict[Monomial, Coefficient] = {}
    divisors: set[Atom] = set()
    for monomial, number in terms.items():
        if not number:
            continue
        whole = number.numerator if number.denominator == 1 else number
        kept[monomial] = whole
        if not -MAX_NUMBER < whole.numerator < MAX_NUMBER or sum(abs(power) for _, power in monomial) > MAX_DEGREE:
            raise SizeLimit(f"a size has a number of more than 4096 bits or a degree over {MAX_DEGREE}")
        divisors.update(atom for atom, _ in monomial if isinstance(atom, Application) and atom.function == "sum")
    if len(kept) > MAX_TERMS:
        raise SizeLimit(f"a size has more than {MAX_TERMS} terms")
    if len(divisors) > MAX_DIVISORS:
        raise SizeLimit(f"a size is divided by more than {MAX_DIVISORS} sums")
    if divisors:
        kept = cancelled(kept)
    constant = kept.get(CONSTANT, 0) if kept.keys() <= {CONSTANT} else None
    return Size.of(constant) if isinstance(constant, int) else Size(kept)


def as_size(value: "Size | int") -> Size:
    """Return `value` as a size."""
    return value if isinstance(value, Size) else Size.of(value)


def power(base: Size, exponent: int) -> Size:
    """Return `base` to a power of at least 0; raises SizeLimit."""
    if exponent > (MAX_DEGREE if base.constant is None else 4096):
        raise SizeLimit(f"{base} to the power of {exponent} is too large for a size")
    if base.constant is not None:
        return Size.of(base.constant**exponent)
    return prod([base] * exponent, start=Size.of(1))


def exact(left: Size, right: Size) -> Size:
    """Return `left / right`, which the caller knows to be whole; raises ZeroDivisionError and SizeLimit."""
    if right.constant is not None:
        if left.constant is not None and left.constant % right.constant == 0:
            return Size.of(left.constant // right.constant)
        return from_terms(scale(left.terms, CONSTANT, Fraction(1, right.constant)))
    shared = common(right.terms)
    factor = content(right.terms.values())
    below = from_terms(scale(right.terms, inverse(shared), 1 / factor))
    above = from_terms(scale(left.terms, inverse(shared), 1 / factor)).terms
    if below.constant == 1:
        return from_terms(above)
    divided = negative_part(above)
    quotient, remainder = divide(scale(above, divided), below.terms, whole=False)
    if not remainder:
        return from_terms(scale(quotient, inverse(divided)))
    return from_terms(scale(above, ((apply("sum", (below,)), -1),)))


def floordiv(left: Size, right: Size) -> Size:
    """Return `left // right` with whole multiples pulled out; raises ZeroDivisionError and SizeLimit."""
    if right.constant is not None:
        if right.constant == 1:
            return left
        if left.constant is not None:
            return Size.of(left.constant // right.constant)
        if right.constant == 0:
            raise ZeroDivisionError(f"({left})//0")
    return _floordiv(left, right)


def modulo(left: Size, right: Size) -> Size:
    """Return `left % right`; raises ZeroDivisionError and SizeLimit."""
    return left - right * floordiv(left, right)


def maximum(*sizes: Size) -> Size:
    """Return the largest of `sizes`; raises SizeLimit."""
    if all(size.constant is not None for size in sizes):
        return Size.of(max(size.constant for size in sizes if size.constant is not None))
    best: dict[Size, Coefficient] = {}
    for size in sizes:
        number = size.terms.get(CONSTANT, 0)
        rest = from_terms({term: factor for term, factor in size.terms.items() if term != CONSTANT})
        best[rest] = max(best.get(rest, number), number)
    if len(best) > MAX_ARGUMENTS:
        raise SizeLimit(f"a maximum has more than {MAX_ARGUMENTS} arguments")
    every = [add(rest.terms, {CONSTANT: number}) for rest, number in best.items()]
    if len(every) == 1:
        return from_terms(every[0])
    shared, factor, left = aligned(every)
    parts = sorted(map(from_terms, left), key=_argument_rank)
    flat = [part for size in parts for part in _alternatives(size)]
    largest = maximum(*flat) if len(flat) > len(parts) else _applied("max", *parts)
    return from_terms(add(shared, largest.terms, factor))


def minimum(left: Size, right: Size) -> Size:
    """Return the smaller of two sizes; raises SizeLimit."""
    return -maximum(-left, -right)


@lru_cache(maxsize=1 << 14)
def apply(function: Function, arguments: tuple[Size, ...]) -> Application:
    """Return the application itself, one object for equal arguments as long as the cache holds it."""
    return Application(function, arguments)


@lru_cache(maxsize=1 << 14)
def _floordiv(left: Size, right: Size) -> Size:
    whole, top, bottom = floor_parts(left.terms, right.terms)
    above, below = from_terms(top), from_terms(bottom)
    for term, number in top.items():
        atom = sole(term, number)
        if isinstance(atom, Application) and atom.function == "floor":
            inner, divisor = atom.arguments
            return from_terms(whole) + floordiv(inner + divisor * (above - from_terms({term: 1})), divisor * below)
    return from_terms(whole) + (_applied("floor", above, below) if top else above)


def _applied(function: Function, *arguments: Size) -> Size:
    return Size({((apply(function, arguments), 1),): 1})


def _alternatives(size: Size) -> list[Size]:
    """Return the arguments of a maximum that `size` adds something to, or `size` alone."""
    for monomial, number in size.terms.items():
        atom = sole(monomial, number)
        if isinstance(atom, Application) and atom.function == "max":
            rest = size - from_terms({monomial: 1})
            return [argument + rest for argument in atom.arguments]
    return [size]


def _names(atom: Atom) -> frozenset[str]:
    return frozenset((atom,)) if isinstance(atom, str) else atom.variables


def _image(atom: Atom, sizes: Mapping[Atom, Size]) -> Size | None:
    """Return what `atom` becomes, or None where it stays."""
    if atom in sizes or not isinstance(atom, Application):
        return sizes.get(atom)
    arguments = tuple(size.replace(sizes) for size in atom.arguments)
    if all(new is old for new, old in zip(arguments, atom.arguments, strict=True)):
        return None
    if atom.function == "floor":
        return floordiv(*arguments)
    return maximum(*arguments) if atom.function == "max" else arguments[0]


def _replaced(monomial: Monomial, coefficient: Coefficient, images: Mapping[Atom, Size]) -> Size:
    total = from_terms({tuple(factor for factor in monomial if factor[0] not in images): coefficient})
    for atom, exponent in monomial:
        if atom in images:
            factor = power(images[atom], abs(exponent))
            total = total * factor if exponent > 0 else exact(total, factor)
    return total


def _argument_rank(size: Size) -> tuple[bool, str]:
    return size.constant is None, str(size)


def _application_text(function: Function, arguments: tuple[Size, ...]) -> str:
    if function == "floor":
        return floor_text(arguments[0].terms, arguments[1].terms)
    return f"{'max' if function == 'max' else ''}({', '.join(map(str, arguments))})"


_SMALL = [Size({CONSTANT: value} if value else {}, value) for value in range(-64, 1025)]
