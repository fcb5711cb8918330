"""What JSON documents a data type admits, as plain data: generics expanded, spreads merged, names resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from archc.grammar import syntax as s
from archc.grammar.source import NOWHERE, Span

Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
"""A document as `archc.data.json_text` reads it: numbers with a fraction or an exponent are Decimal, never float."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `low` to `high` characters (code points); `pattern` matches all of it; `format` is one of
    date, date-time, time, uuid, uri, email."""

    low: int = 0
    high: int | None = None
    pattern: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from `low` to `high`, in steps of `step` counted from `low`."""

    low: int | None = None
    high: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Real:
    """Any finite number from `low` to `high`."""

    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A number with exactly `places` fraction digits and no exponent, from `low` to `high`."""

    places: int
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One literal: null (None), a flag, a number or a string."""

    value: None | bool | int | Decimal | str


@dataclass(frozen=True, slots=True)
class Many:
    """An array of `low` to `high` items."""

    item: "Data"
    low: int = 0
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An array of exactly these items."""

    items: tuple["Data", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An object of `low` to `high` entries with any keys that `key` admits: `Map(String, T, 1..10)`."""

    key: Text
    value: "Data"
    low: int = 0
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    An `optional` field may be absent and is then absent. A field with a `default` may be absent from a document, and is
    always written when decoding. A `computed` field is filled in from other fields: checked in a document, never decoded
    by a model. `where` is a condition over the fields of the record (`it` is this field's value).
    """

    name: str
    type: "Data"
    optional: bool = False
    default: s.Expr | None = None
    computed: bool = False
    where: s.Expr | None = None
    docs: tuple[str, ...] = ()
    deprecated: str = ""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Object:
    """A closed record, its fields in declared order; `where` are conditions over them."""

    fields: tuple[Field, ...]
    where: tuple[s.Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a union."""

    type: "Data"
    docs: tuple[str, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A union. `tag` is the field by whose literal the arms are told apart, where every arm is a record with one."""

    arms: tuple[Arm, ...]
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A mention of one of the schema's definitions."""

    name: str


Data = Text | Whole | Real | Fixed | Truth | Constant | Many | Row | Table | Object | OneOf | Named


def parts(data: Data) -> tuple[Data, ...]:
    """Return the types that `data` is made of, one level down; names stay names."""
    match data:
        case Many(item):
            return (item,)
        case Row(items):
            return items
        case Table(key, value):
            return (key, value)
        case Object(fields):
            return tuple(entry.type for entry in fields)
        case OneOf(arms):
            return tuple(arm.type for arm in arms)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Defined:
    """A named type; `where` are conditions on its value, which is `it`."""

    name: str
    type: Data
    where: tuple[s.Expr, ...] = ()
    docs: tuple[str, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Schema:
    """A root type with every definition that it reaches, the root's first. `Page(Shape)` is defined as `Page_Shape`."""

    root: str
    definitions: Mapping[str, Defined]
