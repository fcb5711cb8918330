"""A drawn record -> one whose conditions hold: fields set where an equation says so, exchanged or drawn anew elsewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from archc.data.kinds import Data, Field, Json, Object
from archc.data.predicates import Impossible, Unknown, evaluate, holds
from archc.grammar import syntax as s
from archc.names.mentions import fields_in
from archc.runtime.fits import Definitions, fits, resolved, written

ROUNDS = 24
DRAWS = 30


@dataclass(frozen=True, slots=True)
class Record:
    """A record being mended: `values` change in place; `draw` returns a new value of a type, its conditions kept."""

    data: Object
    values: dict[str, Json]
    definitions: Definitions
    rng: Random
    draw: Callable[[Data, Random], Json]

    def field(self, name: str) -> Field | None:
        """Return the field of that name that may be set: one that is there and not computed."""
        found = (
            entry for entry in self.data.fields if entry.name == name and not entry.computed and name in self.values
        )
        return next(found, None)


@dataclass(frozen=True, slots=True)
class _Clause:
    """A condition, and the field that `it` stands for, if it is one of a field."""

    expr: s.Expr
    field: str = ""


def mended(record: Record) -> s.Expr | None:
    """Mend the values of `record`, computed fields included; return None, or the condition that would not hold."""
    failing: s.Expr | None = None
    for _ in range(ROUNDS):
        failing = _compute(record)
        clause = next((clause for clause in _clauses(record) if not _holds(record, clause)), None)
        if failing is None and clause is None:
            return None
        if clause is None:
            return failing
        failing = clause.expr
        if not _mend(record, clause):
            return failing
    return failing


def _clauses(record: Record) -> Iterator[_Clause]:
    for entry in record.data.fields:
        if entry.where is not None and entry.name in record.values:
            yield _Clause(entry.where, entry.name)
    for clause in record.data.where:
        yield _Clause(clause)


def _compute(record: Record) -> s.Expr | None:
    """Fill the computed fields in, those first that others need; return the default of one that has no value of its type."""
    waiting = [entry for entry in record.data.fields if entry.computed]
    for entry in waiting:
        record.values.pop(entry.name, None)
    while waiting:
        left: list[Field] = []
        for entry in waiting:
            assert entry.default is not None
            if fields_in(entry.default) & {other.name for other in waiting if other is not entry}:
                left.append(entry)
            elif not _set(record, entry, entry.default):
                return entry.default
        if len(left) == len(waiting):
            return left[0].default
        waiting = left
    return None


def _set(record: Record, entry: Field, expr: s.Expr) -> bool:
    """Give a field the value of `expr`, if it has one and its type admits it; an unknown one leaves it absent."""
    try:
        value = evaluate(expr, record.values, record.values.get(entry.name))
    except Impossible:
        return False
    if isinstance(value, Unknown):
        return entry.computed
    value = written(record.definitions, entry.type, value)
    if not fits(record.definitions, entry.type, value):
        return False
    record.values[entry.name] = value
    return True


def _holds(record: Record, clause: _Clause) -> bool:
    it: Json = record.values.get(clause.field) if clause.field else dict(record.values)
    try:
        return holds(clause.expr, record.values, it)
    except Impossible:
        return False


# ---------------------------------------------------------------- mending
def _mend(record: Record, clause: _Clause) -> bool:
    """Change a field so that the condition holds; return whether one was found."""
    match clause.expr:
        case s.Logic("and", items):
            parts = [_Clause(item, clause.field) for item in items]
            return all(_holds(record, part) or _mend(record, part) for part in parts)
        case s.Logic("or", items):
            order = record.rng.sample(items, len(items))
            return any(_mend(record, _Clause(item, clause.field)) for item in order)
        case s.If(condition, then, otherwise):
            wanted = then if _holds(record, _Clause(condition, clause.field)) else otherwise
            return _mend(record, _Clause(wanted, clause.field)) or _redraw(record, clause)
        case s.Compare("==", left, right):
            return _equate(record, clause, left, right) or _redraw(record, clause)
        case s.Compare("<=" | ">=" | "<" | ">", left, right):
            return (
                _exchange(record, clause, left, right)
                or _redraw(record, clause)
                or _equate(record, clause, left, right)
            )
        case s.Compare("in", left, s.List(items)):
            choices = [item for item in items if not isinstance(item, s.Spread)]
            return bool(choices) and _equate(record, clause, left, record.rng.choice(choices))
        case _:
            return _redraw(record, clause)


def _named(record: Record, clause: _Clause, expr: s.Expr) -> Field | None:
    """Return the field that `expr` is a mention of, if it may be set."""
    if not isinstance(expr, s.Ref):
        return None
    return record.field(clause.field if expr.name == "it" and clause.field else expr.name)


def _equate(record: Record, clause: _Clause, left: s.Expr, right: s.Expr) -> bool:
    """Set the field on one side to the value of the other side."""
    for side, other in ((left, right), (right, left)):
        entry = _named(record, clause, side)
        if entry is None:
            continue
        before = record.values[entry.name]
        if _set(record, entry, other) and _holds(record, clause):
            return True
        record.values[entry.name] = before
    return False


def _exchange(record: Record, clause: _Clause, left: s.Expr, right: s.Expr) -> bool:
    """Exchange the values of two fields of one type."""
    one, other = _named(record, clause, left), _named(record, clause, right)
    if one is None or other is None or one is other:
        return False
    if resolved(record.definitions, one.type) != resolved(record.definitions, other.type):
        return False
    values = record.values
    values[one.name], values[other.name] = values[other.name], values[one.name]
    if _holds(record, clause):
        return True
    values[one.name], values[other.name] = values[other.name], values[one.name]
    return False


def _redraw(record: Record, clause: _Clause) -> bool:
    """Draw one of the fields that the condition speaks of anew, until it holds."""
    names = sorted(fields_in(clause.expr) - {"it"} | ({clause.field} if clause.field else set()))
    fields = [entry for name in names if (entry := record.field(name)) is not None]
    for _ in range(DRAWS if fields else 0):
        entry = record.rng.choice(fields)
        before = record.values[entry.name]
        record.values[entry.name] = record.draw(entry.type, record.rng)
        if _holds(record, clause):
            return True
        record.values[entry.name] = before
    return False
