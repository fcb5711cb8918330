"""A type and a JSON value -> whether the value has the type's shape, and the value as the type writes it."""

from collections.abc import Mapping
from decimal import Decimal

from archc.data.kinds import (
    Data,
    Defined,
    Fixed,
    Json,
    Many,
    Named,
    Object,
    OneOf,
    Row,
    Table,
    Whole,
)  # fmt: skip
from archc.data.violations import scalar
from archc.grammars.refine import constant_text
from archc.regular.strings import escape

Definitions = Mapping[str, Defined]


def resolved(definitions: Definitions, data: Data) -> Data:
    """Return what a name stands for in the end."""
    while isinstance(data, Named):
        data = definitions[data.name].type
    return data


def fits(definitions: Definitions, data: Data, value: Json) -> bool:
    """Whether `value` is of the type `data`, conditions and computed fields apart."""
    data = resolved(definitions, data)
    match data:
        case Many(item, low, high):
            return (
                isinstance(value, list)
                and _between(len(value), low, high)
                and all(fits(definitions, item, v) for v in value)
            )
        case Row(items):
            return (
                isinstance(value, list)
                and len(value) == len(items)
                and all(map(lambda t, v: fits(definitions, t, v), items, value))
            )
        case Table(key, inner, low, high):
            return (
                isinstance(value, dict)
                and _between(len(value), low, high)
                and all(
                    fits(definitions, key, name) and fits(definitions, inner, entry) for name, entry in value.items()
                )
            )
        case Object():
            return isinstance(value, dict) and _record_fits(definitions, data, value)
        case OneOf(arms):
            return any(fits(definitions, arm.type, value) for arm in arms)
        case Named():
            raise AssertionError(data)
        case _:
            return not scalar(data, value)


def _between(number: int, low: int, high: int | None) -> bool:
    return low <= number and (high is None or number <= high)


def _record_fits(definitions: Definitions, data: Object, value: Mapping[str, Json]) -> bool:
    names = {entry.name for entry in data.fields}
    return names.issuperset(value) and all(
        fits(definitions, entry.type, value[entry.name]) if entry.name in value else entry.optional or entry.computed
        for entry in data.fields
    )


def written(definitions: Definitions, data: Data, value: Json) -> Json:
    """Return an equal number with the places that its type writes; anything else, and what has more places, as it is."""
    data = resolved(definitions, data)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return value
    match data:
        case Whole() if value == int(value):
            return int(value)
        case Fixed(0) if value == int(value):
            return int(value)
        case Fixed(places):
            digits = format(value, "f").rstrip("0") if isinstance(value, Decimal) else f"{value}."
            head, _, tail = digits.partition(".")
            return Decimal(f"{head}.{tail.ljust(places, '0')}") if len(tail) <= places else value
        case _:
            return value


def compact(value: Json) -> str:
    """Return `value` as JSON without white space, its fields in their order."""
    match value:
        case list():
            return f"[{','.join(map(compact, value))}]"
        case dict():
            return "{" + ",".join(f'"{escape(key)}":{compact(part)}' for key, part in value.items()) + "}"
        case _:
            return constant_text(value)
