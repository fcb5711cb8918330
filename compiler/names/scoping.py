"""An expression or a type and the names in scope -> what it mentions, and which of its names mean nothing."""

from dataclasses import dataclass, field
from typing import Literal

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Span
from archc.names.fields import Members, Records
from archc.names.scope import SCALARS, Scopes
from archc.names.shares import weights
from archc.names.spelling import Spelling
from archc.shapes import FUNCTIONS
from archc.values import Definition

Place = Literal["network", "static", "any", "pattern"]
MEASURES = ("depth", "nodes", "count", "params", "macs", "flops")
PATTERNS = ("rearrange", "reduce", "broadcast", "einsum")


@dataclass(slots=True)
class Local:
    """A name that a declaration binds. `kind` is what a reader would call it; a field knows its own fields."""

    kind: str
    span: Span
    members: Members | None = None
    used: bool = False


Scope = dict[str, Local]


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a declaration is mentioned."""

    definition: Definition
    span: Span


@dataclass(slots=True)
class Walk:
    """One walk over a declaration of `module`; `hidden` says why some names of its signature are not to be had."""

    names: Scopes
    module: int
    records: Records
    spelling: Spelling
    kind: str = ""
    found: list[Diagnostic] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    hidden: dict[str, str] = field(default_factory=dict)
    annotated: list[tuple[s.TypeExpr, Scope]] = field(default_factory=list)

    def find(self, name: str, span: Span) -> Definition | None:
        """Return the declaration called `name` and note the mention."""
        definition = self.names.find(self.module, name)
        if definition is not None:
            self.used.add(name)
            self.mentions.append(Mention(definition, span))
        return definition

    def member(self, alias: str, name: str, span: Span) -> Definition | None:
        """Return `alias.name` and note the mention, or complain that it is not there."""
        self.used.add(alias)
        definition = self.names.member(self.module, alias, name)
        if definition is not None:
            self.mentions.append(Mention(definition, span))
            return definition
        number = self.names.modules[self.module].aliases[alias]
        near = self.spelling.nearest(name, self.names.modules[number].own)
        place = Span(span.end - len(name), span.end, span.source)
        self.found.append(
            Diagnostic("A0604", f"`{alias}` has no `{name}`", place, nearest_label(near), hint=(*near, "")[0])
        )
        return None

    def is_alias(self, name: str) -> bool:
        """Return whether `name` stands for an imported module here."""
        return name in self.names.modules[self.module].aliases


def nearest_label(near: tuple[str, ...]) -> str:
    """Return the text under the carets of an unknown name."""
    return f"nearest: {', '.join(near)}" if near else ""


def expression(walk: Walk, expr: "s.Expr | s.Spread", scope: Scope, place: Place = "any") -> None:
    """Resolve every name in `expr`."""
    match expr:
        case s.Ref():
            _name(walk, expr, scope, place, expr.span)
        case s.Call():
            _call(walk, expr, scope, place)
        case s.Attribute():
            _attribute(walk, expr, scope, place)
        case s.Body():
            _body(walk, expr, scope, place)
        case s.Fold():
            expression(walk, expr.values, scope, "static")
            inner = dict(scope)
            for name in expr.names:
                at = expr.span.start + max(expr.span.text.find(name, len("for")), 0)
                bind(walk, inner, name, Local("loop variable", Span(at, at + len(name), expr.span.source)))
            expression(walk, expr.body, inner, place)
        case s.If(condition, then, otherwise):
            expression(walk, condition, scope, "static")
            expression(walk, then, scope, place)
            expression(walk, otherwise, scope, place)
        case s.Choice(arms):
            walk.found.extend(weights(expr, walk.kind))
            for arm in arms:
                if arm.weight is not None and len(arms) > 1:
                    expression(walk, arm.weight, scope, "static")
                expression(walk, arm.value, scope, place)
        case s.Hole(span):
            text = "`_` leaves an argument open, and this is none"
            walk.found.append(Diagnostic("A0405", text, span, hint="write a choice, as in 1 | 2 | 4"))
        case _:
            _parts(walk, expr, scope, place)


def _parts(walk: Walk, expr: "s.Expr | s.Spread", scope: Scope, place: Place) -> None:
    inside: Place = "pattern" if place == "pattern" else "static"
    match expr:
        case s.Pipe(stages):
            for stage in stages:
                expression(walk, stage, scope, "pattern" if place == "pattern" else "network")
        case s.Tuple(items):
            for item in items:
                expression(walk, item, scope, place)
        case s.List(entries):
            for entry in entries:
                expression(walk, entry, scope, inside)
        case s.Binary(operator, left, right):
            expression(walk, left, scope, place if operator == "*" else inside)
            expression(walk, right, scope, inside)
        case s.Compare(_, left, right):
            expression(walk, left, scope, inside)
            expression(walk, right, scope, inside)
        case s.Logic(_, parts):
            for part in parts:
                expression(walk, part, scope, inside)
        case s.Negative(value) | s.Not(value) | s.Spread(value):
            expression(walk, value, scope, inside)
        case s.Range(low, high, step):
            for bound in (low, high, step):
                if bound is not None:
                    expression(walk, bound, scope, inside)
        case s.Record(bindings):
            _bindings(walk, bindings, scope)
        case _:
            pass


def _bindings(walk: Walk, bindings: tuple[s.Binding, ...], scope: Scope) -> None:
    first: dict[str, Span] = {}
    for binding in bindings:
        if binding.name in first:
            walk.found.append(twice(binding.name, binding.span, first[binding.name]))
        first.setdefault(binding.name, binding.span)
        expression(walk, binding.value, scope)


def _body(walk: Walk, body: s.Body, scope: Scope, place: Place) -> None:
    inner = dict(scope)
    lets: list[tuple[s.Statement, list[Local]]] = []
    for statement in body.statements:
        if statement.type is not None:
            walk.annotated.append((statement.type, dict(inner)))
        expression(walk, statement.value, inner)
        made = [Local(f"`{statement.kind}`", span) for span in statement.name_spans]
        for name, local in zip(statement.names, made, strict=True):
            bind(walk, inner, name, local)
        if statement.kind == "let":
            lets.append((statement, made))
    expression(walk, body.value, inner, place)
    for statement, locals_ in lets:
        if not any(local.used for local in locals_):
            name, span = statement.names[0], statement.name_spans[0]
            label = "nothing after it mentions it"
            walk.found.append(Diagnostic("A0113", f"`{name}` is not used", span, label, severity="warning"))


def bind(walk: Walk, scope: Scope, name: str, local: Local) -> None:
    """Add `name` to `scope`; complain where it would hide another name of the declaration."""
    if name in scope:
        walk.found.append(twice(name, local.span, scope[name].span, scope[name].kind))
        local.used = scope[name].used = True
    scope[name] = local


def twice(name: str, span: Span, first: Span, kind: str = "") -> Diagnostic:
    """Return the complaint about a name that stands for two things."""
    note = Note(f"`{name}`", f"first declared, as a {kind.strip('`')}" if kind else "first declared", first)
    return Diagnostic("A0105", f"`{name}` is declared twice", span, "the second", (note,), "rename one of them")


# ---------------------------------------------------------------- mentions
def _name(walk: Walk, ref: s.Ref, scope: Scope, place: Place, whole: Span) -> None:
    name = ref.name
    if name in scope:
        scope[name].used = True
        return
    definition = walk.find(name, ref.span)
    if definition is not None:
        if definition.declaration.kind == "type":
            walk.found.append(Diagnostic("A0107", f"`{name}` is a type; a value belongs here", ref.span))
        return
    if name in FUNCTIONS or (place == "pattern" and name[0].islower()):
        return
    if walk.is_alias(name):
        walk.used.add(name)
        walk.found.append(Diagnostic("A0107", f"`{name}` is a module; one of its names belongs here", ref.span))
        return
    walk.found.append(unknown(walk, ref, scope, place, whole))


def unknown(walk: Walk, ref: s.Ref, scope: Scope, place: Place, whole: Span) -> Diagnostic:
    """Return the complaint about a name that is not there, with the names nearest to it."""
    name = ref.name
    elsewhere = next(
        (walk.names.elsewhere(walk.module, n) for n in (name, name[0].upper() + name[1:]) if n[0].isupper()), ""
    )
    if elsewhere and name[0].isupper():
        return Diagnostic("A0101", f"there is no `{name}` here", ref.span, "std.nn has it", hint=elsewhere)
    if name in SCALARS:
        text = f"`{name}` is a type; a value belongs here"
        return Diagnostic("A0107", text, ref.span, hint=f"{name}[] for a list of such values")
    near = walk.spelling.nearest(name, lambda: _candidates(walk, scope, place))
    local = bool(near) and near[0] in scope
    operation = (place == "network" and not local) or (place == "any" and bool(near) and _is_kind(walk, near[0], "op"))
    text = f"no op is called `{name}`" if operation and name[0].islower() else f"there is no `{name}` here"
    if name in MEASURES and walk.kind != "space":
        return Diagnostic("A0101", text, ref.span, "a measure of the members of a space")
    if name in walk.hidden:
        return Diagnostic("A0101", f"there is no `{name}` here", ref.span, walk.hidden[name])
    if elsewhere:
        return Diagnostic("A0101", text, ref.span, f"std.nn has `{elsewhere[15:-1]}`", hint=elsewhere)
    return Diagnostic("A0101", text, ref.span, nearest_label(near), hint=_replaced(whole, ref, near[0]) if near else "")


def _candidates(walk: Walk, scope: Scope, place: Place) -> set[str]:
    known = set(walk.names.known(walk.module))
    walk.spelling.budget -= len(known)
    if place == "network":
        return {*(name for name in known if _is_architecture(walk, name)), *scope}
    if place == "any":
        return {*(name for name in known if not _is_kind(walk, name, "type")), *FUNCTIONS, *scope}
    return {*(name for name in known if _is_kind(walk, name, "const", "fn")), *FUNCTIONS, *scope}


def _is_kind(walk: Walk, name: str, *kinds: str) -> bool:
    definition = walk.names.find(walk.module, name)
    return definition is not None and definition.declaration.kind in kinds


def _is_architecture(walk: Walk, name: str) -> bool:
    return _is_kind(walk, name, "op", "block", "model", "space")


def _replaced(whole: Span, ref: s.Ref, name: str) -> str:
    text = whole.text
    if ref.span == whole or not text or len(text) > 60 or "\n" in text:
        return name
    start = ref.span.start - whole.start
    return text[:start] + name + text[start + len(ref.name) :]


def _call(walk: Walk, call: s.Call, scope: Scope, place: Place) -> None:
    function = call.function
    if isinstance(function, s.Ref):
        _name(walk, function, scope, place, call.span)
    else:
        expression(walk, function, scope, place)
    pattern = isinstance(function, s.Ref) and function.name in PATTERNS and function.name not in scope
    for number, argument in enumerate(call.arguments):
        if isinstance(argument.value, s.Hole):
            continue
        if not argument.name and (misspelt := _named_by_colon(walk, argument.value, scope)):
            walk.found.append(misspelt)
            continue
        fresh = place == "pattern" or (pattern and (argument.name == "p" or (number == 0 and not argument.name)))
        expression(walk, argument.value, scope, "pattern" if fresh else "any")


def _named_by_colon(walk: Walk, value: s.Expr, scope: Scope) -> Diagnostic | None:
    """Return the complaint about `f(pad: 1)`, which reads as an arm of the weight `pad`."""
    match value:
        case s.Choice((s.Arm(s.Ref(name) as weight, inner, False), *others)) if not others or not _is_known(
            walk, name, scope
        ):
            assert inner.span.source is not None
            colon = inner.span.source.text.find(":", weight.span.end)
            span = Span(colon, colon + 1, inner.span.source)
            return Diagnostic("A0001", "expected `=`, found `:`", span, hint=f"a value is given with `=`: {name} = ...")
    return None


def _is_known(walk: Walk, name: str, scope: Scope) -> bool:
    return name in scope or walk.names.find(walk.module, name) is not None


def _attribute(walk: Walk, expr: s.Attribute, scope: Scope, place: Place) -> None:
    root = expr.value
    if (
        isinstance(root, s.Ref)
        and root.name not in scope
        and walk.is_alias(root.name)
        and walk.find(root.name, root.span) is None
    ):
        definition = walk.member(root.name, expr.name, expr.span)
        if definition is not None and definition.declaration.kind == "type":
            walk.found.append(Diagnostic("A0107", f"`{expr.name}` is a type; a value belongs here", expr.span))
        return
    expression(walk, root, scope, "any")
    members = _path(walk, root, scope)
    if members is not None and members.complete and expr.name not in members.fields:
        near = walk.spelling.nearest(expr.name, members.fields)
        span = Span(expr.span.end - len(expr.name), expr.span.end, expr.span.source)
        text = f"there is no field `{expr.name}` here"
        walk.found.append(Diagnostic("A0502", text, span, nearest_label(near), hint=(*near, "")[0]))


def _path(walk: Walk, expr: s.Expr, scope: Scope) -> Members | None:
    """Return the fields of what a path such as `lines.amount` leads to, where they are known."""
    if isinstance(expr, s.Attribute):
        members = _path(walk, expr.value, scope)
        member = members.fields.get(expr.name) if members is not None else None
        return walk.records.members(member.module, member.field.type) if member is not None else None
    return scope[expr.name].members if isinstance(expr, s.Ref) and expr.name in scope else None
