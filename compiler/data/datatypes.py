"""Modules and their names -> complaints about types that no value has, or that contradict themselves."""

from collections.abc import Hashable, Iterator

from archc.data.constants import constant, exact, is_of
from archc.data.ranges import length, lengths, value_range
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_expr, format_type
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.source import Span
from archc.load import Loaded
from archc.names.fields import Members, Records
from archc.names.scope import SCALARS, Scopes
from archc.regular.regex import mistake
from archc.values import Definition

DEEPEST = 32
_TAKES = {
    "String": (0, 1, "String(1..80)"), "Decimal": (1, 1, "Decimal(2)"), "Map": (2, 3, "Map(String, Int, 1..10)"), "Id": (1, 1, "Id(50257)"),
}  # fmt: skip


def datatypes(loaded: Loaded, names: Scopes, limits: Limits = DEFAULT) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the types of all modules but the library."""
    found: list[Diagnostic] = []
    records = Records(names)
    for number, module in enumerate(loaded.modules):
        if number == 0 and loaded.main != 0:
            continue
        for item in module.file.items:
            if isinstance(item, s.Declaration):
                found.extend(_declaration(_Types(names, number, records, limits), item))
    return tuple(found)


class _Types:
    """Where the types being looked at stand."""

    __slots__ = ("limits", "module", "records", "scopes")

    def __init__(self, scopes: Scopes, module: int, records: Records, limits: Limits) -> None:
        self.scopes = scopes
        self.module = module
        self.records = records
        self.limits = limits


def _declaration(types: _Types, item: s.Declaration) -> Iterator[Diagnostic]:
    if item.kind == "type" and item.name in SCALARS:
        text = f"`{item.name}` is a type of the language already"
        yield Diagnostic("A0105", text, item.name_span, hint=f"My{item.name}")
    for parameter in item.parameters or ():
        if parameter.type is not None and not isinstance(parameter.type, s.TypeArrow):
            yield from _type(types, parameter.type)
    if item.kind in ("type", "const") and item.type is not None:
        yield from _type(types, item.type)


def _type(types: _Types, kind: s.TypeExpr) -> Iterator[Diagnostic]:
    match kind:
        case s.TypeName():
            yield from _arguments(types, kind)
        case s.TypeLiteral(s.Regex() as pattern):
            yield from _regex(types, pattern)
        case s.TypeRange():
            yield from value_range(kind)
        case s.TypeList(element, dims):
            for dim in dims:
                yield from length(dim)
            if element is not None:
                yield from _type(types, element)
        case s.TypeUnion(arms):
            yield from _twins(arms)
            for arm in arms:
                yield from _type(types, arm.type)
        case s.TypeTuple(items):
            for item in items:
                yield from _type(types, item.type)
        case s.TypePower(base, _):
            yield from _type(types, base)
        case s.TypeQualified(qualifier):
            text = f"`{qualifier}` tells what a network does with a tensor; a declared type is data"
            hint = f"{qualifier} before the name, where a network takes or gives it"
            yield Diagnostic("A0501", text, kind.qualifier_span, hint=hint)
        case s.TypeRecord(members):
            yield from _record(types, members)
        case _:
            pass


def _regex(types: _Types, pattern: s.Regex) -> Iterator[Diagnostic]:
    raw = pattern.span.text[3:-1] or pattern.pattern
    if len(raw) > types.limits.regex:
        return
    found = mistake(raw, types.limits.repeats)
    if found is not None:
        start = pattern.span.start + 3
        span = Span(start + found.start, start + max(found.end, found.start + 1), pattern.span.source)
        yield Diagnostic("A0505", found.message, span, hint=found.hint)


def _twins(arms: tuple[s.TypeArm, ...]) -> Iterator[Diagnostic]:
    first: dict[Hashable, s.TypeArm] = {}
    for arm in arms:
        key: Hashable = arm.type
        if isinstance(arm.type, s.TypeLiteral) and isinstance(arm.type.value, s.Number):
            key = exact(arm.type.value.text)
        if key is not None and key in first:
            note = Note(format_type(arm.type)[:40], "first here", first[key].type.span)
            text = f"{format_type(arm.type)[:60]} is an arm of this union twice"
            yield Diagnostic("A0507", text, arm.type.span, "the second", (note,), "leave one of them out")
        first.setdefault(key, arm)


# ---------------------------------------------------------------- arguments
def _arguments(types: _Types, kind: s.TypeName) -> Iterator[Diagnostic]:
    scopes, module = types.scopes, types.module
    definition = scopes.member(module, kind.module, kind.name) if kind.module else scopes.find(module, kind.name)
    for argument in kind.arguments:
        if argument.name:
            text = f"`{kind.name}` takes its arguments by position"
            yield Diagnostic("A0501", text, argument.span, hint=format_type(argument.value))
        else:
            yield from _type(types, argument.value)
    if definition is not None:
        yield from _generic(kind, definition)
    elif kind.name in SCALARS and not kind.module:
        least, most, usage = _TAKES.get(kind.name, (0, 0, kind.name))
        if not least <= len(kind.arguments) <= most:
            text = f"`{kind.name}` takes {_count(least, most)}; this gives {len(kind.arguments)}"
            yield Diagnostic("A0501", text, kind.span, hint=usage)
        else:
            yield from _built_in(types, kind)


def _generic(kind: s.TypeName, definition: Definition) -> Iterator[Diagnostic]:
    parameters = definition.declaration.parameters or ()
    if definition.declaration.kind != "type" or len(parameters) == len(kind.arguments):
        return
    usage = f"{kind.name}({', '.join(parameter.name for parameter in parameters)})" if parameters else kind.name
    text = f"`{kind.name}` takes {_count(len(parameters), len(parameters))}; this gives {len(kind.arguments)}"
    note = Note(f"`{kind.name}`", "declared here", definition.declaration.name_span)
    yield Diagnostic("A0501", text, kind.span, usage, (note,), "" if parameters else usage)


def _count(least: int, most: int) -> str:
    if most == 0:
        return "no argument"
    number = str(most) if least == most else f"{least} or {most}" if least else f"at most {most}"
    return f"{number} argument{'s' if most > 1 else ''}"


def _built_in(types: _Types, kind: s.TypeName) -> Iterator[Diagnostic]:
    values = [argument.value for argument in kind.arguments]
    match kind.name:
        case "String" if values:
            yield from lengths(values[0], "String(1..80)")
        case "Map":
            if not _is_text(types, values[0], 0):
                text = f"the keys of a JSON object are strings; {format_type(values[0])[:40]} is none"
                yield Diagnostic("A0501", text, values[0].span, hint="String")
            if len(values) == 3:
                yield from lengths(values[2], "Map(String, Int, 1..10)")
        case "Decimal" | "Id":
            value = values[0]
            if isinstance(value, s.TypeVariable):
                return
            number = (
                exact(value.value.text)
                if isinstance(value, s.TypeLiteral) and isinstance(value.value, s.Number)
                else None
            )
            least, most, what = (
                (0, 18, "a number of digits from 0 to 18") if kind.name == "Decimal" else (1, None, "a number of ids")
            )
            if number is None or number.denominator != 1 or number < least or (most is not None and number > most):
                text = f"`{kind.name}` takes {what}; this is {format_type(value)[:40]}"
                yield Diagnostic("A0501", text, value.span, hint=_TAKES[kind.name][2])


def _is_text(types: _Types, kind: s.TypeExpr, depth: int) -> bool:
    """Return whether every value of `kind` is a string; what is unknown here counts as one."""
    match kind:
        case s.TypeLiteral(value):
            return isinstance(value, (s.String, s.Regex))
        case s.TypeUnion(arms):
            return all(_is_text(types, arm.type, depth + 1) for arm in arms)
        case s.TypeName(alias, name):
            scopes, module = types.scopes, types.module
            definition = scopes.member(module, alias, name) if alias else scopes.find(module, name)
            if definition is None or definition.declaration.type is None:
                return name in ("String", "Date", "DateTime", "Time", "Uuid", "Uri", "Email") or name not in SCALARS
            inner = _Types(scopes, definition.module, types.records, types.limits)
            return depth > DEEPEST or _is_text(inner, definition.declaration.type, depth + 1)
        case s.TypeVariable():
            return True
        case _:
            return False


# ---------------------------------------------------------------- records
def _record(types: _Types, members: tuple[s.Field | s.TypeSpread, ...]) -> Iterator[Diagnostic]:
    from_spread: dict[str, s.TypeSpread] = {}
    own = {member.name: member for member in members if isinstance(member, s.Field)}
    for member in members:
        yield from _type(types, member.type)
        if isinstance(member, s.Field):
            yield from _default(types, member)
            continue
        inner = _spread(types, member)
        if isinstance(inner, Diagnostic):
            yield inner
            continue
        yield from _clashes(member, inner, own, from_spread)


def _spread(types: _Types, member: s.TypeSpread) -> Members | Diagnostic:
    found = types.records.members(types.module, member.type)
    if found is None or _is_alternative(types, member.type, 0):
        what = format_type(member.type)[:40]
        text = f"`..` spreads the fields of one record; {what} is {'no record' if found is None else 'a choice or a list of them'}"
        return Diagnostic("A0508", text, member.span, hint=f"name it as a field: value: {what}")
    return found


def _is_alternative(types: _Types, kind: s.TypeExpr | None, depth: int) -> bool:
    if isinstance(kind, s.TypeName) and depth < DEEPEST:
        scopes = types.scopes
        definition = (
            scopes.member(types.module, kind.module, kind.name) if kind.module else scopes.find(types.module, kind.name)
        )
        if definition is not None:
            inner = _Types(scopes, definition.module, types.records, types.limits)
            return _is_alternative(inner, definition.declaration.type, depth + 1)
    return isinstance(kind, (s.TypeUnion, s.TypeList))


def _clashes(
    member: s.TypeSpread, inner: Members, own: dict[str, s.Field], from_spread: dict[str, s.TypeSpread]
) -> Iterator[Diagnostic]:
    what = format_type(member.type)[:40]
    for name in inner.fields:
        if name in own:
            note = Note(f"`{name}`", f"also comes from ..{what}", member.span)
            text = f"this record has two fields `{name}`"
            yield Diagnostic(
                "A0508", text, own[name].name_span, "the second", (note,), "rename this one, or leave it out"
            )
        elif name in from_spread:
            note = Note(f"`{name}`", "also comes from here", from_spread[name].span)
            text = f"this record has two fields `{name}`, both of them spread"
            yield Diagnostic("A0508", text, member.span, f"{what} has `{name}`", (note,), "leave out one of the two")
        from_spread.setdefault(name, member)


def _default(types: _Types, member: s.Field) -> Iterator[Diagnostic]:
    if member.default is None:
        return
    if member.optional:
        text = f"`{member.name}` has a default, so it is always there; `?` says that it may be missing"
        yield Diagnostic("A0504", text, member.name_span, hint="leave out the `?` or the default")
    if constant(member.default) is not None and not is_of(types.scopes, types.module, member.type, member.default):
        wanted, given = format_type(member.type)[:40], format_expr(member.default)[:40]
        text = f"the default of `{member.name}` is no value of its type"
        yield Diagnostic("A0504", text, member.default.span, f"expected {wanted}, found {given}")
