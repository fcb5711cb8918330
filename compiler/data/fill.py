"""What a document leaves out: the values of defaults and computed fields, spelled as their types ask."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

from archc.data.closed import names_in
from archc.data.kinds import Data, Field, Fixed, Json, Many, Named, Object, OneOf, Row, Schema, Table
from archc.data.predicates import Impossible, Unknown, evaluate
from archc.data.violations import scalar

DIGITS = 1_000
WIDTH = 60


def default_value(schema: Schema, field: Field) -> Json:
    """Return the value of a default that mentions no fields."""
    assert field.default is not None and not field.computed, field
    value = evaluate(field.default, {})
    return None if isinstance(value, Unknown) else fitted(schema, field.type, value)


def computed_value(schema: Schema, field: Field, record: Mapping[str, Json]) -> Json | Unknown:
    """Return the value of a computed field in a record; UNKNOWN where it speaks of absent fields. Raises Impossible."""
    assert field.default is not None, field
    value = evaluate(field.default, record)
    return value if isinstance(value, Unknown) else fitted(schema, field.type, value)


def fitted(schema: Schema, data: Data, value: Json) -> Json:
    """Return `value` with its numbers spelled as `data` asks, `3` as `3.00`, where that is the same number."""
    while isinstance(data, Named):
        data = schema.definitions[data.name].type
    match data, value:
        case Fixed(places), int() | Decimal() if not isinstance(value, bool):
            return _with_places(value, places)
        case OneOf(arms), _:
            fits = (fitted(schema, arm.type, value) for arm in arms if accepts(schema, arm.type, value))
            return next(fits, value)
        case Many(item), list():
            return [fitted(schema, item, part) for part in value]
        case Row(items), list() if len(items) == len(value):
            return [fitted(schema, item, part) for item, part in zip(items, value, strict=True)]
        case Table(_, item), dict():
            return {key: fitted(schema, item, part) for key, part in value.items()}
        case Object(fields), dict():
            types = {entry.name: entry.type for entry in fields}
            return {key: fitted(schema, types[key], part) if key in types else part for key, part in value.items()}
        case _:
            return value


def accepts(schema: Schema, data: Data, value: Json) -> bool:
    """Return whether `value`, once spelled as `data` asks, may be of it, as far as its outermost parts tell."""
    seen: set[str] = set()
    stack: list[Data] = [data]
    while stack:
        match stack.pop():
            case Named(name):
                stack.extend([] if name in seen else [schema.definitions[name].type])
                seen.add(name)
            case OneOf(arms):
                stack.extend(arm.type for arm in arms)
            case Many() | Row():
                if isinstance(value, list):
                    return True
            case Table():
                if isinstance(value, dict):
                    return True
            case Object(fields):
                if isinstance(value, dict) and value.keys() <= {entry.name for entry in fields}:
                    return True
            case Fixed(places) as fixed if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
                if not scalar(fixed, _with_places(value, places)):
                    return True
            case plain:
                if not scalar(plain, value):
                    return True
    return False


def _with_places(value: int | Decimal, places: int) -> Json:
    power: int = 10**places
    scaled = Fraction(value) * power
    if scaled.denominator != 1:
        return value
    if places == 0:
        return scaled.numerator
    with localcontext(prec=DIGITS):
        return Decimal(scaled.numerator).scaleb(-places)


def computed_order(fields: Iterable[Field]) -> tuple[Field, ...]:
    """Return the computed fields, each after those that it is computed from. Raises Impossible where there is a cycle."""
    waiting = {entry.name: entry for entry in fields if entry.computed and entry.default is not None}
    needs = {name: names_in(entry.default) & waiting.keys() for name, entry in waiting.items() if entry.default}
    users: dict[str, list[str]] = {name: [] for name in waiting}
    for name, others in needs.items():
        for other in others:
            users[other].append(name)
    ready = [name for name, others in needs.items() if not others]
    found: list[Field] = []
    while ready:
        name = ready.pop(0)
        found.append(waiting.pop(name))
        for user in users[name]:
            needs[user] = needs[user] - {name}
            if not needs[user]:
                ready.append(user)
    if waiting:
        raise Impossible(next(iter(waiting)))
    return tuple(found)


def written_text(value: Json) -> str:
    """Return a value as compact JSON, its end left out where it is long."""
    text = _json(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _json(value: Json) -> str:
    match value:
        case Decimal():
            return str(value)
        case list():
            return "[" + ",".join(map(_json, value)) + "]"
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{_json(part)}" for name, part in value.items()) + "}"
        case _:
            return json.dumps(value, ensure_ascii=False)
