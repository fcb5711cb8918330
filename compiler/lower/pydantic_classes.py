"""Records of a Schema -> classes of a generated pydantic module."""

from collections.abc import Iterator
from decimal import Decimal

from archc.data.fill import computed_order, default_value
from archc.data.kinds import Constant, Data, Defined, Field, Fixed, Json, Object, OneOf, Text
from archc.data.predicates import Impossible
from archc.lower.names import literal, prose
from archc.lower.pieces import Piece, assignment, call, union
from archc.lower.pydantic_rules import computed, may_be_absent, record_checks
from archc.lower.pydantic_types import Module, annotated, annotation, quoted, resolved


def class_lines(module: Module, entry: Defined, record: Object) -> Iterator[list[str]]:
    """Yield the functions that fill computed fields in, and the class of a record."""
    lines = [f"class {module.names[entry.name]}(Record):"]
    docs = list(prose(entry.docs))
    if docs or not record.fields:
        lines += [*_docstring(docs or ["A record without fields."]), ""]
    for field in _ordered(record):
        module.span = field.span if field.span.source else entry.span
        function = computed(module, entry.name, field) if field.computed else None
        if function is not None:
            yield function[1]
        lines += _field(module, entry, field, function[0] if function else "")
    checks = record_checks(module, entry, record)
    yield [*lines, *(checks[1:] if lines[-1] == "" else checks)]


def _docstring(docs: list[str]) -> list[str]:
    docs = [line.strip() for line in docs]
    if len(docs) == 1 and not docs[0].endswith(('"', "\\")):
        return [f'    """{docs[0]}"""']
    return [f'    """{docs[0]}', *(f"    {line}".rstrip() for line in docs[1:]), '    """']


def _ordered(record: Object) -> tuple[Field, ...]:
    """Return the fields, each computed one behind those that it is computed from."""
    try:
        late = computed_order(record.fields)
    except Impossible:
        return record.fields
    names = [entry.name for entry in record.fields]
    needs = {field.name: _needs(field, set(names)) for field in late}
    found: list[Field] = []
    waiting = list(record.fields)
    while waiting:
        done = {entry.name for entry in found}
        ready = next((entry for entry in waiting if needs.get(entry.name, set()) <= done), waiting[0])
        found.append(ready)
        waiting.remove(ready)
    return tuple(found)


def _needs(field: Field, names: set[str]) -> set[str]:
    from archc.data.closed import names_in

    return names_in(field.default) & names if field.default is not None else set()


# ---------------------------------------------------------------- fields
def _field(module: Module, entry: Defined, field: Field, function: str) -> list[str]:
    name = module.fields[entry.name, field.name]
    kind = annotation(module, field.type)
    options: dict[str, Piece] = {}
    if field.computed:
        kind = _computed_options(module, entry, field, (kind, function), options)
    elif field.default is not None:
        options.update(_default(module, field))
    elif field.optional:
        kind = _optional(module, field.type, kind)
        options["default"] = "None"
    if name != field.name:
        module.aliased = True
        options["alias"] = quoted(field.name)
    description = "\n".join(line.strip() for line in field.docs).strip()
    if description:
        options["description"] = quoted(description)
    if field.deprecated:
        options["deprecated"] = quoted(field.deprecated)
    if set(options) == {"default"}:
        return assignment(4, name, kind, options["default"])
    return assignment(4, name, kind, call(module.use("Field"), **options) if options else None)


def _optional(module: Module, data: Data, kind: Piece) -> Piece:
    module.absent = True
    if _nullable(module, data):
        return kind
    return annotated(module, union(kind, "None"), call(module.use("BeforeValidator"), module.use("not_null")))


def _nullable(module: Module, data: Data) -> bool:
    inner = resolved(module.schema, data)
    if isinstance(inner, OneOf):
        return any(_nullable(module, arm.type) for arm in inner.arms)
    return inner == Constant(None)


def _computed_options(
    module: Module, entry: Defined, field: Field, made: tuple[Piece, str], options: dict[str, Piece]
) -> Piece:
    kind, function = made
    unsure = may_be_absent(module, entry.name, field)
    if unsure:
        module.absent = True
        kind = union(kind, "None")
    if function:
        options["default_factory"] = function
        options["validate_default"] = "True"
    else:
        options["default"] = "None"
    return kind


def _default(module: Module, field: Field) -> dict[str, Piece]:
    """Return how a field comes by its default: as it is where Python can say it, checked at the time otherwise."""
    value = default_value(module.schema, field)
    data = resolved(module.schema, field.type)
    if isinstance(data, Text) and data.format == "date" and isinstance(value, str):
        return {"default": quoted(value), "validate_default": "True"}
    if isinstance(value, list | dict):
        return {"default_factory": f"lambda: {_source(module, value)}", "validate_default": "True"}
    if isinstance(value, Decimal) and not isinstance(data, Fixed | OneOf):
        return {"default": literal(float(value))}
    if isinstance(data, OneOf) and not all(isinstance(arm.type, Constant) for arm in data.arms):
        return {"default": _source(module, value), "validate_default": "True"}
    return {"default": _source(module, value)}


def _source(module: Module, value: Json) -> str:
    match value:
        case Decimal():
            return f'{module.use("Decimal")}("{value}")'
        case list():
            return f"[{', '.join(_source(module, item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)}: {_source(module, part)}" for key, part in value.items()) + "}"
        case str():
            return quoted(value)
        case _:
            return literal(value)
