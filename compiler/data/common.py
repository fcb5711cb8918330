"""Two types -> a document that is of both, where one is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor

from archc.data.judge import judge
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
from archc.data.predicate_kinds import kind
from archc.data.predicates import decimal
from archc.data.steps import Steps
from archc.data.violations import scalar
from archc.regular.automaton import Automaton, TooLarge, alphabet, member
from archc.regular.language import ANY, PatternError, automaton, regular, repeat
from archc.regular.strings import format_language

STEPS = 50_000
LARGE = 50_000
SCALAR = 10
LONGEST = 400
NICE = "aA0 -.:@/"

Found = tuple[Json] | None
"""A document in a tuple, or None where none was found."""


@dataclass(slots=True)
class Commons:
    """Looks for documents that two types share; pairs of named types are looked at in rounds, so that recursion ends."""

    schema: Schema
    total: Steps = field(default_factory=Steps)
    known: dict[tuple[str, str], Found] = field(default_factory=dict)
    asked: dict[tuple[str, str], None] = field(default_factory=dict)
    open: set[tuple[str, int]] = field(default_factory=set)
    steps: int = 0

    def common(self, one: Data, other: Data) -> Found:
        """Return a document that is of both types, conditions included, or None where none was found.

        Raises CompileError where all questions together took too many steps.
        """
        self.asked, self.open, self.steps = {}, set(), 0
        while True:
            before = len(self.asked), len(self.known)
            found = self._shared(one, other)
            if found is not None:
                return found if self._is_of(found[0], one) and self._is_of(found[0], other) else None
            for names in tuple(self.asked):
                shared = None if names in self.known else self._shared_names(*names)
                if shared is not None:
                    self.known[names] = shared
            if before == (len(self.asked), len(self.known)) or self.steps > STEPS:
                return None

    def _is_of(self, value: Json, data: Data) -> bool:
        return not judge(self.schema, value, data).violations

    def _shared(self, one: Data, other: Data) -> Found:
        self.steps += 1
        self.total.spend(3)
        if self.steps > STEPS:
            return None
        if isinstance(one, Named) or isinstance(other, Named):
            return self._named(one, other)
        if isinstance(one, OneOf):
            return self._first((arm.type, other) for arm in one.arms)
        if isinstance(other, OneOf):
            return self._first((one, arm.type) for arm in other.arms)
        match one, other:
            case Text(), Text():
                word = self._word(one, other)
                return None if word is None else (word,)
            case ((Many() | Row()), (Many() | Row())):
                return self._lists(one, other)
            case Object(), Object():
                return self._records(one, other)
            case Table(), Object():
                return self._entries(one, other)
            case Object(), Table():
                return self._entries(other, one)
            case Table(), Table():
                return self._tables(one, other)
            case ((Many() | Row() | Object() | Table()), _):
                return None
            case _, (Many() | Row() | Object() | Table()):
                return None
            case _ if kind(one) != kind(other):
                return None
            case _:
                self.total.spend(SCALAR)
                return _scalars(one, other)

    def _first(self, pairs: "Iterator[tuple[Data, Data]] | Sequence[tuple[Data, Data]]") -> Found:
        return next((found for pair in pairs if (found := self._shared(*pair)) is not None), None)

    def _named(self, one: Data, other: Data) -> Found:
        """Return what a pair with a name shares, as far as that is known by now."""
        if not (isinstance(one, Named) and isinstance(other, Named)):
            names, plain = (one, other) if isinstance(one, Named) else (other, one)
            assert isinstance(names, Named)
            place = names.name, id(plain)
            if place in self.open:
                return None
            self.open.add(place)
            found = self._shared(self.schema.definitions[names.name].type, plain)
            self.open.discard(place)
            return found
        pair = one.name, other.name
        self.asked[pair] = None
        return self.known.get(pair)

    def _shared_names(self, one: str, other: str) -> Found:
        definitions = self.schema.definitions
        return self._shared(definitions[one].type, definitions[other].type)

    # ------------------------------------------------------------ lists
    def _lists(self, one: Many | Row, other: Many | Row) -> Found:
        low = max(_least(one), _least(other))
        high = min(_most(one), _most(other))
        if low > high or low > LONGEST:
            return None
        items: list[Json] = []
        for at in range(low):
            if at and isinstance(one, Many) and isinstance(other, Many):
                items.append(items[0])
                continue
            found = self._shared(_item(one, at), _item(other, at))
            if found is None:
                return None
            items.append(found[0])
        return (items,)

    # ------------------------------------------------------------ records
    def _records(self, one: Object, other: Object) -> Found:
        left, right = ({entry.name: entry for entry in record.fields} for record in (one, other))
        if any(_is_needed(entry) and entry.name not in right for entry in one.fields):
            return None
        if any(_is_needed(entry) and entry.name not in left for entry in other.fields):
            return None
        record: dict[str, Json] = {}
        for name, entry in left.items():
            if name in right and (_is_needed(entry) or _is_needed(right[name])):
                found = self._shared(entry.type, right[name].type)
                if found is None:
                    return None
                record[name] = found[0]
        return (record,)

    def _entries(self, table: Table, record: Object) -> Found:
        entries: dict[str, Json] = {}
        for entry in sorted(record.fields, key=_is_needed, reverse=True):
            if not _is_needed(entry) and len(entries) >= table.low:
                break
            found = None if scalar(table.key, entry.name) else self._shared(table.value, entry.type)
            if found is not None:
                entries[entry.name] = found[0]
            elif _is_needed(entry):
                return None
        fits = table.low <= len(entries) and (table.high is None or len(entries) <= table.high)
        return (entries,) if fits else None

    def _tables(self, one: Table, other: Table) -> Found:
        low = max(one.low, other.low)
        if any(table.high is not None and table.high < low for table in (one, other)) or low > 1:
            return None
        if low == 0:
            return ({},)
        key, value = self._word(one.key, other.key), self._shared(one.value, other.value)
        return None if key is None or value is None else ({key: value[0]},)

    # ------------------------------------------------------------ strings
    def _word(self, one: Text, other: Text) -> str | None:
        """Return a string that two types share, the shortest there is; None where there is none, or none was found."""
        low = max(one.low, other.low)
        high = min((text.high for text in (one, other) if text.high is not None), default=None)
        if high is not None and low > high:
            return None
        if all(text.pattern is None and text.format is None for text in (one, other)):
            return "a" * low if low <= LONGEST else None
        try:
            first, second = _automaton(one), _automaton(other)
        except (TooLarge, PatternError):
            self.total.spend(LARGE)
            return None
        self.total.spend(len(first.moves) + len(second.moves))
        return _shared_word(first, second, low, high)


def _is_needed(entry: Field) -> bool:
    return not entry.optional and entry.default is None


def _least(data: Many | Row) -> int:
    return data.low if isinstance(data, Many) else len(data.items)


def _most(data: Many | Row) -> float:
    if isinstance(data, Row):
        return len(data.items)
    return float("inf") if data.high is None else data.high


def _item(data: Many | Row, at: int) -> Data:
    return data.item if isinstance(data, Many) else data.items[at]


# ---------------------------------------------------------------- values without parts
def _scalars(one: Data, other: Data) -> Found:
    assert isinstance(one, Text | Whole | Real | Fixed | Truth | Constant), one
    assert isinstance(other, Text | Whole | Real | Fixed | Truth | Constant), other
    numbers = tuple(_numbers(one, other))
    known = [data.value for data in (one, other) if isinstance(data, Constant)]
    for value in (*known, True, False, *numbers):
        if not scalar(one, value) and not scalar(other, value):
            return (value,)
    return None


def _numbers(one: Data, other: Data) -> Iterator[Json]:
    """Yield numbers near the bounds of two types, as each of them spells numbers."""
    kinds = [data for data in (one, other) if isinstance(data, Whole | Real | Fixed)]
    if not kinds:
        return
    bounds = [Fraction(bound) for data in kinds for bound in (data.low, data.high) if bound is not None]
    steps = max((data.step or 1 for data in kinds if isinstance(data, Whole)), default=1)
    places = {data.places for data in kinds if isinstance(data, Fixed)}
    for bound in (Fraction(1), Fraction(0), *bounds):
        yield from range(ceil(bound), ceil(bound) + min(steps, 1_000))
        yield floor(bound)
        yield decimal(bound)
        for count, rounding in product(places, (ceil, floor)):
            power: int = 10**count
            yield decimal(Fraction(rounding(bound * power), power)) + Decimal(0).scaleb(-count)


def _automaton(data: Text) -> Automaton:
    if data.pattern is not None:
        return automaton(regular(data.pattern))
    return automaton(format_language(data.format) if data.format is not None else repeat(ANY, 0, None))


def _shared_word(one: Automaton, other: Automaton, low: int, high: int | None) -> str | None:
    """Return a shortest word of `low` to `high` characters that both automata accept."""
    letters = alphabet((*one.alphabet.members, *other.alphabet.members))
    samples = [_sample(ranges) for ranges in letters.members]
    moves = [(char, one.alphabet.symbol(char), other.alphabet.symbol(char)) for char in samples]
    moves = [move for move in moves if move[1] >= 0 and move[2] >= 0]
    level: dict[tuple[int, int], str] = {(0, 0): ""}
    work = 0
    for length in range(LONGEST + 1):
        for (first, second), word in level.items():
            if length >= low and first in one.accepting and second in other.accepting:
                return word
        if length == high or not level or work > STEPS:
            return None
        after: dict[tuple[int, int], str] = {}
        for (first, second), word in level.items():
            work += len(moves)
            for char, left, right in moves:
                pair = one.moves[first].get(left), other.moves[second].get(right)
                if pair[0] is not None and pair[1] is not None:
                    after.setdefault((pair[0], pair[1]), word + char)
        level = after
    return None


def _sample(ranges: Sequence[tuple[int, int]]) -> str:
    for char in NICE:
        if any(low <= ord(char) <= high for low, high in ranges):
            return char
    return member(tuple(ranges), 0)
