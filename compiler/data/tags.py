"""Definitions -> the same with the field by whose literal each union of records is told apart."""

from collections.abc import Hashable, Mapping
from dataclasses import replace

from archc.data.kinds import Constant, Data, Defined, Many, Named, Object, OneOf, Row, Table


def tagged(data: Data, found: Mapping[str, Defined]) -> Data:
    """Return `data` with the tag of each of its unions that has one."""
    match data:
        case OneOf(arms):
            inner = tuple(replace(arm, type=tagged(arm.type, found)) for arm in arms)
            return OneOf(inner, _tag([resolved(arm.type, found) for arm in arms]))
        case Object(fields):
            return replace(data, fields=tuple(replace(entry, type=tagged(entry.type, found)) for entry in fields))
        case Many(item):
            return replace(data, item=tagged(item, found))
        case Row(items):
            return Row(tuple(tagged(item, found) for item in items))
        case Table(_, value):
            return replace(data, value=tagged(value, found))
        case _:
            return data


def resolved(data: Data, found: Mapping[str, Defined]) -> Data:
    """Return what a name stands for; the name itself where that is only itself."""
    seen: set[str] = set()
    while isinstance(data, Named) and data.name not in seen:
        seen.add(data.name)
        data = found[data.name].type
    return data


def _tag(arms: list[Data]) -> str | None:
    """Return the first field that every arm has with a literal of its own."""
    literals: list[dict[str, Hashable]] = []
    for record in arms:
        if not isinstance(record, Object):
            return None
        literals.append(
            {
                entry.name: (type(entry.type.value).__name__, entry.type.value)
                for entry in record.fields
                if isinstance(entry.type, Constant) and not entry.optional and entry.default is None
            }
        )
    for name in literals[0]:
        values = [found.get(name) for found in literals]
        if None not in values and len(set(values)) == len(values):
            return name
    return None
