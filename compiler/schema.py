"""A `type` of a Program -> Schema: generics expanded, spreads merged, every mention a definition."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from archc.check import Program
from archc.data import (
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
    parts,
)  # fmt: skip
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_type
from archc.mentions import fields_in
from archc.sizes import Size
from archc.values import Definition, number

FORMATS = {
    "Date": "date", "DateTime": "date-time", "Time": "time", "Uuid": "uuid", "Uri": "uri", "Email": "email",
}  # fmt: skip


@dataclass(slots=True)
class _Making:
    """The definitions found so far; a name is entered before its body, so that recursion ends."""

    program: Program
    found: dict[str, Defined | None] = field(default_factory=dict)
    names: dict[tuple[int, tuple[Data, ...]], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The module whose names a type mentions, and the types of the generic's own parameters."""

    module: int
    parameters: Mapping[str, Data]


def schema(program: Program, name: str) -> Schema:
    """Return what the type `name` of the main file admits.

    Raises CompileError where it is generic or is too large once its generics are expanded, KeyError where there is no
    such declaration.
    """
    definition = program.definition(name)
    if definition.declaration.kind != "type":
        text = f"`{name}` is a {definition.declaration.kind}, and documents have a type"
        raise CompileError([Diagnostic("A0703", text, definition.declaration.name_span)])
    if definition.declaration.parameters:
        text = f"`{name}` is generic; its documents depend on {definition.declaration.parameters[0].name}"
        hint = f"type Some = {name}(...)"
        raise CompileError([Diagnostic("A0515", text, definition.declaration.name_span, hint=hint)])
    making = _Making(program)
    root = _define(making, definition, ())
    found = {key: entry for key, entry in making.found.items() if entry is not None}
    kept = _reached(root, found)
    return Schema(root, {key: entry for key, entry in found.items() if key in kept})


def _reached(root: str, found: Mapping[str, Defined]) -> set[str]:
    """Return the names that a document of `root` can meet; what was only spread is not among them."""
    kept, waiting = {root}, [root]
    while waiting:
        inner: list[Data] = [found[waiting.pop()].type]
        while inner:
            data = inner.pop()
            if isinstance(data, Named) and data.name not in kept:
                kept.add(data.name)
                waiting.append(data.name)
            inner.extend(parts(data))
    return kept


def _define(making: _Making, definition: Definition, arguments: tuple[Data, ...]) -> str:
    """Enter a declaration under a name of its own and return that name."""
    declaration = definition.declaration
    known = making.names.get((id(declaration), arguments))
    if known is not None:
        return known
    name = "_".join([declaration.name, *(_short(argument) for argument in arguments)])
    while name in making.found:
        name += "_"
    making.names[id(declaration), arguments] = name
    if len(making.found) >= making.program.limits.definitions:
        text = f"`{declaration.name}` expands into more than {making.program.limits.definitions} types"
        raise CompileError(
            [Diagnostic("A0516", text, declaration.name_span, hint="a generic that mentions itself grows")]
        )
    making.found[name] = None
    parameters = {p.name: argument for p, argument in zip(declaration.parameters or (), arguments, strict=True)}
    assert declaration.type is not None
    body = _data(making, declaration.type, _Scope(definition.module, parameters))
    body, where = _bounded(body, declaration.where)
    if isinstance(body, Object):
        body, where = replace(body, where=(*body.where, *where)), ()
    made = Defined(name, body, where, declaration.docs, declaration.name_span)
    making.found[name] = made
    return name


def _short(data: Data) -> str:
    match data:
        case Named(name):
            return name
        case Many(item):
            return f"{_short(item)}s"
        case _:
            return type(data).__name__


# ---------------------------------------------------------------- types
def _data(making: _Making, kind: s.TypeExpr, scope: _Scope) -> Data:
    match kind:
        case s.TypeName():
            return _named(making, kind, scope)
        case s.TypeVariable(name):
            return scope.parameters[name]
        case s.TypeLiteral(value):
            return _literal(value)
        case s.TypeRange(low, high, step):
            return _range(low, high, step)
        case s.TypeTuple(items):
            return Row(tuple(_data(making, item.type, scope) for item in items))
        case s.TypePower(base, exponent):
            return Row((_data(making, base, scope),) * _count(exponent))
        case s.TypeList(element, dims):
            return _list(making, element, dims, scope)
        case s.TypeRecord(members):
            return _record(making, members, scope)
        case s.TypeUnion(arms):
            return _union(making, arms, scope)
        case s.TypeArrow():
            raise CompileError(
                [Diagnostic("A0501", f"{format_type(kind)} is a network, and documents are data", kind.span)]
            )


def _named(making: _Making, kind: s.TypeName, scope: _Scope) -> Data:
    scopes = making.program.scopes
    found = scopes.member(scope.module, kind.module, kind.name) if kind.module else scopes.find(scope.module, kind.name)
    if found is not None and found.module == 0 and kind.name in ("Dim", "Nat", "Prob"):
        assert found.declaration.type is not None
        return _data(making, found.declaration.type, _Scope(0, {}))
    if found is not None:
        arguments = tuple(_data(making, argument.value, scope) for argument in kind.arguments)
        return Named(_define(making, found, arguments))
    return _built_in(making, kind, scope)


def _built_in(making: _Making, kind: s.TypeName, scope: _Scope) -> Data:
    arguments = [argument.value for argument in kind.arguments]
    match kind.name:
        case "String":
            low, high = _lengths(arguments[0]) if arguments else (0, None)
            return Text(low, high)
        case "Int":
            return Whole()
        case "Float":
            return Real()
        case "Bool":
            return Truth()
        case "Null":
            return Constant(None)
        case "Decimal":
            return Fixed(_whole(arguments[0]))
        case "Id":
            return Whole(0, _whole(arguments[0]) - 1)
        case "Map":
            low, high = _lengths(arguments[2]) if len(arguments) > 2 else (0, None)
            key = _data(making, arguments[0], scope)
            while isinstance(key, Named):
                entry = making.found[key.name]
                assert entry is not None
                key = entry.type
            assert isinstance(key, Text), key
            return Table(key, _data(making, arguments[1], scope), low, high)
        case _:
            return Text(format=FORMATS[kind.name])


def _whole(kind: s.TypeExpr) -> int:
    assert isinstance(kind, s.TypeLiteral) and isinstance(kind.value, s.Number), kind
    return _integer(kind.value)


def _integer(literal: s.Number) -> int:
    value = number(literal.text)
    assert isinstance(value, Size) and value.constant is not None, literal
    return value.constant


def _lengths(kind: s.TypeExpr) -> tuple[int, int | None]:
    match kind:
        case s.TypeRange(low, high):
            first = _integer(low) if isinstance(low, s.Number) else 0
            return first, _integer(high) if isinstance(high, s.Number) else None
        case _:
            exact = _whole(kind)
            return exact, exact


def _literal(value: s.Number | s.String | s.Regex | s.Boolean) -> Data:
    match value:
        case s.Number():
            return Constant(_number(value))
        case s.String(text):
            return Constant(text)
        case s.Boolean(flag):
            return Constant(flag)
        case s.Regex(pattern):
            return Text(pattern=pattern)


def _number(literal: s.Number) -> int | Decimal:
    value = number(literal.text)
    return value.constant or 0 if isinstance(value, Size) else Decimal(literal.text)


def _range(low: s.Number | s.String | None, high: s.Number | s.String | None, step: s.Number | s.String | None) -> Data:
    first, last, by = (_number(bound) if isinstance(bound, s.Number) else None for bound in (low, high, step))
    if any(isinstance(bound, Decimal) for bound in (first, last, by)):
        return Real(None if first is None else Decimal(first), None if last is None else Decimal(last))
    return Whole(*(int(bound) if bound is not None else None for bound in (first, last, by)))


def _count(exponent: s.Number | s.Ref) -> int:
    assert isinstance(exponent, s.Number), exponent
    return _integer(exponent)


def _list(
    making: _Making, element: s.TypeExpr | None, dims: tuple["s.Expr | s.DimRange | s.DimRest", ...], scope: _Scope
) -> Data:
    item: Data = Real() if element is None else _data(making, element, scope)
    for dim in reversed(dims):
        match dim:
            case s.DimRange(low, high):
                first = _integer(low) if isinstance(low, s.Number) else 0
                item = Many(item, first, _integer(high) if isinstance(high, s.Number) else None)
            case s.DimRest(s.Number() as high):
                item = Many(item, 0, _integer(high))
            case s.DimRest(None):
                item = Many(item)
            case s.Number():
                exact = _integer(dim)
                item = Many(item, exact, exact)
            case _:
                text = "the length of a list in a document is a number or a range"
                raise CompileError([Diagnostic("A0506", text, dim.span, hint="Line[1..50]")])
    return item if dims else Many(item)


# ---------------------------------------------------------------- records and unions
def _record(making: _Making, members: tuple[s.Field | s.TypeSpread, ...], scope: _Scope) -> Object:
    fields: list[Field] = []
    where: list[s.Expr] = []
    names = {member.name for member in members if isinstance(member, s.Field)}
    for member in members:
        if isinstance(member, s.TypeSpread):
            inner = _resolved(making, _data(making, member.type, scope))
            assert isinstance(inner, Object), inner
            fields.extend(entry for entry in inner.fields if entry.name not in names)
            where.extend(inner.where)
        else:
            fields.append(_field(making, member, scope))
    everything = {entry.name for entry in fields}
    marked = tuple(replace(entry, computed=_is_computed(entry, everything)) for entry in fields)
    return Object(marked, tuple(where))


def _is_computed(entry: Field, names: set[str]) -> bool:
    return entry.default is not None and bool(fields_in(entry.default) & names)


def _field(making: _Making, member: s.Field, scope: _Scope) -> Field:
    data = _data(making, member.type, scope)
    where = member.where
    if where is not None:
        data, rest = _bounded(data, (where,))
        where = rest[0] if rest else None
    deprecated = next((_text(entry) for entry in member.annotations if entry.name == "deprecated"), "")
    return Field(
        member.name, data, member.optional, member.default, where=where, docs=member.docs, deprecated=deprecated,
        span=member.name_span,
    )  # fmt: skip


def _text(annotation: s.Annotation) -> str:
    values = (argument.value for argument in annotation.arguments)
    return next((value.value for value in values if isinstance(value, s.String)), "deprecated")


def _union(making: _Making, arms: tuple[s.TypeArm, ...], scope: _Scope) -> Data:
    made = tuple(Arm(_data(making, arm.type, scope), arm.docs) for arm in arms)
    if len(made) == 1:
        return made[0].type
    return OneOf(made, _tag(making, made))


def _tag(making: _Making, arms: tuple[Arm, ...]) -> str | None:
    """Return the first field that every arm has with a literal of its own."""
    records = [_resolved(making, arm.type) for arm in arms]
    if not all(isinstance(record, Object) for record in records):
        return None
    literals: list[dict[str, object]] = []
    for record in records:
        assert isinstance(record, Object)
        literals.append(
            {
                entry.name: entry.type.value
                for entry in record.fields
                if isinstance(entry.type, Constant) and not entry.optional and entry.default is None
            }
        )
    for name in literals[0]:
        values = [found.get(name) for found in literals]
        if None not in values and len({(type(value), value) for value in values}) == len(values):
            return name
    return None


def _resolved(making: _Making, data: Data) -> Data | None:
    """Return what a name stands for; None while that is still being defined."""
    while isinstance(data, Named):
        entry = making.found[data.name]
        if entry is None:
            return None
        data = entry.type
    return data


# ---------------------------------------------------------------- conditions that are bounds
def _bounded(data: Data, where: tuple[s.Expr, ...]) -> tuple[Data, tuple[s.Expr, ...]]:
    """Take `it >= 0` and its like into the bounds of a number; return what remains to be checked."""
    rest: list[s.Expr] = []
    for clause in where:
        clauses = clause.items if isinstance(clause, s.Logic) and clause.operator == "and" else (clause,)
        for part in clauses:
            narrowed = _narrowed(data, part)
            if narrowed is None:
                rest.append(part)
            else:
                data = narrowed
    return data, tuple(rest)


def _narrowed(data: Data, clause: s.Expr) -> Data | None:
    match clause:
        case s.Compare("<=" | ">=" | "<" | ">", s.Ref("it"), bound):
            value, operator = _constant(bound), str(clause.operator)
        case s.Compare("<=" | ">=" | "<" | ">", bound, s.Ref("it")):
            value, operator = _constant(bound), {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}[clause.operator]
        case _:
            return None
    if value is None or not isinstance(data, (Whole, Fixed, Real)):
        return None
    if isinstance(data, Whole):
        return _whole_narrowed(data, operator, value)
    if isinstance(data, Real) and operator in ("<", ">"):
        return None
    gap = Decimal(1).scaleb(-data.places) if isinstance(data, Fixed) and operator in ("<", ">") else Decimal(0)
    bound_value = value - gap if operator == "<" else value + gap
    if operator in (">=", ">"):
        return replace(data, low=bound_value if data.low is None else max(data.low, bound_value))
    return replace(data, high=bound_value if data.high is None else min(data.high, bound_value))


def _whole_narrowed(data: Whole, operator: str, value: Decimal) -> Whole | None:
    if value != value.to_integral_value() or data.step not in (None, 1):
        return None
    bound = int(value) + {">": 1, "<": -1}.get(operator, 0)
    if operator in (">=", ">"):
        return replace(data, low=bound if data.low is None else max(data.low, bound))
    return replace(data, high=bound if data.high is None else min(data.high, bound))


def _constant(expr: s.Expr) -> Decimal | None:
    match expr:
        case s.Number():
            return Decimal(_number(expr))
        case s.Negative(s.Number() as inner):
            return -Decimal(_number(inner))
        case _:
            return None
