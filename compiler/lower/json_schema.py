"""Schema -> JSON Schema (draft 2020-12), and an account of what that cannot say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from archc.data.kinds import (
    Arm,
    Constant,
    Data,
    Defined,
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
)  # fmt: skip
from archc.data.predicates import Impossible, evaluate
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_expr
from archc.grammar.source import Span
from archc.grammars.forest import Account
from archc.lower.ecma import anchored
from archc.regular.formats import PATTERNS
from archc.regular.language import PatternError, regular

Node = None | bool | int | float | str | list["Node"] | dict[str, "Node"]
Keywords = dict[str, Node]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LISTED = 100
"""So many numbers are listed where their steps begin between two multiples."""

FLOATS = "JSON Schema is read in binary floating point, in which 19.99 is no multiple of 0.01"
INTEGERS = "5.0 and 5e0 are integers to JSON Schema"
COMPARES = "JSON Schema compares no two values"


@dataclass(frozen=True, slots=True)
class Place:
    """What is being written: its path from the root in words, and where a user would change it."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Lowered:
    """A JSON Schema, and what of the type it does not enforce."""

    document: Keywords
    accounts: tuple[Account, ...]


@dataclass(slots=True)
class Draft:
    """A JSON Schema while it is written; `strict` is the subset of hosted APIs."""

    schema: Schema
    strict: bool = False
    accounts: dict[Account, None] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)

    def account(self, place: Place, bound: str, why: str) -> None:
        """Note a bound that is left to validation."""
        self.accounts[Account(place.path, bound, False, why)] = None


def to_json_schema(schema: Schema) -> Lowered:
    """Return the JSON Schema of `schema`, keys in declared order.

    Raises CompileError (A0505) on a pattern that is too large to be read.
    """
    draft = Draft(schema)
    document = assembled(draft, {"$schema": DRAFT})
    if draft.found:
        raise CompileError(draft.found)
    return Lowered(document, tuple(draft.accounts))


def schema_text(lowered: Lowered) -> str:
    """Return a JSON Schema as text, two columns a level."""
    return json.dumps(lowered.document, indent=2, ensure_ascii=False) + "\n"


def assembled(draft: Draft, head: Keywords) -> Keywords:
    """Return `head`, the root and what it refers to; diagnostics are left in `draft.found`."""
    root = draft.schema.root
    document: Keywords = {**head, "title": root, **_defined(draft, root)}
    definitions: Keywords = {}
    while waiting := [name for name in draft.used if name != root and name not in definitions]:
        definitions[waiting[0]] = _defined(draft, waiting[0])
    ordered: Keywords = {name: definitions[name] for name in draft.schema.definitions if name in definitions}
    return {**document, "$defs": ordered} if ordered else document


def _defined(draft: Draft, name: str) -> Keywords:
    entry: Defined = draft.schema.definitions[name]
    place = Place(name, entry.span)
    rules = [format_expr(clause) for clause in entry.where]
    for rule in rules:
        draft.account(place, rule, COMPARES)
    return described(draft, keywords(draft, entry.type, place), entry.docs, rules)


# ---------------------------------------------------------------- types
def keywords(draft: Draft, data: Data, place: Place) -> Keywords:
    """Return the keywords that say what `data` admits."""
    match data:
        case Text():
            return _text(draft, data, place)
        case Whole():
            return _whole(draft, data, place)
        case Real(low, high):
            return {"type": "number", **_range(draft, low, high, place)}
        case Fixed(places, low, high):
            return _fixed(draft, places, (low, high), place)
        case Truth():
            return {"type": "boolean"}
        case Constant(value):
            return _constant(value)
        case Many(item, low, high):
            items = keywords(draft, item, replace(place, path=f"{place.path}[]"))
            return {"type": "array", "items": items, **_counts("Items", low, high)}
        case Row(items):
            return _row(draft, items, place)
        case Table():
            return _table(draft, data, place)
        case Object():
            return _object(draft, data, place)
        case OneOf():
            return _one_of(draft, data, place)
        case Named(name):
            draft.used[name] = None
            return {"$ref": "#" if name == draft.schema.root else f"#/$defs/{name}"}


def _counts(of: str, low: int, high: int | None) -> Keywords:
    return {**({f"min{of}": low} if low else {}), **({f"max{of}": high} if high is not None else {})}


def _text(draft: Draft, data: Text, place: Place) -> Keywords:
    found: Keywords = {"type": "string", **_lengths(draft, data, place)}
    if data.format is not None:
        found["format"] = data.format
        if data.format.startswith("date"):
            draft.account(place, "a day that exists", "`format` may be an annotation, and a pattern knows no calendar")
    source = PATTERNS[data.format] if data.format is not None else data.pattern
    if source is None:
        return found
    try:
        return {**found, "pattern": anchored(regular(source))}
    except PatternError as error:
        draft.found.append(Diagnostic("A0505", error.message, place.span, hint=error.hint))
        return found


def _lengths(draft: Draft, data: Text, place: Place) -> Keywords:
    found = _counts("Length", data.low, data.high)
    if not (draft.strict and found):
        return found
    draft.account(place, _between(data.low, data.high, "characters"), "hosted APIs enforce no lengths")
    return {}


def _between(low: int, high: int | None, what: str) -> str:
    if low == high or high is None:
        return f"{low}{'' if low == high else ' or more'} {what}"
    return f"{low} to {high} {what}"


def _whole(draft: Draft, data: Whole, place: Place) -> Keywords:
    step, low = data.step or 1, data.low or 0
    draft.accounts[Account("Int", "a whole number, without a fraction or an exponent", False, INTEGERS)] = None
    if step != 1 and low % step and data.high is not None and (data.high - low) // step < LISTED:
        return {"type": "integer", "enum": list(range(low, data.high + 1, step))}
    found: Keywords = {"type": "integer"}
    found.update({"minimum": data.low} if data.low is not None else {})
    found.update({"maximum": data.high} if data.high is not None else {})
    if step != 1 and low % step == 0:
        found["multipleOf"] = step
    elif step != 1:
        draft.account(place, f"steps of {step} from {low}", "JSON Schema counts steps from 0")
    return found


def _fixed(draft: Draft, places: int, bounds: tuple[Decimal | None, Decimal | None], place: Place) -> Keywords:
    note = f"{places} digit{'' if places == 1 else 's'} after the point"
    draft.account(place, f"exactly {note}", FLOATS)
    return {"type": "number", **_range(draft, *bounds, place), "description" if draft.strict else "$comment": note}


def _range(draft: Draft, low: Decimal | None, high: Decimal | None, place: Place) -> Keywords:
    found: Keywords = {}
    for key, bound in (("minimum", low), ("maximum", high)):
        if bound is not None:
            value = plain(bound)
            if isinstance(value, float) and Fraction(bound) != Fraction(str(value)):
                draft.account(place, f"{key} {bound}", "binary floating point has no number so exact")
            found.update({key: value} if abs(bound) < Decimal("1e308") else {})
    return found


def plain(value: Decimal) -> int | float:
    """Return `value` as Python's json module writes it: whole numbers without a point."""
    return int(value) if value == value.to_integral_value() and value.adjusted() < 20 else float(value)


def _constant(value: None | bool | int | Decimal | str) -> Keywords:
    if value is None:
        return {"type": "null"}
    return {"type": _kind(value), "const": plain(value) if isinstance(value, Decimal) else value}


def _kind(value: None | bool | int | Decimal | str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case Decimal():
            return "number"


def _row(draft: Draft, items: Sequence[Data], place: Place) -> Keywords:
    if draft.strict:
        if len(set(items)) == 1:
            inner = keywords(draft, items[0], replace(place, path=f"{place.path}[]"))
            return {"type": "array", "items": inner, "minItems": len(items), "maxItems": len(items)}
        refuse(draft, place, "a row of several types", "a record with a name for each of them")
        return {}
    each: list[Node] = [
        keywords(draft, item, replace(place, path=f"{place.path}[{number}]")) for number, item in enumerate(items)
    ]
    return {"type": "array", "prefixItems": each, "items": False, "minItems": len(items)}


def _table(draft: Draft, data: Table, place: Place) -> Keywords:
    if draft.strict:
        refuse(draft, place, "a map, whose keys are open", "{ key: String, value: T }[..100]")
        return {}
    names = {key: part for key, part in keywords(draft, data.key, place).items() if key != "type"}
    return {
        "type": "object",
        **({"propertyNames": names} if names else {}),
        "additionalProperties": keywords(draft, data.value, replace(place, path=f"{place.path}.*")),
        **_counts("Properties", data.low, data.high),
    }


def refuse(draft: Draft, place: Place, what: str, hint: str) -> None:
    """Note that the strict subset has no such thing."""
    text = f"`{place.path.partition('|')[0]}` holds {what}, which the strict JSON Schema of hosted APIs does not have"
    draft.found.append(Diagnostic("A0530", text, place.span, hint=hint))


# ---------------------------------------------------------------- records and unions
def _object(draft: Draft, data: Object, place: Place) -> Keywords:
    properties: Keywords = {}
    required: list[Node] = []
    for entry in data.fields:
        inner = Place(f"{place.path}.{entry.name}", entry.span if entry.span.source else place.span)
        if draft.strict and entry.computed:
            draft.account(inner, "is computed", "a model does not write it: parse fills it in")
            continue
        properties[entry.name] = _field(draft, entry, inner)
        if draft.strict or not (entry.optional or entry.default is not None):
            required.append(entry.name)
    found: Keywords = {"type": "object", "properties": properties}
    found.update({"required": required} if required else {})
    found["additionalProperties"] = False
    rules = [format_expr(clause) for clause in data.where]
    for rule in rules:
        draft.account(place, rule, COMPARES)
    return described(draft, found, (), rules)


def _field(draft: Draft, entry: Field, place: Place) -> Keywords:
    found = keywords(draft, entry.type, place)
    rules: list[str] = []
    if entry.where is not None:
        rules.append(format_expr(entry.where))
        draft.account(place, rules[0], COMPARES)
    if entry.computed and entry.default is not None:
        rules.append(format_expr(s.Compare("==", s.Ref(entry.name), entry.default)))
        draft.account(place, f"= {format_expr(entry.default)}", COMPARES)
    if draft.strict and entry.optional:
        found = _nullable(draft, found, entry, place)
    docs = (*entry.docs, *([f"Deprecated: {entry.deprecated}"] if entry.deprecated else []))
    found = described(draft, found, docs, rules)
    if draft.strict:
        return found
    if entry.default is not None and not entry.computed:
        found["default"] = _value(entry)
    if entry.computed:
        found["readOnly"] = True
    if entry.deprecated:
        found["deprecated"] = True
    return found


def _value(entry: Field) -> Node:
    assert entry.default is not None
    try:
        return _node(evaluate(entry.default, {}))
    except Impossible as error:
        raise AssertionError(entry) from error


def _node(value: object) -> Node:
    match value:
        case Decimal():
            return plain(value)
        case list():
            return [_node(item) for item in value]
        case dict():
            return {str(key): _node(item) for key, item in value.items()}
        case None | bool() | int() | str():
            return value
        case _:
            raise AssertionError(value)


def _nullable(draft: Draft, found: Keywords, entry: Field, place: Place) -> Keywords:
    """Return `found` or null, which stands for a field that is absent."""
    draft.account(place, "may be absent", "hosted APIs want every field: null says that it is absent")
    arms = found["anyOf"] if set(found) == {"anyOf"} else None
    if isinstance(arms, list):
        return found if {"type": "null"} in arms else {"anyOf": [*arms, {"type": "null"}]}
    return {"anyOf": [found, {"type": "null"}]}


def _one_of(draft: Draft, data: OneOf, place: Place) -> Keywords:
    values = [arm.type.value for arm in data.arms if isinstance(arm.type, Constant)]
    if len(values) == len(data.arms) and not any(arm.docs for arm in data.arms):
        kinds: list[Node] = list(dict.fromkeys(_kind(value) for value in values))
        listed: list[Node] = [plain(value) if isinstance(value, Decimal) else value for value in values]
        return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": listed}
    arms: list[Node] = [
        described(draft, keywords(draft, arm.type, _arm_place(data, arm, number, place)), arm.docs, ())
        for number, arm in enumerate(data.arms)
    ]
    return {"oneOf" if data.tag is not None and not draft.strict else "anyOf": arms}


def _arm_place(data: OneOf, arm: Arm, number: int, place: Place) -> Place:
    if isinstance(arm.type, Named) or len(data.arms) == 1:
        return place
    return replace(place, path=f"{place.path}|{number + 1}")


def described(draft: Draft, found: Keywords, docs: Sequence[str], rules: Sequence[str]) -> Keywords:
    """Return `found` under a description; rules that JSON Schema does not say stand in a comment, or for models too."""
    description = "\n".join(line.strip() for line in docs).strip()
    rule = "; ".join(rules)
    inner = found.pop("description", "") if draft.strict and (description or rule) else ""
    if draft.strict:
        description = "\n".join(str(part) for part in (description, inner, rule) if part)
    head: Keywords = {"description": description} if description else {}
    if rule and not draft.strict:
        comments = [str(found.pop("$comment")), rule] if "$comment" in found else [rule]
        return {**head, **found, "$comment": "; ".join(comments)}
    if draft.strict and head and "$ref" in found:
        return {**head, "anyOf": [found]}
    return {**head, **found}
