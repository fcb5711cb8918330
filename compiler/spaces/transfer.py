"""Ops and plain blocks at known sizes -> output types, from closures over whole numbers made of their signatures.

It says the same as `rules.infer.apply` (a test draws ops and sizes and compares the two) and no more: what it does not
cover, and why something does not type, is left to the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.rules.arguments import bind
from archc.rules.infer import measures, signature
from archc.rules.session import Refusal, Session, Summary, variables
from archc.rules.static import evaluate
from archc.sizes.prove import Fact
from archc.sizes.size import Size
from archc.spaces.arithmetic import (
    COMPARED,
    FUNCTIONS,
    OPERATORS,
    Miss,
    Names,
    Number,
    Shape,
    Term,
    Unsupported,
    each,
    exact,
    lifted,
    named,
    require_equal,
    whole,
)
from archc.spaces.sized import MOST, Parts, Sized
from archc.values import Applied, Closure, Env, Every, Formula, Items, Obligation, Some, Value

Transfer = Callable[[Sized], Sized | None]
"""The sizes that go in -> those that come out. Raises Miss where they do not fit, as None says too."""


@dataclass(slots=True)
class Transfers:
    """The closures of one refinement, by value."""

    scopes: Scopes
    session: Callable[[], Session]
    summary: Callable[[s.Declaration], Summary]
    known: dict[int, Transfer | None] = field(default_factory=dict)

    def of(self, value: Value, number: int) -> Transfer | None:
        """Return what computes the output type of an architecture: None for a type that does not fit; or None."""
        if number not in self.known:
            try:
                self.known[number] = self._made(value)
            except (Unsupported, Refusal):
                self.known[number] = None
        return self.known[number]

    def _made(self, value: Value) -> Transfer:
        if isinstance(value, Closure) and isinstance(value.expr, s.Ref | s.Call) and not value.env.names:
            value = evaluate(self.session(), value.expr, value.env)
        if not isinstance(value, Applied):
            raise Unsupported
        definition = value.definition
        declaration = definition.declaration
        kind = signature(declaration)
        summary = self.summary(declaration) if declaration.kind != "op" else Summary()
        if kind is None or summary.inline or any(measures(declaration, clause) for clause in declaration.where):
            raise Unsupported
        given = bind(self.session(), declaration, value.arguments, value.span, Env(definition.module, {}), evaluate)
        names = {name: _number(entry) for name, entry in given.items() if _is_number(entry)}
        if definition.module == 0 and declaration.name in _OWN:
            return _OWN[declaration.name](names)
        if any(isinstance(parameter.type, (s.TypeArrow, s.TypeVariable)) for parameter in declaration.parameters or ()):
            raise Unsupported
        writer = _Writer(self.scopes, definition.module)
        return writer.transfer(kind, declaration.where, summary.obligations, names)


def _is_number(value: Value) -> bool:
    if isinstance(value, Items):
        return all(isinstance(entry, Size) for entry in value.values)
    return isinstance(value, (Size, bool))


def _number(value: Value) -> Number:
    if isinstance(value, Items):
        return tuple(_constant(entry) for entry in value.values)
    return int(value) if isinstance(value, bool) else _constant(value)


def _constant(value: Value) -> int:
    if not isinstance(value, Size) or value.constant is None:
        raise Unsupported
    return value.constant


# ---------------------------------------------------------------- types
def _axes(kind: Sized) -> Shape:
    """Return the axes of a tensor. Raises Unsupported on a tuple."""
    if isinstance(kind, Parts):
        raise Unsupported
    return kind


def _tensor(sizes: Sequence[int]) -> Shape:
    if any(size < 1 or size > MOST for size in sizes):
        raise Miss
    return tuple(sizes)


def _items(kind: Sized) -> Parts:
    if not isinstance(kind, Parts):
        raise Miss
    return kind


def guarded(transfer: Transfer, kind: Sized) -> Sized | None:
    """Return what comes out; None where the sizes do not fit. Raises Unsupported on what the rules must read."""
    try:
        return transfer(kind)
    except (Miss, ZeroDivisionError, IndexError):
        return None


class Axis:
    """An axis of whatever size there may be: it can be moved, and is Unsupported where it is looked at."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place

    def __lt__(self, _: object) -> bool:
        return False  # a size that went in is neither too small nor too large to come out

    __gt__ = __lt__

    def _looked_at(self, *_: object) -> "Axis":
        raise Unsupported

    __eq__ = __ne__ = __le__ = __ge__ = _looked_at  # type: ignore[assignment]  # they return nothing
    __hash__ = None  # type: ignore[assignment]  # as of all that cannot be compared
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _looked_at
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __index__ = _looked_at


def moved(transfer: Transfer, rank: int) -> tuple[int | Axis, ...] | None:
    """Return what comes of all tensors of so many axes; None where none fits. Raises Unsupported where sizes decide that."""
    found = guarded(transfer, tuple(map(Axis, range(rank))))  # type: ignore[arg-type]  # axes in the place of sizes
    if isinstance(found, Parts):
        raise Unsupported
    return found


# ---------------------------------------------------------------- ops with rules of their own
def _id(_: Names) -> Transfer:
    return lambda kind: kind


def _clone(names: Names) -> Transfer:
    count = names["n"]
    if not isinstance(count, int) or count > 64:
        raise Unsupported
    return lambda kind: Parts((kind,) * count)


def _same(_: Names) -> Transfer:
    def transfer(kind: Sized) -> Sized | None:
        items = _items(kind)
        if not items:
            raise Unsupported
        first = _axes(items[0])
        return first if all(item == first for item in items) else None

    return transfer


def _concat(names: Names) -> Transfer:
    axis = names["axis"]
    if not isinstance(axis, int):
        raise Unsupported

    def transfer(kind: Sized) -> Sized | None:
        shapes = [_axes(item) for item in _items(kind)]
        rank = len(shapes[0])
        at = axis + rank if axis < 0 else axis
        if not 0 <= at < rank or any(len(shape) != rank for shape in shapes):
            return None
        first = shapes[0]
        for shape in shapes[1:]:
            if shape[:at] != first[:at] or shape[at + 1 :] != first[at + 1 :]:
                return None
        joined = (*first[:at], sum(shape[at] for shape in shapes), *first[at + 1 :])
        return _tensor(joined)

    return transfer


_OWN: Mapping[str, Callable[[Names], Transfer]] = {
    "id": _id, "clone": _clone, "add": _same, "mul": _same, "concat": _concat,
}  # fmt: skip


# ---------------------------------------------------------------- what bodies owe
def _owed(debt: Obligation, known: set[str]) -> Callable[[Names], bool]:
    """Return what tells whether the sizes of a use pay a debt. Raises Unsupported where it speaks of anything else."""
    flags = [entry for entry in debt.guard if isinstance(entry, tuple)]
    facts = [entry for entry in debt.guard if not isinstance(entry, tuple)]
    used = variables(debt.formula).union(*(fact.variables for fact in facts))
    if not used <= known or any(name not in known for name, _ in flags):
        raise Unsupported

    def paid(names: Names) -> bool:
        if any(names[name] != wanted for name, wanted in flags):
            return True
        values = {name: whole(names[name]) for name in used}
        return not all(_told(fact.evaluate(values)) for fact in facts) or _holds(debt.formula, values)

    return paid


def _holds(formula: Formula, values: Mapping[str, int]) -> bool:
    match formula:
        case bool():
            return formula
        case Fact():
            return _told(formula.evaluate(values))
        case Every(items):
            return all(_holds(item, values) for item in items)
        case Some(items):
            return any(_holds(item, values) for item in items)


def _told(answer: bool | None) -> bool:
    if answer is None:
        raise Unsupported
    return answer


# ---------------------------------------------------------------- signatures
@dataclass(slots=True)
class _Writer:
    """Makes closures of the types and conditions of one declaration."""

    scopes: Scopes
    module: int

    def transfer(
        self, kind: s.TypeArrow, where: tuple[s.Expr, ...], debts: Sequence[Obligation], given: Names
    ) -> Transfer:
        """Return the closure of a signature, and of what its body owes beyond that."""
        known = set(given)
        into = self.pattern(kind.source, known)
        conditions: list[Callable[[Names], object]] = [self.term(clause) for clause in _conjuncts(where)]
        conditions.extend(_owed(debt, known) for debt in debts)
        output = self.output(kind.target)

        def transfer(entered: Sized) -> Sized | None:
            names = dict(given)
            into(entered, names)
            for condition in conditions:
                if not condition(names):
                    return None
            return output(names)

        return transfer

    def pattern(self, source: s.TypeExpr, known: set[str]) -> Callable[[Sized, Names], None]:
        """Return what binds the names of a declared input."""
        if isinstance(source, s.TypeTuple):
            parts = [self.pattern(item.type, known) for item in source.items]
            if len(parts) == 1:
                return parts[0]

            def both(kind: Sized, names: Names) -> None:
                items = _items(kind)
                if len(items) != len(parts):
                    raise Miss
                for part, item in zip(parts, items, strict=True):
                    part(item, names)

            return both
        if not isinstance(source, s.TypeList) or source.element is not None:
            raise Unsupported
        return self.axes(source.dims, known)

    def axes(self, dims: Sequence[object], known: set[str]) -> Callable[[Sized, Names], None]:
        """Return what binds the axes of one tensor."""
        rests = [place for place, dim in enumerate(dims) if isinstance(dim, s.DimRest)]
        if len(rests) > 1:
            raise Unsupported
        rest = rests[0] if rests else len(dims)
        before = [self.axis(dim, known) for dim in dims[:rest]]
        run = self.run(dims[rest], known) if rests else None
        after = [self.axis(dim, known) for dim in dims[rest + 1 :]]
        least = len(before) + len(after)

        def lay(kind: Sized, names: Names) -> None:
            shape = _axes(kind)
            if len(shape) < least or (run is None and len(shape) != least):
                raise Miss
            for axis, size in zip(before, shape, strict=False):
                axis(size, names)
            if run is not None:
                run(shape[len(before) : len(shape) - len(after)], names)
                for axis, size in zip(after, shape[len(shape) - len(after) :], strict=True):
                    axis(size, names)

        return lay

    def run(self, dim: object, known: set[str]) -> Callable[[Shape, Names], None]:
        if not isinstance(dim, s.DimRest) or not isinstance(dim.value, s.Ref):
            raise Unsupported
        name = dim.value.name
        if name in known:
            return lambda shape, names: require_equal(names[name], shape)
        known.add(name)
        return lambda shape, names: names.__setitem__(name, shape)

    def axis(self, dim: object, known: set[str]) -> Callable[[int, Names], None]:
        """Return what binds one axis, or compares it with what is known by then."""
        if isinstance(dim, s.Ref) and dim.name not in known and self.scopes.find(self.module, dim.name) is None:
            name = dim.name
            known.add(name)
            return lambda size, names: names.__setitem__(name, size)
        if not isinstance(dim, (s.Number, s.Ref, s.Binary)):
            raise Unsupported
        if self.mentioned(dim) - known:
            return self.multiple(dim, known)
        term = self.term(dim)
        return lambda size, names: require_equal(term(names), size)

    def multiple(self, dim: s.Number | s.Ref | s.Binary, known: set[str]) -> Callable[[int, Names], None]:
        """Return what binds the one size of a product, as `h` of `2*h`, that is not known yet."""
        if not isinstance(dim, s.Binary) or dim.operator != "*":
            raise Unsupported
        free, factor = (dim.left, dim.right) if self.mentioned(dim.left) - known else (dim.right, dim.left)
        if not isinstance(free, s.Ref) or self.mentioned(factor) - known or self.scopes.find(self.module, free.name):
            raise Unsupported
        name, term = free.name, self.term(factor)
        known.add(name)
        return lambda size, names: names.__setitem__(name, exact(size, whole(term(names))))

    def mentioned(self, expr: s.Expr) -> set[str]:
        """Return the sizes that an axis mentions."""
        found: set[str] = set()
        waiting: list[s.Expr] = [expr]
        while waiting:
            match waiting.pop():
                case s.Ref(name):
                    found.add(name)
                case s.Binary(_, left, right):
                    waiting.extend((left, right))
                case s.Number():
                    pass
                case _:
                    raise Unsupported
        return found

    def output(self, target: s.TypeExpr) -> Callable[[Names], Sized]:
        """Return what makes the output type."""
        if isinstance(target, s.TypePower):
            base, count = self.output(target.base), self.term(target.exponent)

            def power(names: Names) -> Sized:
                number = count(names)
                if not isinstance(number, int) or number > 64:
                    raise Unsupported
                return Parts((base(names),) * number)

            return power
        if not isinstance(target, s.TypeList) or target.element is not None:
            raise Unsupported
        dims: list[Term] = []
        for dim in target.dims:
            if isinstance(dim, s.DimRange) or (isinstance(dim, s.DimRest) and dim.value is None):
                raise Unsupported
            dims.append(self.term(dim.value if isinstance(dim, s.DimRest) and dim.value is not None else dim))  # type: ignore[arg-type]

        def shape(names: Names) -> Sized:
            sizes: list[int] = []
            for dim in dims:
                found = dim(names)
                sizes.extend(found if isinstance(found, tuple) else (found,))
            return _tensor(sizes)

        return shape

    # ------------------------------------------------------------ expressions
    def term(self, expr: s.Expr) -> Term:
        """Return what evaluates a static expression."""
        match expr:
            case s.Number(text) if text.isdecimal():
                number = int(text)
                return lambda _: number
            case s.Negative(inner):
                operand = self.term(inner)
                return lambda names: each(lambda one: -one, operand(names))
            case s.Ref(name):
                return lambda names: named(names, name)
            case s.Binary(operator, left, right) if operator in OPERATORS:
                one, other, compute = self.term(left), self.term(right), OPERATORS[operator]
                return lambda names: lifted(compute, one(names), other(names))
            case s.Compare(operator, left, right) if operator in COMPARED:
                one, other, compare = self.term(left), self.term(right), COMPARED[operator]
                return lambda names: compare(one(names), other(names))
            case s.Call(s.Ref(name), arguments):
                return self.call(name, arguments)
            case _:
                raise Unsupported

    def call(self, name: str, arguments: tuple[s.Argument, ...]) -> Term:
        """Return what evaluates a function of std or a `fn`, which lifts over a run of axes."""
        if any(argument.name for argument in arguments):
            raise Unsupported
        operands = [self.term(argument.value) for argument in arguments]
        if name in FUNCTIONS:
            function = FUNCTIONS[name]
            return lambda names: function(*(operand(names) for operand in operands))
        definition = self.scopes.find(self.module, name)
        if definition is None or definition.declaration.kind != "fn" or definition.declaration.value is None:
            raise Unsupported
        inner = _Writer(self.scopes, definition.module)
        body = inner.term(definition.declaration.value)
        conditions = [inner.term(clause) for clause in _conjuncts(definition.declaration.where)]
        parameters = definition.declaration.parameters or ()
        defaults = [None if entry.default is None else inner.term(entry.default) for entry in parameters]

        def apply(values: Sequence[Number]) -> Number:
            names: Names = {}
            for place, parameter in enumerate(parameters):
                default = defaults[place]
                if place >= len(values) and default is None:
                    raise Unsupported
                names[parameter.name] = values[place] if place < len(values) else default(names)  # type: ignore[misc]
            if not all(condition(names) for condition in conditions):
                raise Miss
            return body(names)

        def called(names: Names) -> Number:
            values = [operand(names) for operand in operands]
            if values and isinstance(values[0], tuple):
                return tuple(whole(apply([entry, *values[1:]])) for entry in values[0])
            return apply(values)

        return called


def _conjuncts(where: Sequence[s.Expr]) -> list[s.Expr]:
    found: list[s.Expr] = []
    for clause in where:
        found.extend(clause.items if isinstance(clause, s.Logic) and clause.operator == "and" else (clause,))
    return found
