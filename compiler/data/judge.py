"""Schema and a value -> what is wrong with it, and the value with defaults and computed fields filled in.

Time is linear in the size of the value and nothing recurses on it: each judge is a generator that yields the parts that
it wants judged first, and what was judged of a list or a record once is not judged again.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from archc.data.arms import Arms, arms_of, candidates, closest
from archc.data.fill import computed_order, computed_value, default_value
from archc.data.json_text import NESTING
from archc.data.kinds import (
    Constant,
    Data,
    Field,
    Fixed,
    Json,
    Many,
    Named,
    Object,
    OneOf,
    Real,
    Row,
    Schema,
    Table,
    Text,
    Truth,
    Whole,
)
from archc.data.predicates import Impossible, Unknown, evaluate, fields_of, holds, key
from archc.data.text import data_text
from archc.data.violations import Step, Violation, count, scalar, shown, under, unlike
from archc.grammar import syntax as s
from archc.grammar.format import format_expr

MOST = 100
"""So many violations of one list or record are told."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong with a value, and the value with what was absent filled in."""

    violations: tuple[Violation, ...]
    value: Json


@dataclass(frozen=True, slots=True)
class _Part:
    data: Data
    value: Json


@dataclass(slots=True)
class _Judging:
    """What was found once: judgements on lists and records, the arms of unions, the values of defaults."""

    schema: Schema
    known: dict[tuple[int, int], tuple[Json, Judged]] = field(default_factory=dict)
    arms: dict[int, Arms] = field(default_factory=dict)
    defaults: dict[int, Json] = field(default_factory=dict)
    orders: dict[int, tuple[Field, ...]] = field(default_factory=dict)
    open: set[tuple[str, int]] = field(default_factory=set)


Judge = Generator[_Part, Judged, Judged]


def judge(schema: Schema, value: Json, data: Data | None = None) -> Judged:
    """Return what is wrong with a document, or with a value of the type `data` in it, and that value filled in."""
    deep = _too_deep(value)
    if deep is not None:
        return Judged((Violation(deep, "A0521", f"the document nests deeper than {NESTING}"),), value)
    judging = _Judging(schema)
    stack: list[tuple[Judge, _Part]] = []
    part = _Part(Named(schema.root) if data is None else data, value)
    answer: Judged | None = None
    while True:
        if answer is None:
            answer = _at_once(judging, part)
            if answer is None:
                stack.append((_judge(judging, part), part))
        if not stack:
            assert answer is not None
            return answer
        try:
            part = next(stack[-1][0]) if answer is None else stack[-1][0].send(answer)
            answer = None
        except StopIteration as end:
            answer = end.value
            _remember(judging, stack.pop()[1], end.value)


def _too_deep(value: Json) -> tuple[Step, ...] | None:
    """Return the path to a list or record that nests too deep."""
    stack: list[tuple[Json, tuple[Step, ...]]] = [(value, ())]
    while stack:
        item, path = stack.pop()
        if len(path) >= NESTING and isinstance(item, (dict, list)):
            return path
        if isinstance(item, dict):
            stack.extend((part, (*path, name)) for name, part in item.items() if isinstance(part, (dict, list)))
        elif isinstance(item, list):
            stack.extend((part, (*path, at)) for at, part in enumerate(item) if isinstance(part, (dict, list)))
    return None


def _at_once(judging: _Judging, part: _Part) -> Judged | None:
    """Return the judgement on a value that has no parts to judge first, or that was judged before."""
    if isinstance(part.data, (Text, Whole, Real, Fixed, Truth, Constant)):
        return Judged(scalar(part.data, part.value), part.value)
    known = judging.known.get((id(part.data), id(part.value)))
    return known[1] if known is not None else None


def _remember(judging: _Judging, part: _Part, judged: Judged) -> None:
    if isinstance(part.value, (list, dict)):
        judging.known[id(part.data), id(part.value)] = part.value, judged


def _judge(judging: _Judging, part: _Part) -> Judge:
    match part.data:
        case Named(name):
            return _named(judging, name, part.value)
        case OneOf() as union:
            return _union(judging, union, part.value)
        case Object() as record:
            return _object(judging, record, part.value)
        case Many() | Row() as many:
            return _list(many, part.value)
        case Table() as table:
            return _table(table, part.value)
        case _:
            raise AssertionError(part.data)


def _named(judging: _Judging, name: str, value: Json) -> Judge:
    definition = judging.schema.definitions[name]
    if (name, id(value)) in judging.open:
        return Judged(unlike("a value that ends", value), value)
    judging.open.add((name, id(value)))
    judged = yield _Part(definition.type, value)
    judging.open.discard((name, id(value)))
    if judged.violations or not definition.where:
        return judged
    record = fields_of(judged.value)
    wrong = [found for clause in definition.where for found in violated(clause, record, judged.value)]
    return Judged(tuple(wrong), judged.value)


def _union(judging: _Judging, union: OneOf, value: Json) -> Judge:
    arms = judging.arms.get(id(union))
    if arms is None:
        arms = judging.arms[id(union)] = arms_of(judging.schema, union)
    found = candidates(arms, value)
    tried: list[Judged] = []
    for arm in found:
        if isinstance(arm, Violation):
            return Judged(tuple(entry for entry in found if isinstance(entry, Violation)), value)
        judged = yield _Part(arm, value)
        if not judged.violations:
            return judged
        tried.append(judged)
    return Judged(closest(arms, value, [judged.violations for judged in tried]), value)


def _list(data: Many | Row, value: Json) -> Judge:
    if not isinstance(value, list):
        return Judged(unlike(data_text(data), value), value)
    low, high = (data.low, data.high) if isinstance(data, Many) else (len(data.items), len(data.items))
    if len(value) < low or (high is not None and len(value) > high):
        text = f"expected {count(low, high, 'item', 'items')}, found {len(value)}"
        return Judged((Violation((), "A0525", text),), value)
    wrong: list[Violation] = []
    filled: list[Json] = []
    for at, item in enumerate(value):
        judged = yield _Part(data.item if isinstance(data, Many) else data.items[at], item)
        wrong.extend(under(at, judged.violations))
        filled.append(judged.value)
        if len(wrong) >= MOST:
            break
    return Judged(tuple(wrong), filled)


def _table(data: Table, value: Json) -> Judge:
    if not isinstance(value, dict):
        return Judged(unlike(data_text(data), value), value)
    if len(value) < data.low or (data.high is not None and len(value) > data.high):
        text = f"expected {count(data.low, data.high, 'entry', 'entries')}, found {len(value)}"
        return Judged((Violation((), "A0525", text),), value)
    wrong: list[Violation] = []
    filled: dict[str, Json] = {}
    for name, item in value.items():
        for found in scalar(data.key, name):
            wrong.append(Violation((name,), found.code, f"of this key, {found.message}"))
        judged = yield _Part(data.value, item)
        wrong.extend(under(name, judged.violations))
        filled[name] = judged.value
        if len(wrong) >= MOST:
            break
    return Judged(tuple(wrong), filled)


# ---------------------------------------------------------------- records
def _object(judging: _Judging, data: Object, value: Json) -> Judge:
    if not isinstance(value, dict):
        return Judged(unlike(f"a record, {data_text(data)}", value), value)
    names = {entry.name for entry in data.fields}
    wrong = [_unknown(name, names) for name in value if name not in names][:MOST]
    found: dict[str, Json] = {}
    for entry in data.fields:
        if len(wrong) >= MOST:
            break
        if entry.name in value:
            judged = yield _Part(entry.type, value[entry.name])
            wrong.extend(under(entry.name, judged.violations))
            found[entry.name] = judged.value
        elif entry.default is None and not entry.optional:
            text = f"expected this field, {data_text(entry.type)}, and it is missing"
            wrong.append(Violation((entry.name,), "A0523", text))
        elif entry.default is not None and not entry.computed:
            found[entry.name] = _default(judging, entry)
    if wrong:
        return Judged(tuple(wrong), value)
    wrong.extend((yield from _computed(judging, data, value, found)))
    filled = {entry.name: found[entry.name] for entry in data.fields if entry.name in found}
    return Judged(tuple(wrong) or tuple(_conditions(data, filled)), filled)


def _unknown(name: str, names: Iterable[str]) -> Violation:
    near = get_close_matches(name, list(names)[:MOST], 1) if len(name) < MOST else []
    hint = f"; nearest: {near[0]}" if near else ""
    return Violation((name,), "A0524", f"expected no field of this name{hint}")


def _default(judging: _Judging, entry: Field) -> Json:
    if id(entry) not in judging.defaults:
        value = default_value(judging.schema, entry)
        judging.defaults[id(entry)] = judge(judging.schema, value, entry.type).value
    return judging.defaults[id(entry)]


def _computed(
    judging: _Judging, data: Object, value: Mapping[str, Json], found: dict[str, Json]
) -> Generator[_Part, Judged, list[Violation]]:
    """Put the computed fields of a record into `found`; return what is wrong with them."""
    if id(data) not in judging.orders:
        judging.orders[id(data)] = computed_order(data.fields)
    wrong: list[Violation] = []
    for entry in judging.orders[id(data)]:
        assert entry.default is not None, entry
        text = format_expr(entry.default)
        try:
            result = computed_value(judging.schema, entry, found)
        except Impossible as error:
            wrong.append(Violation((entry.name,), "A0529", f"{text} has no value: {error}"))
            continue
        if isinstance(result, Unknown):
            continue
        judged = yield _Part(entry.type, result)
        found[entry.name] = judged.value
        if judged.violations:
            wrong.extend(_miscomputed(entry, text, result, judged.violations))
        elif entry.name in value and key(value[entry.name]) != key(result):
            message = f"expected {shown(result)}, which is {text}, found {shown(value[entry.name])}"
            wrong.append(Violation((entry.name,), "A0529", message))
    return wrong


def _miscomputed(entry: Field, text: str, result: Json, violations: Iterable[Violation]) -> Iterator[Violation]:
    for found in under(entry.name, violations):
        yield Violation(found.path, "A0529", f"{text} is {shown(result)}: {found.message}")


def _conditions(data: Object, record: Mapping[str, Json]) -> Iterator[Violation]:
    for entry in data.fields:
        if entry.where is not None and entry.name in record:
            yield from under(entry.name, violated(entry.where, record, record[entry.name]))
    for clause in data.where:
        yield from violated(clause, record, dict(record))


def violated(clause: s.Expr, record: Mapping[str, Json], it: Json) -> Iterator[Violation]:
    """Yield what is wrong with a value of which a condition does not hold."""
    for part in clause.items if isinstance(clause, s.Logic) and clause.operator == "and" else (clause,):
        try:
            if not holds(part, record, it):
                yield Violation((), "A0528", f"expected {format_expr(part)}{_sides(part, record, it)}")
        except Impossible as error:
            yield Violation((), "A0528", f"expected {format_expr(part)}, and that cannot be said here: {error}")


def _sides(clause: s.Expr, record: Mapping[str, Json], it: Json) -> str:
    """Return what the sides of a comparison are, where they can be shown."""
    if not isinstance(clause, s.Compare) or isinstance(clause.right, s.Range):
        return ", and it is not so"
    try:
        left, right = evaluate(clause.left, record, it), evaluate(clause.right, record, it)
    except Impossible:
        return ", and it is not so"
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return ", and it is not so"
    return f", found {shown(left)} and {shown(right)}"
