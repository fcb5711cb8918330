"""A type and the names in scope -> what it mentions, and which of its names mean nothing."""

from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import NOWHERE, Span
from archc.names import qualifiers
from archc.names.fields import Members
from archc.names.scope import SCALARS
from archc.names.scoping import Local, Scope, Walk, expression, nearest_label, twice

PREDICATES = ("unique", "round")
ANNOTATIONS = ("objective", "deprecated", *qualifiers.ANNOTATIONS)


ELSEWHERE = {
    **dict.fromkeys(
        ("list", "array", "sequence", "tuple", "vec", "set"), "Int[] for a list, Int[1..9] for one of 1 to 9"
    ),
    **dict.fromkeys(
        ("optional", "maybe", "option"), "name?: Int for a field that may be absent, Int | Null for a value"
    ),
    **dict.fromkeys(("dict", "object", "record", "mapping", "hash"), "Map(String, Int), or a record: { name: Int }"),
    **dict.fromkeys(("none", "nil", "undefined", "void"), "Null"),
    **dict.fromkeys(("enum", "literal"), '"a" | "b"'),
    **dict.fromkeys(("number", "double", "real"), "Float"),
    **dict.fromkeys(("text", "char", "varchar"), "String"),
    **dict.fromkeys(("long", "short", "integer"), "Int"),
}
"""What a name of another language is here."""

FUNCTIONS = ("len", "sum", "min", "max", "unique", "round")
"""The functions of conditions and computed fields."""


def type_names(walk: Walk, kind: s.TypeExpr, scope: Scope) -> None:
    """Resolve every name in the type `kind`; lower-case names must be in `scope`."""
    match kind:
        case s.TypeName():
            _type_name(walk, kind)
            for argument in kind.arguments:
                type_names(walk, argument.value, scope)
        case s.TypeVariable(name, span):
            if name in scope:
                scope[name].used = True
            elif walk.find(name, span) is None:
                told = _unknown(walk, name, span)
                walk.found.append(told if told.hint else replace(told, hint=f'"{name}" for that string'))
        case s.TypeList(element, dims):
            if element is not None:
                type_names(walk, element, scope)
            for dim in dims:
                _dim(walk, dim, scope)
        case s.TypeTuple(items):
            _labels(walk, items)
            for item in items:
                type_names(walk, item.type, scope)
        case s.TypeQualified(qualifier, inner):
            known_qualifier(walk, qualifier, kind.qualifier_span)
            type_names(walk, inner, scope)
        case s.TypePower(base, exponent):
            type_names(walk, base, scope)
            expression(walk, exponent, scope, "static")
        case s.TypeArrow(source, target):
            type_names(walk, source, scope)
            type_names(walk, target, scope)
        case s.TypeUnion(arms):
            for arm in arms:
                type_names(walk, arm.type, scope)
        case s.TypeRecord():
            _record(walk, kind, scope)
        case _:
            pass


def _type_name(walk: Walk, kind: s.TypeName) -> None:
    if kind.module:
        if not walk.is_alias(kind.module):
            near = walk.spelling.nearest(kind.module, walk.names.modules[walk.module].aliases)
            place = Span(kind.span.start, kind.span.start + len(kind.module), kind.span.source)
            text = f"no module is imported as `{kind.module}`"
            walk.found.append(Diagnostic("A0604", text, place, nearest_label(near), hint=(*near, "")[0]))
            return
        end = kind.span.start + len(kind.module) + 1 + len(kind.name)
        definition = walk.member(kind.module, kind.name, Span(kind.span.start, end, kind.span.source))
        missing = definition is None
    else:
        definition = walk.find(kind.name, kind.span)
        missing = False
    if definition is not None and definition.declaration.kind != "type":
        what = definition.declaration.kind
        text = f"`{kind.name}` is {'an' if what == 'op' else 'a'} {what}; a type belongs here"
        walk.found.append(Diagnostic("A0107", text, _head(kind)))
    elif definition is None and not missing and kind.name not in SCALARS:
        walk.found.append(_unknown(walk, kind.name, _head(kind)))


def known_qualifier(walk: Walk, name: str, span: Span) -> None:
    """Complain of a qualifier that std does not declare."""
    known = qualifiers.qualifiers(walk.names)
    if name not in known:
        near = walk.spelling.nearest(name, known)
        text = f"there is no qualifier `{name}`"
        label = nearest_label(near) or f"known: {', '.join(known)}"
        walk.found.append(Diagnostic("A0114", text, span, label, hint=(*near, "")[0]))


def _head(kind: s.TypeName) -> Span:
    start = kind.span.start + (len(kind.module) + 1 if kind.module else 0)
    return Span(start, start + len(kind.name), kind.span.source)


def _unknown(walk: Walk, name: str, span: Span) -> Diagnostic:
    near = walk.spelling.nearest(
        name, lambda: {*SCALARS, *(entry for entry in walk.names.known(walk.module) if _is_type(walk, entry))}
    )
    hint = ELSEWHERE.get(name.lower(), "") or (*near, "")[0]
    label = nearest_label(near) if hint in near else ""
    return Diagnostic("A0109", f"there is no type `{name}`", span, label, hint=hint)


def _is_type(walk: Walk, name: str) -> bool:
    definition = walk.names.find(walk.module, name)
    return definition is not None and definition.declaration.kind == "type"


def _dim(walk: Walk, dim: "s.Expr | s.DimRange | s.DimRest", scope: Scope) -> None:
    match dim:
        case s.DimRange(low, high):
            for bound in (low, high):
                if bound is not None:
                    expression(walk, bound, scope, "static")
        case s.DimRest(value):
            if value is not None:
                expression(walk, value, scope, "static")
        case s.Hole():
            pass
        case _:
            expression(walk, dim, scope, "static")


def _labels(walk: Walk, items: tuple[s.TypeItem, ...]) -> None:
    first: dict[str, s.TypeItem] = {}
    for item in items:
        if item.label and item.label in first:
            walk.found.append(twice(item.label, label_span(item), label_span(first[item.label])))
        first.setdefault(item.label, item)


def label_span(item: s.TypeItem) -> Span:
    """Return where the label of an item stands."""
    return Span(item.span.start, item.span.start + len(item.label), item.span.source)


# ---------------------------------------------------------------- records
def _record(walk: Walk, record: s.TypeRecord, scope: Scope) -> None:
    members = walk.records.members(walk.module, record)
    inner: Scope | None = None
    first: dict[str, Span] = {}
    for member in record.members:
        type_names(walk, member.type, scope)
        if isinstance(member, s.TypeSpread):
            continue
        if member.name in first:
            walk.found.append(twice(member.name, member.name_span, first[member.name]))
        first.setdefault(member.name, member.name_span)
        annotations(walk, member.annotations)
        if member.where is None and member.default is None:
            continue
        inner = inner or field_scope(walk, members, scope)
        inner["it"] = Local("value", member.span, walk.records.members(walk.module, member.type))
        for clause in (member.where, member.default):
            if clause is not None:
                predicate(walk, clause, inner, members)


def field_scope(walk: Walk, members: Members | None, scope: Scope) -> Scope:
    """Return `scope` with the fields of a record and the functions of predicates."""
    inner = {**scope, **{name: Local("function", NOWHERE) for name in PREDICATES}}
    for name, member in members.fields.items() if members is not None else ():
        walk.records.budget -= 1
        inner[name] = Local("field", member.field.name_span, walk.records.members(member.module, member.field.type))
    return inner


def predicate(walk: Walk, clause: s.Expr, scope: Scope, members: Members | None) -> None:
    """Resolve a `where` or a default of a type, whose names are fields first of all."""
    before = len(walk.found)
    expression(walk, clause, scope, "static")
    kept: list[Diagnostic] = []
    for found in walk.found[before:]:
        if found.code == "A0101" and members is not None and not members.complete:
            continue
        kept.append(_field(walk, found, members) if found.code == "A0101" else found)
    walk.found[before:] = kept


def _field(walk: Walk, found: Diagnostic, members: Members | None) -> Diagnostic:
    name = found.span.text
    if name in ("True", "False"):
        return Diagnostic("A0502", f"there is no field `{name}` here", found.span, hint=name.lower())
    after = found.span.source.text[found.span.end : found.span.end + 1] if found.span.source else ""
    if after == "(":
        label = f"there are: {', '.join(FUNCTIONS)}"
        return Diagnostic("A0502", f"no function over fields is called `{name}`", found.span, label)
    near = walk.spelling.nearest(name, lambda: (*(members.fields if members is not None else ()), "it"))
    text = f"there is no field `{name}` here"
    return Diagnostic("A0502", text, found.span, nearest_label(near), hint=(*near, "")[0])


def annotations(walk: Walk, found: tuple[s.Annotation, ...]) -> None:
    """Warn about annotations that nothing reads."""
    for annotation in found:
        if annotation.name not in ANNOTATIONS:
            near = walk.spelling.nearest(annotation.name, ANNOTATIONS)
            text = f"nothing reads the annotation `@{annotation.name}`"
            label = nearest_label(near) or f"known: {', '.join(f'@{name}' for name in ANNOTATIONS)}"
            hint = f"@{near[0]}" if near else ""
            walk.found.append(Diagnostic("A0111", text, annotation.span, label, hint=hint, severity="warning"))
