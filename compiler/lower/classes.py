"""Bodies to classes: bodies of one structure become one class, the numbers that tell them apart its parameters."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archc.graph import Graph
from archc.lower.body import HOLE, Body, Entry, Make, Member, Reader, Snippet
from archc.lower.names import GLOBALS, Plain, identifier, literal
from archc.lower.shared import check_shared_steps


# ---------------------------------------------------------------- expressions
@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is the same everywhere."""

    value: Plain


@dataclass(frozen=True, slots=True)
class Scaled:
    """`times * parameter // by`, where one of the two is 1."""

    parameter: str
    times: int = 1
    by: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple of expressions."""

    items: tuple["Expression", ...]


Expression = Literal | Scaled | Items


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constructor parameter: its name, and its value in each instance."""

    name: str
    column: tuple[Plain, ...]


# ---------------------------------------------------------------- members
@dataclass(frozen=True, slots=True)
class New:
    """What builds one submodule: a class of this file with `values` as arguments, or code with holes that they fill."""

    head: "Class | Snippet"
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A submodule, or the list of them: `count` equal ones, ones that grow by a progression, or one for each row.

    `rows` are the values of the arguments that `varying` numbers, one tuple a step.
    """

    key: str
    new: tuple[New, ...]
    steps: bool = False
    weight: bool = False
    count: Expression | None = None
    growth: tuple[tuple[int, Expression], ...] = ()
    varying: tuple[int, ...] = ()
    rows: Expression | None = None


@dataclass(slots=True, eq=False)
class Class:
    """A class to be written: the bodies that share it, what tells them apart, and the code in its terms."""

    wanted: str
    bodies: list[Body]
    arguments: list[dict[str, Plain]]
    name: str = ""
    parameters: tuple[Parameter, ...] = ()
    keeps: tuple[Keep, ...] = ()
    calls: tuple[tuple[Expression, ...], ...] = ()
    used: frozenset[str] = frozenset()


@dataclass(slots=True)
class Classes:
    """All classes of one network, inner ones first."""

    reader: Reader = field(default_factory=Reader)
    all: list[Class] = field(default_factory=list)
    place: dict[tuple[int, str], tuple[Class, int]] = field(default_factory=dict)
    shapes: dict[object, Class] = field(default_factory=dict)

    def add(self, graph: Graph, wanted: str, arguments: Iterable[tuple[str, Plain]]) -> Class:
        """Return the class of `graph`, which joins the bodies of the class if it is new; raises as `Reader.read`."""
        known = self.place.get((id(graph), wanted))
        if known is not None:
            return known[0]
        body = self.reader.read(graph)
        shape = (wanted, *self._shape(body))
        found = self.shapes.get(shape)
        if found is None:
            found = self.shapes[shape] = Class(wanted, [], [])
            self.all.append(found)
        self.place[id(graph), wanted] = found, len(found.bodies)
        found.bodies.append(body)
        found.arguments.append(dict(arguments))
        return found

    def _shape(self, body: Body) -> tuple[object, ...]:
        """Return everything of a body but its numbers, hashable."""
        inputs = tuple(entry.name for entry in body.graph.inputs)
        members = tuple(self._member_shape(member) for member in body.members)
        moves = tuple(
            (move.code.text, holes(move.code), move.refs, move.inputs, move.outputs, move.loop, move.carried)
            for move in body.moves
        )
        return inputs, body.graph.borrowed, body.sizes, members, moves, body.results

    def _member_shape(self, member: Member) -> tuple[object, ...]:
        heads = tuple(self.head(entry) for entry in member.entries)
        if member.steps and len(set(heads)) == 1:
            heads = heads[:1]
        return member.key, member.steps, member.weight, heads

    def head(self, entry: Entry) -> tuple[object, ...]:
        """Return what an entry builds, without its numbers."""
        if isinstance(entry, Make):
            return (id(self.add(entry.graph, entry.wanted, entry.arguments)),)
        return entry.text, holes(entry)

    def values(self, entry: Entry) -> list[tuple[str, Plain]]:
        """Return the numbers of an entry, each under the name of its hole or parameter; inner classes are finished."""
        if isinstance(entry, Make):
            found, index = self.place[id(entry.graph), entry.wanted]
            return [(parameter.name, parameter.column[index]) for parameter in found.parameters]
        given = dict(entry.values)
        return [(name, given[name]) for name in holes(entry)]


def holes(code: Snippet) -> tuple[str, ...]:
    """Return the holes that numbers fill, in the order of the text."""
    given = {name for name, _ in code.values}
    return tuple(dict.fromkeys(name for name in HOLE.findall(code.text) if name in given))


def classes(graph: Graph) -> tuple[Class, ...]:
    """Return the classes that a network needs, inner ones first and its own last.

    Raises CompileError as `weights` does, and as `check_shared_steps`.
    """
    found = Classes()
    found.add(graph, graph.name, ())
    check_shared_steps(found.reader, graph)
    for entry in found.all:
        _Unifying(found, entry).run()
    _name(found.all)
    return tuple(found.all)


def _name(all_classes: list[Class]) -> None:
    """Give names: the outermost class has the model's, a second class of one block a number."""
    taken = set(GLOBALS) | {need for entry in all_classes for need in needs(entry)}
    for entry in (all_classes[-1], *all_classes[:-1]):
        base = identifier(entry.wanted.rsplit(".", 1)[-1], {*GLOBALS})
        number, name = 2, base
        while name in taken:
            name, number = f"{base}{number}", number + 1
        entry.name = name
        taken.add(name)


def needs(entry: Class) -> Iterator[str]:
    """Yield the support definitions that the code of a class uses."""
    for body in entry.bodies:
        for move in body.moves:
            yield from move.code.needs
        for member in body.members:
            for item in member.entries:
                if isinstance(item, Snippet):
                    yield from item.needs


class _Unifying:
    """Finds the parameters of one class, whose inner classes have theirs already."""

    def __init__(self, found: Classes, entry: Class) -> None:
        self.found = found
        self.entry = entry
        self.parameters: dict[str, Parameter] = {}
        self.by_column: dict[tuple[str, ...], str] = {}
        self.reserved = {*GLOBALS, "self", "i", *(item.name for item in entry.bodies[0].graph.inputs)}

    def run(self) -> None:
        """Fill in the class."""
        bodies = self.entry.bodies
        keeps = [self._keep([body.members[place] for body in bodies]) for place in range(len(bodies[0].members))]
        calls = []
        used: set[str] = set()
        for place, first in enumerate(bodies[0].moves):
            rows = [dict(body.moves[place].code.values) for body in bodies]
            row = tuple(self._expression(name, [values[name] for values in rows]) for name in holes(first.code))
            if first.carried and first.loop is None:
                row = (*row, self._expression("times", [body.moves[place].times for body in bodies]))
            used.update(name for expression in row for name in names_in(expression))
            calls.append(row)
        self.entry.keeps, self.entry.calls = tuple(keeps), tuple(calls)
        self.entry.parameters, self.entry.used = tuple(self.parameters.values()), frozenset(used)

    # ------------------------------------------------------------ submodules
    def _keep(self, members: list[Member]) -> Keep:
        first = members[0]
        heads = {self.found.head(entry) for member in members for entry in member.entries}
        if first.steps and len(heads) == 1:
            return self._list(members)
        columns = range(len(first.entries))
        new = tuple(self._new([member.entries[place] for member in members]) for place in columns)
        return Keep(first.key, new, first.steps, first.weight)

    def _new(self, entries: list[Entry]) -> New:
        rows = [self.found.values(entry) for entry in entries]
        values = tuple(
            self._expression(name, [row[place][1] for row in rows]) for place, (name, _) in enumerate(rows[0])
        )
        return New(self._head(entries[0]), values)

    def _head(self, entry: Entry) -> "Class | Snippet":
        return self.found.place[id(entry.graph), entry.wanted][0] if isinstance(entry, Make) else entry

    def _list(self, members: list[Member]) -> Keep:
        """Return the list of steps of one kind: equal, growing, or one for each row of a table."""
        first = members[0]
        tables = [[self.found.values(entry) for entry in member.entries] for member in members]
        names = [name for name, _ in tables[0][0]]
        columns = [[[row[place][1] for row in table] for table in tables] for place in range(len(names))]
        steady = [all(len({literal(value) for value in steps}) == 1 for steps in column) for column in columns]
        lengths = [len(table) for table in tables]
        growing = max(lengths) > 2 and all(same or _grows(column) for same, column in zip(steady, columns, strict=True))
        values: list[Expression] = []
        growth: list[tuple[int, Expression]] = []
        varying = [place for place, same in enumerate(steady) if not same]
        for place, (name, column) in enumerate(zip(names, columns, strict=True)):
            if steady[place] or growing:
                values.append(self._expression(name, [steps[0] for steps in column]))
            else:
                values.append(Literal(None))
            if growing and not steady[place]:
                by = [_difference(steps) for steps in column]
                growth.append((place, self._expression(f"{name}_step", by)))
        new = (New(self._head(first.entries[0]), tuple(values)),)
        if growing or not varying:
            count = self._expression("times", lengths)
            return Keep(first.key, new, True, first.weight, count, tuple(growth))
        chosen = [[tuple(row[place][1] for place in varying) for row in table] for table in tables]
        flat = [tuple(row[0] if len(varying) == 1 else row for row in table) for table in chosen]
        rows = self._expression(f"{first.key}_rows", flat, whole=True)
        return Keep(first.key, new, True, first.weight, None, (), tuple(varying), rows)

    # ------------------------------------------------------------ numbers
    def _expression(self, name: str, column: Iterable[Plain], *, whole: bool = False) -> Expression:
        """Return the expression that is `column` over the instances; a new parameter is called like `name`."""
        values = tuple(column)
        if len({literal(value) for value in values}) == 1:
            return Literal(values[0])
        known = self.by_column.get(_key(values))
        if known is not None:
            return Scaled(known)
        rows = [value for value in values if isinstance(value, tuple)]
        if not whole and len(rows) == len(values) and len({len(row) for row in rows}) == 1:
            return Items(tuple(self._expression(name, items) for items in zip(*rows, strict=True)))
        return self._argument(values) or self._multiple(values) or Scaled(self._parameter(name, values))

    def _argument(self, values: tuple[Plain, ...]) -> Scaled | None:
        for name, column in self._arguments():
            if _key(column) == _key(values):
                return Scaled(self._parameter(name, values))
        return None

    def _multiple(self, values: tuple[Plain, ...]) -> Scaled | None:
        arguments = [*((entry.name, entry.column) for entry in self.parameters.values()), *self._arguments()]
        for name, column in arguments:
            ratio = whole_ratio(values, column)
            if ratio is not None:
                return Scaled(self.by_column.get(_key(column)) or self._parameter(name, column), *ratio)
        for parameter in self.parameters.values():
            if _halves(values, parameter.column):
                return Scaled(parameter.name, 1, 2)
        return None

    def _arguments(self) -> Iterator[tuple[str, tuple[Plain, ...]]]:
        """Yield what the block's own arguments are in each instance."""
        given = self.entry.arguments
        for name in given[0]:
            if all(name in arguments for arguments in given):
                yield name, tuple(arguments[name] for arguments in given)

    def _parameter(self, wanted: str, values: tuple[Plain, ...]) -> str:
        name = identifier(wanted, {*self.reserved, *self.parameters})
        self.parameters[name] = Parameter(name, values)
        self.by_column[_key(values)] = name
        return name


def names_in(expression: Expression) -> Iterator[str]:
    """Yield the parameters that an expression uses."""
    if isinstance(expression, Scaled):
        yield expression.parameter
    elif isinstance(expression, Items):
        for item in expression.items:
            yield from names_in(item)


def _key(column: Iterable[Plain]) -> tuple[str, ...]:
    return tuple(literal(value) for value in column)


def whole_ratio(values: Sequence[Plain], column: Sequence[Plain]) -> tuple[int, int] | None:
    """Return `(times, by)` with values == times*column // by exactly, one of the two being 1."""
    over, under = _whole_numbers(values), _whole_numbers(column)
    if over is None or under is None or len(set(under)) == 1 or min(*over, *under) <= 0:
        return None
    times = {one // two if one % two == 0 else 0 for one, two in zip(over, under, strict=True)}
    if len(times) == 1 and (ratio := times.pop()) > 0:
        return ratio, 1
    by = {two // one if two % one == 0 else 0 for one, two in zip(over, under, strict=True)}
    return (1, ratio) if len(by) == 1 and (ratio := by.pop()) > 0 else None


def _halves(values: Sequence[Plain], column: Sequence[Plain]) -> bool:
    """Whether values == column // 2, as the padding of odd kernels is."""
    over, under = _whole_numbers(values), _whole_numbers(column)
    return over is not None and under is not None and over == [number // 2 for number in under]


def _whole_numbers(values: Iterable[Plain]) -> list[int] | None:
    found = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return found if len(found) == len(tuple(values)) else None


def _grows(column: list[list[Plain]]) -> bool:
    """Whether the steps of every instance are an arithmetic progression of whole numbers."""
    tables = [_whole_numbers(steps) for steps in column]
    return all(steps is not None and len({two - one for one, two in pairwise(steps)}) <= 1 for steps in tables)


def _difference(steps: list[Plain]) -> int:
    numbers = _whole_numbers(steps)
    assert numbers is not None, steps
    return numbers[1] - numbers[0] if len(numbers) > 1 else 0
