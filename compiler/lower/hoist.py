"""Schema -> the same with every record a definition, since a class has a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from archc.data.kinds import Arm, Constant, Data, Defined, Many, Named, Object, OneOf, Row, Schema, Table


@dataclass(slots=True)
class _Hoisting:
    taken: set[str]
    found: dict[str, Defined] = field(default_factory=dict)


def hoisted(schema: Schema) -> Schema:
    """Return `schema` with its inner records as definitions, called by the way to them: `InvoiceSeller`."""
    hoisting = _Hoisting(set(schema.definitions))
    for name, entry in schema.definitions.items():
        inner = (
            _record(hoisting, entry.type, name) if isinstance(entry.type, Object) else _data(hoisting, entry.type, name)
        )
        hoisting.found[name] = replace(entry, type=inner)
    return Schema(schema.root, _ordered(schema, hoisting.found))


def _ordered(schema: Schema, found: Mapping[str, Defined]) -> dict[str, Defined]:
    return {schema.root: found[schema.root], **found}


def _data(hoisting: _Hoisting, data: Data, name: str) -> Data:
    match data:
        case Object():
            unique = name
            while unique in hoisting.taken:
                unique += "_"
            hoisting.taken.add(unique)
            hoisting.found[unique] = Defined(unique, _record(hoisting, data, unique))
            return Named(unique)
        case Many(item, low, high):
            return Many(_data(hoisting, item, f"{name}Item"), low, high)
        case Row(items):
            return Row(tuple(_data(hoisting, item, f"{name}{number + 1}") for number, item in enumerate(items)))
        case Table(key, value, low, high):
            return Table(key, _data(hoisting, value, f"{name}Value"), low, high)
        case OneOf(arms, tag):
            return OneOf(
                tuple(_arm(hoisting, arm, f"{name}{_suffix(arm, tag, at)}") for at, arm in enumerate(arms)), tag
            )
        case _:
            return data


def _arm(hoisting: _Hoisting, arm: Arm, name: str) -> Arm:
    return replace(arm, type=_data(hoisting, arm.type, name))


def _record(hoisting: _Hoisting, data: Object, name: str) -> Object:
    return replace(
        data,
        fields=tuple(
            replace(entry, type=_data(hoisting, entry.type, f"{name}{_pascal(entry.name)}")) for entry in data.fields
        ),
    )


def _suffix(arm: Arm, tag: str | None, number: int) -> str:
    """Return what tells an arm from the others, for its name: the literal of its tag, or its number."""
    if isinstance(arm.type, Object):
        for entry in arm.type.fields:
            if entry.name == tag and isinstance(entry.type, Constant) and isinstance(entry.type.value, str):
                return _pascal(entry.type.value) or str(number + 1)
    return str(number + 1)


def _pascal(text: str) -> str:
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in text).split()
    return "".join(word[0].upper() + word[1:] for word in words)[:40]
