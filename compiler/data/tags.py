"""Definitions -> the same with the field by whose literal each union of records is told apart."""

from collections.abc import Hashable, Mapping
from dataclasses import replace

from archc.data.kinds import Constant, Data, Defined, Field, Many, Named, Object, OneOf, Row, Table


def shortened(found: Mapping[str, Defined]) -> Mapping[str, Defined]:
    """Return definitions of which none is a name for another that is only a name for a third."""
    ends: dict[str, Data] = {}
    for name in found:
        way: list[str] = []
        data: Data = Named(name)
        while isinstance(data, Named) and data.name in found and data.name not in ends:
            way.append(data.name)
            entry = found[data.name]
            if entry.where or not isinstance(entry.type, Named):
                break
            data = entry.type
        end = ends.get(data.name, data) if isinstance(data, Named) else data
        ends.update((step, end) for step in way)
    return {
        name: replace(entry, type=ends.get(entry.type.name, entry.type)) if isinstance(entry.type, Named) else entry
        for name, entry in found.items()
    }


def tagged(data: Data, found: Mapping[str, Defined]) -> Data:
    """Return `data` with the tag of each of its unions that has one."""
    match data:
        case OneOf(arms):
            inner = tuple(replace(arm, type=tagged(arm.type, found)) for arm in arms)
            return OneOf(inner, _tag([resolved(arm.type, found) for arm in arms]))
        case Object(fields):
            return replace(data, fields=tuple(_tagged_field(entry, found) for entry in fields))
        case Many(item):
            return replace(data, item=tagged(item, found))
        case Row(items):
            return Row(tuple(tagged(item, found) for item in items))
        case Table(_, value):
            return replace(data, value=tagged(value, found))
        case _:
            return data


def _tagged_field(entry: Field, found: Mapping[str, Defined]) -> Field:
    inner = tagged(entry.type, found)
    return entry if inner is entry.type else replace(entry, type=inner)


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
