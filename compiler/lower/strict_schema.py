"""Schema -> the strict subset of JSON Schema that hosted APIs decode into, and documents of it back to ours."""

from collections.abc import Iterator

from archc.data.fill import fitted
from archc.data.json_text import JsonError, read
from archc.data.kinds import Constant, Data, Field, Json, Many, Named, Object, OneOf, Row, Schema, Table
from archc.data.validate import filled
from archc.data.violations import DocumentError, Violation
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.lower.json_schema import Draft, Keywords, Lowered, Node, assembled

PROPERTIES = 5_000
NESTING = 10
VALUES = 1_000
"""What the strictest of the hosted APIs that we know take: properties, levels and values of enums in one schema."""


def to_strict_schema(schema: Schema) -> Lowered:
    """Return the JSON Schema of `schema` in the subset of hosted APIs.

    Every field is required: null stands for an optional one that is absent, and computed ones are left out; `restored`
    reads such a document back, and `parse_strict` a text of it. Raises CompileError on what the subset does not have (A0530) and on more than it takes
    (A0531).
    """
    draft = Draft(schema, strict=True)
    _require_record(draft)
    document = assembled(draft, {})
    draft.found.extend(_too_much(schema, document))
    if draft.found:
        raise CompileError(dict.fromkeys(draft.found))
    return Lowered(document, tuple(draft.accounts))


def _require_record(draft: Draft) -> None:
    root = draft.schema.definitions[draft.schema.root]
    if isinstance(root.type, Object):
        return
    text = f"`{root.name}` is no record, and the strict JSON Schema of hosted APIs begins with one"
    hint = f"type Answer = {{ value: {root.name} }}"
    draft.found.append(Diagnostic("A0530", text, root.span, hint=hint))


def _too_much(schema: Schema, document: Keywords) -> Iterator[Diagnostic]:
    properties = values = deepest = 0
    waiting: list[tuple[Node, int]] = [(document, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, depth) for item in node)
        if not isinstance(node, dict):
            continue
        deepest = max(deepest, depth)
        inner, listed = node.get("properties"), node.get("enum")
        properties += len(inner) if isinstance(inner, dict) else 0
        values += len(listed) if isinstance(listed, list) else int("const" in node)
        for key in ("items", "anyOf"):
            waiting.append((node.get(key), depth + (key == "items")))
        waiting.extend((part, depth + 1) for part in (inner.values() if isinstance(inner, dict) else ()))
        definitions = node.get("$defs")
        waiting.extend((part, 0) for part in (definitions.values() if isinstance(definitions, dict) else ()))
    span = schema.definitions[schema.root].span
    for found, most, what in (
        (properties, PROPERTIES, "fields in all"), (deepest, NESTING, "levels"), (values, VALUES, "literals in all"),
    ):  # fmt: skip
        if found > most:
            text = f"`{schema.root}` has {found:,} {what}; the strict JSON Schema of hosted APIs has {most:,} at most"
            hint = "give the inner records names of their own" if what == "levels" else "split the type"
            yield Diagnostic("A0531", text, span, hint=hint)


# ---------------------------------------------------------------- reading back
def parse_strict(schema: Schema, text: str) -> Json:
    """Return the document of the strict schema in `text` as one of `schema`, filled in as `parse` does.

    Raises DocumentError with all that is wrong with it.
    """
    try:
        value = read(text)
    except JsonError as error:
        raise DocumentError([Violation((), "A0521", error.message)]) from None
    return filled(schema, restored(schema, value))


def restored(schema: Schema, value: Json) -> Json:
    """Return a document of the strict schema as one of `schema`.

    It is without the nulls that stand for absent fields, and its decimals have all their digits.
    """
    root = schema.definitions[schema.root].type
    return fitted(schema, root, _restored(schema, root, value))


def _restored(schema: Schema, data: Data, value: Json) -> Json:
    match data, value:
        case Named(name), _:
            return _restored(schema, schema.definitions[name].type, value)
        case Many(item), list():
            return [_restored(schema, item, part) for part in value]
        case Row(items), list() if len(items) == len(value):
            return [_restored(schema, item, part) for item, part in zip(items, value, strict=True)]
        case Table(_, inner), dict():
            return {key: _restored(schema, inner, part) for key, part in value.items()}
        case OneOf(), dict() | list():
            arm = _arm(schema, data, value)
            return value if arm is None else _restored(schema, arm, value)
        case Object(fields), dict():
            return _record(schema, {entry.name: entry for entry in fields}, value)
        case _:
            return value


def _record(schema: Schema, fields: dict[str, Field], value: dict[str, Json]) -> Json:
    return {
        name: _restored(schema, fields[name].type, part) if name in fields else part
        for name, part in value.items()
        if part is not None or name not in fields or not fields[name].optional
    }


def _arm(schema: Schema, data: OneOf, value: Json) -> Data | None:
    """Return the arm that a value is of: the record with its keys and its literals, or the list."""
    for arm in data.arms:
        inner = arm.type
        while isinstance(inner, Named):
            inner = schema.definitions[inner.name].type
        if isinstance(inner, OneOf):
            found = _arm(schema, inner, value)
            if found is not None:
                return found
        elif (
            isinstance(value, list)
            and isinstance(inner, Many | Row)
            or isinstance(value, dict)
            and isinstance(inner, Object)
            and _fits(inner, value)
        ):
            return inner
    return None


def _fits(record: Object, value: dict[str, Json]) -> bool:
    written = {entry.name for entry in record.fields if not entry.computed}
    literals = {entry.name: entry.type.value for entry in record.fields if isinstance(entry.type, Constant)}
    return set(value) == written and all(value.get(name) == literal for name, literal in literals.items())
