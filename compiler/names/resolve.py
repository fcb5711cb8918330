"""Modules and their names -> complaints about every name that means nothing where it stands."""

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Span
from archc.load import Loaded
from archc.names.fields import Records
from archc.names.implicit import Implicit, Named, implicit
from archc.names.qualifiers import ANNOTATIONS, told
from archc.names.scope import Names, Scopes
from archc.names.scoping import MEASURES, Local, Mention, Scope, Walk, bind, expression, nearest_label, twice
from archc.names.spelling import Spelling
from archc.names.typenames import annotations, field_scope, known_qualifier, label_span, predicate, type_names
from archc.shapes import FUNCTIONS
from archc.values import Definition


def resolve(loaded: Loaded, names: Scopes) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the names in all modules but the library, and warnings about those without use."""
    found: list[Diagnostic] = []
    records, spelling = Records(names), Spelling()
    for number, module in enumerate(loaded.modules):
        if number == 0 and loaded.main != 0:
            continue
        used: set[str] = set()
        for item in module.file.items:
            if isinstance(item, s.Declaration):
                walk = Walk(names, number, records, spelling, item.kind)
                declaration(walk, item)
                found.extend(walk.found)
                used |= walk.used
        found.extend(_unused(module.file, names.modules[number], used))
    return tuple(
        {(entry.code, entry.span.start, entry.span.end, id(entry.span.source)): entry for entry in found}.values()
    )


def mentions(names: Scopes, definition: Definition) -> tuple[Mention, ...]:
    """Return every mention of a declaration in `definition`, except in what it promises with `where`."""
    item = definition.declaration
    walk = Walk(names, definition.module, Records(names, budget=0), Spelling(budget=0), item.kind)
    declaration(walk, item)
    if not item.where:
        return tuple(walk.mentions)
    promised = item.where[0].span.to(item.where[-1].span)
    return tuple(entry for entry in walk.mentions if not promised.start <= entry.span.start < promised.end)


def _unused(file: s.File, names: Names, used: set[str]) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for item in file.items:
        if not isinstance(item, s.Import):
            continue
        for name, span in zip(item.names, item.name_spans, strict=True):
            if name in names.own:
                found.append(twice(name, span, names.own[name].declaration.name_span))
        unused = [
            (name, span)
            for name, span in zip(item.names, item.name_spans, strict=True)
            if name not in used and name in names.imported
        ]
        if item.alias and item.alias not in used:
            unused.append((item.alias, item.span))
        elif item.is_file and not item.names and not item.alias and not used.intersection(names.whole):
            unused.append((item.path, item.path_span))
        for name, span in unused:
            text = f"`{name}` is imported and not used"
            found.append(Diagnostic("A0112", text, span, hint="remove it", severity="warning"))
    return found


def declaration(walk: Walk, item: s.Declaration) -> None:
    """Resolve every name in one declaration."""
    annotations(walk, item.annotations)
    if item.kind == "type":
        _type(walk, item)
        return
    names = implicit(item)
    known = {parameter.name: parameter for parameter in item.parameters or ()}
    local = {name: entry for name, entry in names.visible.items() if name not in known and not _is_constant(walk, name)}
    everything = {
        entry.name: Local(_word(entry), entry.span) for entry in names.mentions if not _is_constant(walk, entry.name)
    }
    scope = _parameters(walk, item, everything)
    _kinds(walk, names, known)
    _output_only(walk, item, names, known)
    if item.type is not None:
        type_names(walk, item.type, {**everything, **scope})
    for name, entry in local.items():
        scope[name] = Local(_word(entry), entry.span)
    _labels(walk, item, scope)
    for clause in item.where:
        expression(walk, clause, {**scope, **_measured(item)}, "static")
    _kept(walk, item, scope)
    if item.value is not None:
        network = item.kind in ("block", "model", "space") and not isinstance(item.value, s.Record)
        expression(walk, item.value, scope, "network" if network else "any" if item.kind == "space" else "static")
    _annotated(walk)


def _kept(walk: Walk, item: s.Declaration, scope: Scope) -> None:
    """Resolve what an op says of qualifiers, whose conditions see what its `where` sees."""
    for name, rule in told(item):
        known_qualifier(walk, name, next(a.span for a in item.annotations if a.name in ANNOTATIONS))
        if rule.condition is not None:
            expression(walk, rule.condition, scope, "static")


def _annotated(walk: Walk) -> None:
    for kind, scope in walk.annotated:
        type_names(walk, kind, scope)


def _word(entry: Named) -> str:
    return {"size": "size", "run": "run of axes", "type": "type variable", "": "size"}[entry.sort]


def _is_constant(walk: Walk, name: str) -> bool:
    definition = walk.names.find(walk.module, name)
    return definition is not None and definition.declaration.kind == "const"


def _type(walk: Walk, item: s.Declaration) -> None:
    assert item.type is not None
    scope = _parameters(walk, item, {})
    type_names(walk, item.type, scope)
    if item.where:
        members = walk.records.members(walk.module, item.type)
        inner = field_scope(walk, members, scope)
        inner["it"] = Local("value", item.span, members)
        for clause in item.where:
            predicate(walk, clause, inner, members)


def _parameters(walk: Walk, item: s.Declaration, everything: Scope) -> Scope:
    scope: Scope = {}
    in_types = dict(everything)
    for parameter in item.parameters or ():
        walk.hidden[parameter.name] = "a default sees only the parameters before it"
    for parameter in item.parameters or ():
        if parameter.type is not None:
            type_names(walk, parameter.type, in_types)
        if parameter.default is not None:
            network = isinstance(parameter.type, s.TypeArrow)
            expression(walk, parameter.default, scope, "network" if network else "static")
        start = parameter.span.start
        span = Span(start, start + len(parameter.name), parameter.span.source)
        bind(walk, scope, parameter.name, Local("parameter", span))
        in_types[parameter.name] = scope[parameter.name]
    return scope


def _measured(item: s.Declaration) -> Scope:
    """Return what a `where` of a space may speak of besides sizes: measures, and the fields of its record."""
    if item.kind != "space":
        return {}
    scope = {name: Local("measure", item.span) for name in MEASURES}
    value = item.value
    while isinstance(value, s.Body):
        value = value.value
    if isinstance(value, s.Record):
        scope.update((binding.name, Local("field", binding.span)) for binding in value.bindings)
    return scope


def _labels(walk: Walk, item: s.Declaration, scope: Scope) -> None:
    if not isinstance(item.type, s.TypeArrow) or not isinstance(item.type.source, s.TypeTuple) or item.kind == "op":
        return
    for entry in item.type.source.items:
        if not entry.label:
            continue
        span = label_span(entry)
        before = scope.get(entry.label)
        if before is not None and before.kind in ("size", "run of axes", "type variable"):
            walk.found.append(_two_kinds(entry.label, span, before.span, ("an input", f"a {before.kind}")))
        elif before is not None and before.kind == "parameter":
            walk.found.append(twice(entry.label, span, before.span, "parameter"))
        scope[entry.label] = Local("input", span)


# ---------------------------------------------------------------- what a signature names
def _kinds(walk: Walk, names: Implicit, known: dict[str, s.Parameter]) -> None:
    """Complain of a name that stands for two kinds of thing, or for a declaration that is neither size nor type."""
    first: dict[str, Named] = {}
    blamed: set[str] = set()
    for entry in names.mentions:
        if entry.name in blamed:
            continue
        definition = walk.names.find(walk.module, entry.name)
        before = len(walk.found)
        if entry.name in known:
            _parameter_kind(walk, entry, known[entry.name])
        elif definition is not None or entry.name in FUNCTIONS:
            _other(walk, entry, definition)
        elif entry.sort and first.setdefault(entry.name, entry).sort != entry.sort:
            kinds = (f"a {_word(entry)}", f"a {_word(first[entry.name])}")
            walk.found.append(_two_kinds(entry.name, entry.span, first[entry.name].span, kinds))
        if len(walk.found) > before:
            blamed.add(entry.name)


def _parameter_kind(walk: Walk, entry: Named, parameter: s.Parameter) -> None:
    arrow = isinstance(parameter.type, s.TypeArrow)
    if arrow or (parameter.type is None and entry.sort in ("run", "type")):
        kinds = (f"a {_word(entry)}", "an architecture" if arrow else "a size")
        walk.found.append(_two_kinds(entry.name, entry.span, parameter.span, kinds))


def _other(walk: Walk, entry: Named, definition: Definition | None) -> None:
    kind = definition.declaration.kind if definition is not None else "function"
    if kind != "const":
        article = "an" if kind == "op" else "a"
        text = f"`{entry.name}` is {article} {kind}; a {_word(entry)} belongs here"
        walk.found.append(Diagnostic("A0107", text, entry.span, hint="give it another name"))


def _two_kinds(name: str, span: Span, first: Span, kinds: tuple[str, str]) -> Diagnostic:
    text = f"one name has one kind, and `{name}` is {kinds[0]} and {kinds[1]}"
    note = Note(f"`{name}`", f"{kinds[1]} here", first)
    return Diagnostic("A0110", text, span, f"{kinds[0]} here", (note,), "rename one of them")


def _output_only(walk: Walk, item: s.Declaration, names: Implicit, known: dict[str, s.Parameter]) -> None:
    seen: set[str] = set()
    for entry in names.output_only:
        if entry.name in seen or walk.names.find(walk.module, entry.name) is not None or entry.name in FUNCTIONS:
            continue
        seen.add(entry.name)
        walk.hidden[entry.name] = "only the output names it, so nothing before can ask for it"
        if item.kind in ("space", "op"):
            continue
        near = walk.spelling.nearest(entry.name, lambda: (*names.visible, *known))
        text = f"`{entry.name}` stands only in the output of `{item.name}`, so nothing sets it"
        inner = ", ".join([*known, entry.name])
        hint = (*near, f"{item.name}({inner}), or take it from the input")[0]
        walk.found.append(Diagnostic("A0306", text, entry.span, nearest_label(near), hint=hint))
