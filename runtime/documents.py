"""A schema and chance -> documents that fulfil all of its conditions."""

import json
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from random import Random

from archc.data.kinds import Data, Defined, Json, Many, Named, Object, OneOf, Row, Schema, Table, Whole
from archc.data.predicates import Impossible, fields_of, holds
from archc.data.text import data_text
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_expr
from archc.grammars.refine import forest
from archc.runtime.fits import compact, fits, resolved
from archc.runtime.mend import Record, mended
from archc.runtime.sample import Sampler

TRIES = 40
"""So many values are drawn anew where a condition is not fulfilled."""

NESTING = 64
LONGEST = 10_000
FRESH = "_drawn"


class Unfulfilled(Exception):
    """No value was found that fulfils a condition."""

    def __init__(self, clause: s.Expr) -> None:
        super().__init__(format_expr(clause))
        self.clause = clause


class Documents:
    """Draws documents of one type, as a model would write them: compact, in declared order, without computed fields."""

    __slots__ = ("_definitions", "_root", "_samplers")

    def __init__(self, schema: Schema) -> None:
        self._root = Named(schema.root)
        self._definitions = dict(schema.definitions)
        self._samplers: dict[int, tuple[Data, Sampler]] = {}

    def text(self, rng: Random, *, filled: bool = False) -> str:
        """Return a document; when `filled`, with its computed fields. Raises CompileError, as `value` does."""
        return compact(self.value(rng, filled=filled))

    def value(self, rng: Random, *, filled: bool = False) -> Json:
        """Return a document as a value.

        Raises CompileError with the condition that no draw fulfilled, after a bounded number of them.
        """
        root = self._root
        try:
            for _ in range(TRIES):
                value = self.completed(root, self.fresh(root, rng), rng)
                if _depth(value) <= NESTING:
                    return value if filled else self._decoded(root, value)
        except Unfulfilled as error:
            text = f"no document was drawn that fulfils `{format_expr(error.clause)[:60]}`"
            hint = "bounds on the fields that it speaks of, or a computed field"
            raise CompileError([Diagnostic("A0708", text, error.clause.span, f"in {TRIES} draws", hint=hint)]) from None
        raise self._nothing(f"every `{root.name}` that was drawn nests deeper than {NESTING}")

    # ---------------------------------------------------------------- drawing
    def fresh(self, data: Data, rng: Random) -> Json:
        """Return a value of `data` whose conditions need not hold."""
        if id(data) not in self._samplers:
            drawn = Defined(FRESH, data)
            self._samplers[id(data)] = data, Sampler(forest(Schema(FRESH, {FRESH: drawn, **self._definitions})))
        found: Json = json.loads(self._samplers[id(data)][1].text(rng), parse_float=Decimal)
        return found

    def completed(self, data: Data, value: Json, rng: Random) -> Json:
        """Return `value`, its parts drawn anew or set until all conditions hold, with computed fields.

        Raises Unfulfilled.
        """
        match data:
            case Named(name):
                return self._named(self._definitions[name], value, rng)
            case OneOf(arms):
                arm = next(arm for arm in arms if fits(self._definitions, arm.type, value))
                return self.completed(arm.type, value, rng)
            case Many():
                assert isinstance(value, list), value
                return self._list(data, value, rng)
            case Row(items):
                assert isinstance(value, list), value
                return [self.completed(item, part, rng) for item, part in zip(items, value, strict=True)]
            case Table():
                assert isinstance(value, dict), value
                return self._table(data, value, rng)
            case Object():
                return self._record(data, value, rng)
            case _:
                return self._scalar(data, value, rng)

    def _scalar(self, data: Data, value: Json, rng: Random) -> Json:
        """Return a string or a number within the bounds that its language does not keep."""
        if isinstance(data, Whole) and data.step and isinstance(value, int):
            value -= (value - (data.low or 0)) % data.step
        for _ in range(TRIES * TRIES):
            if fits(self._definitions, data, value):
                return value
            value = self.fresh(data, rng)
        raise self._nothing(f"no `{data_text(data)}` was drawn within its bounds")

    def _nothing(self, text: str) -> CompileError:
        return CompileError([Diagnostic("A0708", text, self._definitions[self._root.name].span)])

    def _list(self, data: Many, value: list[Json], rng: Random) -> Json:
        """Return a list of a length that its grammar does not count."""
        if data.low > LONGEST:
            raise self._nothing(f"`{data_text(data)}` is longer than the {LONGEST:,} items that are drawn")
        found = [self.completed(data.item, part, rng) for part in value[: data.high]]
        while len(found) < data.low:
            found.append(self._draw(data.item, rng))
        return list(found)

    def _named(self, defined: Defined, value: Json, rng: Random) -> Json:
        failing: s.Expr | None = None
        for _ in range(TRIES):
            found = self.completed(defined.type, value, rng)
            failing = next((clause for clause in defined.where if not _holds(clause, found)), None)
            if failing is None:
                return found
            value = self.fresh(defined.type, rng)
        assert failing is not None
        raise Unfulfilled(failing)

    def _table(self, data: Table, value: dict[str, Json], rng: Random) -> Json:
        """Return a map with as many keys as it must have: of keys drawn twice only one is left."""
        kept = islice(value.items(), data.high)
        found = {key: self.completed(data.value, part, rng) for key, part in kept}
        for _ in range(TRIES * max(data.low, 1)):
            if len(found) >= data.low:
                break
            key = self.fresh(data.key, rng)
            assert isinstance(key, str), key
            found[key] = self.completed(data.value, self.fresh(data.value, rng), rng)
        else:
            raise self._nothing(f"no map was drawn with {data.low} keys, each another one")
        return dict(found)

    def _record(self, data: Object, value: Json, rng: Random) -> Json:
        failing: s.Expr | None = None
        for _ in range(TRIES):
            assert isinstance(value, dict), value
            inner = {
                entry.name: self.completed(entry.type, value[entry.name], rng)
                for entry in data.fields
                if entry.name in value
            }
            record = Record(data, inner, self._definitions, rng, self._draw)
            failing = mended(record)
            if failing is None:
                return {entry.name: inner[entry.name] for entry in data.fields if entry.name in inner}
            value = self.fresh(data, rng)
        assert failing is not None
        raise Unfulfilled(failing)

    def _draw(self, data: Data, rng: Random) -> Json:
        return self.completed(data, self.fresh(data, rng), rng)

    def _decoded(self, data: Data, value: Json) -> Json:
        """Return `value` without its computed fields."""
        match resolved(self._definitions, data), value:
            case Object(fields), dict():
                kept = (entry for entry in fields if entry.name in value and not entry.computed)
                return {entry.name: self._decoded(entry.type, value[entry.name]) for entry in kept}
            case Many(item), list():
                return [self._decoded(item, part) for part in value]
            case Row(items), list():
                return [self._decoded(item, part) for item, part in zip(items, value, strict=True)]
            case Table(_, inner), dict():
                return {key: self._decoded(inner, part) for key, part in value.items()}
            case OneOf(arms), _:
                arm = next(arm for arm in arms if fits(self._definitions, arm.type, value))
                return self._decoded(arm.type, value)
            case _:
                return value


def _holds(clause: s.Expr, value: Json) -> bool:
    try:
        return holds(clause, fields_of(value), value)
    except Impossible:
        return False


def _depth(value: Json) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        inner: Sequence[Json] = (
            list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else ()
        )
        deepest = max(deepest, depth if isinstance(part, (dict, list)) else 0)
        waiting.extend((entry, depth + 1) for entry in inner)
    return deepest
