"""Values that conditions speak of -> Python source, with its kind and with what must hold for it to be known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from archc.data.kinds import (
    Constant,
    Data,
    Field,
    Fixed,
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
from archc.lower.pydantic_types import resolved

NUMBERS = ("int", "decimal", "float", "ratio")


class Untranslated(Exception):
    """A condition that generated Python does not check; the text says what is in the way."""


@dataclass(frozen=True, slots=True)
class Term:
    """Python source of a value. It is one of `kind`, and known where all `guards` hold.

    Kinds: int, decimal, float, ratio, str, date, moment, bool, list, record, map, null. Items of a list are of `data`.
    """

    code: str
    kind: str
    data: Data = Truth()
    guards: tuple[str, ...] = ()
    nullable: bool = False
    closed: bool = True

    def inside(self) -> str:
        """Return the source as it may be an operand."""
        return self.code if self.closed else f"({self.code})"


Terms = list[tuple[str, ...]]
"""Any of these, all parts of which hold."""

Lookup = Callable[[str], Term]
"""What a name in a condition stands for. Raises Untranslated."""


@dataclass(slots=True)
class Writer:
    """Translates expressions; `used` are the helpers and imports that they need."""

    schema: Schema
    fields: Mapping[tuple[str, str], str]
    lookup: Lookup
    used: dict[str, None] = field(default_factory=dict)
    ratios: bool = False
    calculates: bool = False
    divides: bool = False
    depth: int = 0
    absent: Callable[[str, Field], bool] = lambda owner, field: field.optional


def typed(schema: Schema, data: Data, code: str) -> Term:
    """Return a value of type `data` that `code` reaches. Raises Untranslated where its kind is not one."""
    data = resolved(schema, data)
    arms = [data]
    if isinstance(data, OneOf):
        arms = [resolved(schema, arm.type) for arm in data.arms]
    rest = [arm for arm in arms if arm != Constant(None)]
    kinds = {_kind(arm) for arm in rest}
    if kinds <= set(NUMBERS) and len(kinds) > 1:
        kinds = {"float"} if "float" in kinds else {"decimal"}
    if len(kinds) != 1:
        raise Untranslated("a value is of several kinds")
    inner = data if len(arms) > 1 else _items(data)
    return Term(code, kinds.pop(), inner, nullable=len(rest) < len(arms))


def _items(data: Data) -> Data:
    return data.item if isinstance(data, Many) else data


def _kind(data: Data) -> str:
    match data:
        case Text(format="date"):
            return "date"
        case Text(format="date-time" | "time"):
            return "moment"
        case Text():
            return "str"
        case Whole():
            return "int"
        case Fixed():
            return "decimal"
        case Real():
            return "float"
        case Truth():
            return "bool"
        case Constant(bool()):
            return "bool"
        case Constant(int()):
            return "int"
        case Constant(str()):
            return "str"
        case Constant(found):
            return "null" if found is None else "float"
        case Many():
            return "list"
        case Object():
            return "record"
        case Table():
            return "map"
        case Row() | OneOf() | Named():
            raise Untranslated("a value is of several kinds")


def member(writer: Writer, term: Term, name: str) -> Term:
    """Return the field `name` of a record, or of each record in a list. Raises Untranslated."""
    if term.kind == "list":
        return gathered(writer, term, name)
    if term.kind != "record":
        raise Untranslated(f"`{name}` is sought in a {term.kind}")
    owner = known(term)
    found, optional = _field(writer, owner.data, name, owner.code)
    guards = (*owner.guards, f"{found.code} is not None") if optional else owner.guards
    return replace(found, guards=guards)


def _field(writer: Writer, data: Data, name: str, code: str) -> tuple[Term, bool]:
    """Return the field `name` of a record, or of each arm of a union of them, and whether it may be absent."""
    whole = resolved(writer.schema, data)
    arms = [arm.type for arm in whole.arms] if isinstance(whole, OneOf) else [data]
    arms = [arm for arm in arms if resolved(writer.schema, arm) != Constant(None)]
    found: dict[tuple[Term, bool], None] = {}
    for arm in arms:
        record = resolved(writer.schema, arm)
        if not isinstance(record, Object):
            raise Untranslated(f"`{name}` is not in every arm")
        owner = next((key for key, entry in writer.schema.definitions.items() if entry.type == record), "")
        entries = [entry for entry in record.fields if entry.name == name]
        if not entries or not owner:
            raise Untranslated(f"`{name}` is not in every arm")
        term = typed(writer.schema, entries[0].type, reached(code, writer.fields[owner, name], entries[0]))
        optional = writer.absent(owner, entries[0])
        if optional and term.nullable:
            raise Untranslated(f"`{name}` may be absent and may be null")
        found[term, optional] = None
    if len(found) != 1:
        raise Untranslated(f"`{name}` differs from arm to arm")
    return next(iter(found))


def reached(code: str, name: str, entry: Field) -> str:
    """Return how a field of the record `code` is read, a deprecated one without the warning."""
    return f'{code}.__dict__["{name}"]' if entry.deprecated else f"{code}.{name}"


def item_of(writer: Writer, term: Term, name: str = "item") -> Term:
    """Return any item of a list. Raises Untranslated."""
    return typed(writer.schema, term.data, name)


def gathered(writer: Writer, term: Term, name: str) -> Term:
    """Return the fields `name` of the records in a list, where they are there."""
    owner = known(term)
    item = item_of(writer, owner)
    if item.kind == "list" or item.nullable or item.kind != "record":
        raise Untranslated("lists of lists are gathered from")
    found, optional = _field(writer, owner.data, name, "item")
    if found.nullable:
        raise Untranslated(f"`{name}` may be null")
    inner = _records(writer, owner.data, name)
    only = f" if {found.code} is not None" if optional else ""
    if found.kind == "list":
        raise Untranslated("lists of lists are gathered from")
    return Term(f"[{found.code} for item in {owner.code}{only}]", "list", inner, owner.guards)


def _records(writer: Writer, data: Data, name: str) -> Data:
    """Return the type of the field `name` in the items of a list."""
    record = resolved(writer.schema, data)
    if isinstance(record, OneOf):
        record = resolved(writer.schema, record.arms[0].type)
    assert isinstance(record, Object), record
    return next(entry.type for entry in record.fields if entry.name == name)


def known(term: Term) -> Term:
    """Return `term` as it is worked with: known only where it is not null."""
    return replace(term, guards=(*term.guards, f"{term.code} is not None"), nullable=False) if term.nullable else term
