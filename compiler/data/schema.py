"""A `type` of a Program -> Schema: generics expanded, spreads merged, constants put in, every mention a definition."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from archc.data.bounds import bounded
from archc.data.closed import Constants, folded, names_in
from archc.data.expansion import Making, Scope, closed_in, define, reached, users
from archc.data.fill import computed_order
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
    Whole,
)
from archc.data.predicates import Impossible, evaluate
from archc.data.scalars import built_in, literal, value_range
from archc.data.steps import Steps
from archc.data.tags import shortened, tagged
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_type
from archc.grammar.limits import Limits, exceeded
from archc.grammar.source import Span
from archc.names.scope import SCALARS, Scopes
from archc.values import Definition


class Checked(Protocol):
    """What of a Program its types are found in."""

    @property
    def scopes(self) -> Scopes:
        """The names of every module."""

    @property
    def limits(self) -> Limits:
        """What it was held to."""

    def definition(self, name: str) -> Definition:
        """Return the declaration `name` of the main file; raises KeyError."""


def schema(program: Checked, name: str) -> Schema:
    """Return what the type `name` of the main file admits.

    Raises CompileError where no document has it or where it contradicts itself, KeyError where there is no such
    declaration.
    """
    return schema_of(program.scopes, program.definition(name), program.limits)


def schema_of(scopes: Scopes, definition: Definition, limits: Limits) -> Schema:
    """Return what a type admits. Raises CompileError as `schema` does."""
    declaration = definition.declaration
    if declaration.kind != "type":
        text = f"`{declaration.name}` is a {declaration.kind}, and documents have a type"
        raise CompileError([Diagnostic("A0515", text, declaration.name_span)])
    if declaration.parameters:
        text = f"`{declaration.name}` is generic; its documents depend on {declaration.parameters[0].name}"
        hint = f"type Some = {declaration.name}(...)"
        raise CompileError([Diagnostic("A0515", text, declaration.name_span, hint=hint)])
    making = Making(scopes, limits, Constants(scopes), Steps(limits))
    root = define(making, definition, ())
    while making.waiting:
        _defined(making, making.waiting.popleft())
    found = shortened(making.found)
    kept = reached(root, found)
    return Schema(root, _tagged({key: found[key] for key in making.origins if key in kept}))


def everything(
    scopes: Scopes, definitions: Iterable[Definition], limits: Limits, steps: Steps
) -> tuple[Mapping[str, Defined], tuple[Diagnostic, ...]]:
    """Return what each of `definitions` admits, with all that they mention, and what contradicts itself in them.

    Those that no document has, and those that mention one of them, are left out.
    """
    making = Making(scopes, limits, Constants(scopes), steps)
    complaints: list[Diagnostic] = []
    left_out: set[str] = set()
    for definition in definitions:
        define(making, definition, ())
    while making.waiting:
        name = making.waiting.popleft()
        try:
            _defined(making, name)
        except CompileError as error:
            left_out.add(name)
            complaints.extend(entry for entry in error.diagnostics if entry.code != "A0515")
    for name in users(left_out, making.found):
        del making.found[name]
    return _tagged(shortened(making.found)), tuple(dict.fromkeys(complaints))


def _tagged(found: Mapping[str, Defined]) -> Mapping[str, Defined]:
    return {key: replace(entry, type=tagged(entry.type, found)) for key, entry in found.items()}


# ---------------------------------------------------------------- definitions
def _defined(making: Making, name: str) -> Defined | None:
    """Return the definition `name`, or None while it is being looked at itself."""
    if name in making.open:
        return None
    if name in making.refused:
        raise making.refused[name]
    if name not in making.found:
        definition, arguments = making.origins[name]
        if len(making.open) >= making.limits.call_depth:
            text = "types are defined by each other too deep here"
            raise CompileError(
                [exceeded(making.limits, "call_depth", message=text, span=definition.declaration.name_span)]
            )
        making.open.add(name)
        try:
            making.found[name] = _body(making, name, definition.declaration, _scope(definition, arguments))
        except CompileError as error:
            making.refused[name] = error
            raise
        finally:
            making.open.discard(name)
    return making.found[name]


def _scope(definition: Definition, arguments: tuple[Data, ...]) -> Scope:
    parameters = definition.declaration.parameters or ()
    return Scope(definition.module, {p.name: argument for p, argument in zip(parameters, arguments, strict=True)})


def _body(making: Making, name: str, declaration: s.Declaration, scope: Scope) -> Defined:
    assert declaration.type is not None
    data = _data(making, declaration.type, scope)
    where: tuple[s.Expr, ...] = ()
    if declaration.where:
        names = _names(making, data)
        where = tuple(closed_in(making, clause, scope, names) for clause in declaration.where)
        data, before = _inlined(making, data)
        data, where = bounded(data, where)
        where = (*before, *where)
    if isinstance(data, Object):
        data, where = replace(data, where=(*data.where, *where)), ()
    return Defined(name, data, where, declaration.docs, declaration.name_span)


def _inlined(making: Making, data: Data) -> tuple[Data, tuple[s.Expr, ...]]:
    """Return what a name for a number or a string stands for, with its conditions; anything else as it is."""
    inner, where = data, list[s.Expr]()
    while isinstance(inner, Named):
        entry = _defined(making, inner.name)
        if entry is None:
            return data, ()
        where.extend(entry.where)
        making.steps.spend(len(entry.where) + 1, entry.span)
        inner = entry.type
    return (inner, tuple(where)) if isinstance(inner, (Text, Whole, Real, Fixed)) else (data, ())


def _names(making: Making, data: Data) -> set[str]:
    """Return the names that a condition on a value of type `data` may speak of: its fields, or those of its items."""
    found: set[str] = set()
    seen: set[str] = set()
    stack: list[Data] = [data]
    while stack:
        making.steps.spend(1)
        match stack.pop():
            case Named(name) if name not in seen:
                seen.add(name)
                entry = _defined(making, name)
                stack.extend([entry.type] if entry is not None else [])
            case Object(fields):
                found.update(entry.name for entry in fields)
            case OneOf(arms):
                stack.extend(arm.type for arm in arms)
            case Many(item):
                stack.append(item)
            case _:
                pass
    return found


# ---------------------------------------------------------------- types
def _data(making: Making, kind: s.TypeExpr, scope: Scope) -> Data:
    match kind:
        case s.TypeName():
            return _named(making, kind, scope)
        case s.TypeVariable(name, span):
            return _variable(making, s.Ref(name, span), scope)
        case s.TypeLiteral(value):
            return literal(value)
        case s.TypeRange():
            return value_range(kind)
        case s.TypeTuple(items):
            return Row(tuple(_data(making, item.type, scope) for item in items))
        case s.TypePower(base, exponent):
            count = _amount(making, exponent, scope)
            return Many(_data(making, base, scope), count, count)
        case s.TypeList(element, dims):
            return _list(making, element, dims, scope)
        case s.TypeRecord(members):
            return _record(making, members, scope)
        case s.TypeUnion(arms):
            made = tuple(Arm(_data(making, arm.type, scope), arm.docs, arm.type.span) for arm in arms)
            return OneOf(made) if len(made) > 1 else made[0].type
        case s.TypeArrow() | s.TypeQualified():
            raise _no_document(f"{format_type(kind)[:60]} is a network, and documents are data", kind.span)


def _no_document(text: str, span: Span, hint: str = "") -> CompileError:
    return CompileError([Diagnostic("A0515", text, span, hint=hint)])


def _variable(making: Making, name: s.Ref, scope: Scope) -> Data:
    if name.name in scope.parameters:
        return scope.parameters[name.name]
    value = making.constants.value(scope.module, name.name, name)
    if isinstance(value, (s.Number, s.String, s.Boolean)):
        return literal(value)
    raise _no_document(f"no document tells what `{name.name}` is", name.span)


def _named(making: Making, kind: s.TypeName, scope: Scope) -> Data:
    scopes = making.scopes
    found = scopes.member(scope.module, kind.module, kind.name) if kind.module else scopes.find(scope.module, kind.name)
    if found is None and kind.name == "Map":
        return _table(making, kind, scope)
    if found is None and kind.name in SCALARS:
        return built_in(kind.name, [_length(making, argument.value, scope) for argument in kind.arguments])
    assert found is not None and found.declaration.type is not None, kind
    if found.module == 0 and kind.name in ("Dim", "Nat", "Prob"):
        return _data(making, found.declaration.type, Scope(0, {}))
    return Named(define(making, found, tuple(_data(making, argument.value, scope) for argument in kind.arguments)))


def _length(making: Making, kind: s.TypeExpr, scope: Scope) -> int | tuple[int, int | None]:
    """Return a length, or a range of lengths, that a built-in type is given."""
    if isinstance(kind, s.TypeRange) and not any(isinstance(bound, s.String) for bound in (kind.low, kind.high)):
        low = _amount(making, kind.low, scope) if isinstance(kind.low, s.Number) else 0
        return low, _amount(making, kind.high, scope) if isinstance(kind.high, s.Number) else None
    data = _data(making, kind, scope)
    if isinstance(data, Constant) and isinstance(data.value, int):
        return data.value
    raise _no_document(f"{format_type(kind)[:60]} is no number", kind.span, "String(1..80)")


def _amount(making: Making, expr: s.Expr, scope: Scope) -> int:
    """Return how long a list is. Raises CompileError where a document cannot tell."""
    try:
        value = evaluate(closed_in(making, expr, scope, set()), {})
    except (Impossible, CompileError):
        value = None
    if not isinstance(value, int):
        raise _no_document("the length of a list in a document is a number or a range", expr.span, "Line[1..50]")
    return value


def _list(
    making: Making, element: s.TypeExpr | None, dims: tuple["s.Expr | s.DimRange | s.DimRest", ...], scope: Scope
) -> Data:
    item: Data = Real() if element is None else _data(making, element, scope)
    for dim in reversed(dims):
        match dim:
            case s.DimRange(low, high):
                first = 0 if low is None else _amount(making, low, scope)
                item = Many(item, first, None if high is None else _amount(making, high, scope))
            case s.DimRest(high):
                item = Many(item, 0, None if high is None else _amount(making, high, scope))
            case _:
                exact = _amount(making, dim, scope)
                item = Many(item, exact, exact)
    return item if dims else Many(item)


def _table(making: Making, kind: s.TypeName, scope: Scope) -> Data:
    arguments = [argument.value for argument in kind.arguments]
    key, where = _inlined(making, _data(making, arguments[0], scope))
    key = _one_pattern(making, key)
    if not isinstance(key, Text) or where:
        text = f"the keys of a Map are strings with bounds or a pattern; {format_type(arguments[0])[:40]} says more"
        raise _no_document(text, arguments[0].span, 'Map(re"a|b", Int)')
    length = _length(making, arguments[2], scope) if len(arguments) > 2 else (0, None)
    low, high = (length, length) if isinstance(length, int) else length
    return Table(key, _data(making, arguments[1], scope), low, high)


def _one_pattern(making: Making, key: Data) -> Data:
    """Return a choice of literals and patterns as one pattern; anything else as it is."""
    if isinstance(key, Named):
        entry = _defined(making, key.name)
        key = key if entry is None or entry.where else entry.type
    patterns: list[str] = []
    for arm in key.arms if isinstance(key, OneOf) else (Arm(key),):
        inner, where = _inlined(making, arm.type)
        match inner:
            case Constant(str(text)):
                patterns.append("".join(char if char.isalnum() and char.isascii() else _escaped(char) for char in text))
            case Text(0, None, str(pattern), None) if not where and isinstance(key, OneOf):
                patterns.append(f"({pattern})")
            case _:
                return key
    return Text(pattern="|".join(patterns))


def _escaped(char: str) -> str:
    return f"\\{char}" if char.isascii() and char.isprintable() and char != " " else char


# ---------------------------------------------------------------- records
def _record(making: Making, members: tuple[s.Field | s.TypeSpread, ...], scope: Scope) -> Object:
    spreads = {id(m): _spread(making, m, scope) for m in members if isinstance(m, s.TypeSpread)}
    names = {member.name for member in members if isinstance(member, s.Field)}
    everything = names | {entry.name for inner in spreads.values() for entry in inner.fields}
    fields: list[Field] = []
    where: list[s.Expr] = []
    for member in members:
        if isinstance(member, s.TypeSpread):
            inner = spreads[id(member)]
            fields.extend(entry for entry in inner.fields if entry.name not in names)
            where.extend(inner.where)
        else:
            fields.append(_field(making, member, scope, everything))
    _require_order(fields)
    return Object(tuple(fields), tuple(where))


def _require_order(fields: list[Field]) -> None:
    """Raise CompileError where a field is computed from itself, or from one that may be absent."""
    try:
        computed_order(fields)
    except Impossible as cycle:
        found = next(entry for entry in fields if entry.name == str(cycle))
        text = f"`{found.name}` is computed from itself"
        raise CompileError([Diagnostic("A0504", text, found.default.span if found.default else found.span)]) from None
    optional = {entry.name for entry in fields if entry.optional}
    for entry in fields:
        absent = sorted(names_in(entry.default) & optional) if entry.default is not None else []
        if absent:
            text = f"`{entry.name}` is computed from `{absent[0]}`, which may be absent"
            span = entry.default.span if entry.default is not None else entry.span
            raise CompileError(
                [Diagnostic("A0504", text, span, hint=f"give `{absent[0]}` a default instead of the `?`")]
            )


def _spread(making: Making, member: s.TypeSpread, scope: Scope) -> Object:
    """Return the record that is spread, with the conditions on it."""
    data, where = _data(making, member.type, scope), list[s.Expr]()
    while isinstance(data, Named):
        entry = _defined(making, data.name)
        if entry is None:
            break
        where.extend(entry.where)
        data = entry.type
    if isinstance(data, Object):
        making.steps.spend(len(data.fields) + len(data.where), member.span)
        return replace(data, where=(*data.where, *where))
    text = f"`..` spreads the fields of one record; {format_type(member.type)[:40]} is none here"
    raise CompileError([Diagnostic("A0508", text, member.span)])


def _field(making: Making, member: s.Field, scope: Scope, names: set[str]) -> Field:
    data = _data(making, member.type, scope)
    where: tuple[s.Expr, ...] = ()
    if member.where is not None:
        data, before = _inlined(making, data)
        data, where = bounded(data, (closed_in(making, member.where, scope, names),), member.name)
        where = (*before, *where)
    default = None if member.default is None else closed_in(making, member.default, scope, names)
    computed = default is not None and bool(names_in(default) & names)
    if default is not None and not computed:
        default = folded(default, s.Ref(member.name, default.span))
    deprecated = next((_text(entry) for entry in member.annotations if entry.name == "deprecated"), "")
    return Field(
        member.name, data, member.optional, default, computed, _all(where), member.docs, deprecated, member.name_span
    )


def _all(where: tuple[s.Expr, ...]) -> s.Expr | None:
    """Return one condition for several."""
    if len(where) < 2:
        return where[0] if where else None
    return s.Logic("and", where, where[0].span.to(where[-1].span))


def _text(annotation: s.Annotation) -> str:
    values = (argument.value for argument in annotation.arguments)
    return next((value.value for value in values if isinstance(value, s.String)), "deprecated")
