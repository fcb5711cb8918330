"""An architecture and what flows into it -> what flows out: the typing rules, for checking and for building."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_type
from archc.grammar.source import Span
from archc.names.mentions import names_of
from archc.rules.arguments import bind, some_of_steps
from archc.rules.arrows import apply_given, probe
from archc.rules.choice import choose
from archc.rules.choices import decide, settle
from archc.rules.conditions import demand
from archc.rules.emission import emit
from archc.rules.instantiate import instantiate
from archc.rules.match import match, parts_of
from archc.rules.nearest import with_hint
from archc.rules.obligations import settle_debts
from archc.rules.openness import free_names
from archc.rules.operands import short
from archc.rules.qualify import promised, require_implied, through
from archc.rules.repeat import fold, repeat
from archc.rules.session import Blame, Known, Refusal, Session, Site
from archc.rules.settled import settled_by
from archc.rules.sharing import check_shared
from archc.rules.static import evaluate
from archc.rules.structure import ARITHMETIC, RULES, STRUCTURAL, only_numbers
from archc.sizes.size import Size
from archc.tensor import Product
from archc.values import (
    ARCHITECTURES,
    UNKNOWN,
    Applied,
    Architecture,
    Closure,
    Decided,
    Definition,
    Env,
    Flow,
    Given,
    Items,
    Layer,
    Method,
    Value,
    bundle,
    flow,
    show,
    what,
)  # fmt: skip


def apply(session: Session, value: Value, into: Flow, span: Span, layer: Layer | None = None) -> Flow:
    """Return what comes out of `value` when `into` flows in.

    Raises Refusal with the diagnostic where that does not type, Fork where it depends on an undecided condition.
    """
    match value:
        case Flow():
            return value
        case Applied():
            return _recalled(session, value, into, Site(span if layer else value.span, layer))
        case Closure(expr, env):
            return _expression(session, expr, env, into, layer)
        case Given():
            return apply_given(session, value, into, span)
        case Layer(architecture):
            return _shared(session, value, architecture, into, span)
        case Decided(architecture, by) if session.memory is not None:
            return session.memory.decided(architecture, by, into, lambda: apply(session, architecture, into, span))
        case Decided(architecture, by):
            return _decided(session, architecture, by, into, span)
        case Method(owner, applied):
            return _recalled(session, applied, into, Site(value.span, owner))
        case _:
            text = f"a layer belongs here; this is {what(value)}"
            hint = f"linear({show(value)})" if isinstance(value, Size) else ""
            raise Refusal(Diagnostic("A0301", text, span, hint=hint))


def _decided(session: Session, architecture: Architecture, by: object, into: Flow, span: Span) -> Flow:
    """Repeat the choices that were made when the architecture got its name."""
    before = session.chooser
    assert before is not None
    session.chooser = before.again(by)
    try:
        return apply(session, architecture, into, span)
    finally:
        session.chooser = before


def _expression(session: Session, expr: s.Expr, env: Env, into: Flow, layer: Layer | None) -> Flow:
    session.count_step(expr.span)
    match expr:
        case s.Pipe(stages):
            if session.memory is None:
                return _piped(session, stages, env, into)
            return session.memory.piped(expr, env, into, lambda some, flow: _piped(session, some, env, flow))
        case s.Tuple(items):
            return bundle(tuple(apply(session, evaluate(session, item, env), into, item.span) for item in items))
        case s.Body():
            return _body(session, expr, env, into)
        case s.Fold():
            return fold(session, expr, env, into, apply)
        case s.Binary():
            return repeat(session, expr, env, into, apply)
        case s.Choice():
            return choose(session, expr, env, into, apply)
        case _:
            return apply(session, evaluate(session, expr, env), into, expr.span, layer)


def _piped(session: Session, stages: Sequence[s.Expr], env: Env, into: Flow) -> Flow:
    for stage in stages:
        into = apply(session, evaluate(session, stage, env), into, stage.span)
        session.stages += 1
    return into


# ---------------------------------------------------------------- bodies and folds
def _body(session: Session, body: s.Body, env: Env, into: Flow) -> Flow:
    for statement in body.statements:
        env = named(session, statement, _statement(session, statement, env, into), env)
    return apply(session, evaluate(session, body.value, env), into, body.value.span)


def named(session: Session, statement: s.Statement, value: Value, env: Env) -> Env:
    """Return an environment with the names of a statement. Raises Refusal where there are more or fewer than parts."""
    if not statement.is_tuple:
        return env.bind(**{statement.names[0]: value})
    parts = _unpack(session, value, len(statement.names), statement)
    return env.bind(**dict(zip(statement.names, parts, strict=True)))


def _statement(session: Session, statement: s.Statement, env: Env, into: Flow) -> Value:
    if is_point(statement.value, env):
        result: Value = apply(session, evaluate(session, statement.value, env), into, statement.value.span)
    else:
        result = settle(session, evaluate(session, statement.value, env), statement.value.span, evaluate)
        result = some_of_steps(session, result, statement.value.span)
        if statement.kind == "let" or session.chooser is not None:
            result = decide(session, result, statement.value.span)
        if statement.kind == "let" and isinstance(result, (Applied, Closure, Decided)):
            result = Layer(result, object(), statement.value.span)
            if session.emitter is not None:
                session.emitter.define(result)
    if statement.kind == "choose" and not session.flexible and session.chooser is None:
        hint = "declare this as a space, or use `let`"
        raise Refusal(
            Diagnostic("A0302", "`choose` makes a choice, and only a space has choices", statement.span, hint=hint)
        )
    return result


def is_point(expr: s.Expr, env: Env) -> bool:
    """Return whether `expr` is a tensor by itself: a named input, a `let` of a point, `p -> f`, or a form of points only."""
    match expr:
        case s.Ref(name):
            return isinstance(env.names.get(name), Flow)
        case s.Pipe(stages):
            return is_point(stages[0], env)
        case s.Tuple(items):
            return bool(items) and all(is_point(item, env) for item in items)
        case s.Choice(arms):
            return all(is_point(arm.value, env) for arm in arms)
        case s.If(_, then, otherwise):
            return is_point(then, env) and is_point(otherwise, env)
        case _:
            return False


def _unpack(session: Session, value: Value, count: int, statement: s.Statement) -> Sequence[Value]:
    parts: Sequence[Value] = ()
    if isinstance(value, Flow) and isinstance(value.type, Product):
        parts = parts_of(value)
    elif isinstance(value, Items):
        parts = value.values
    if len(parts) != count:
        text = f"{count} names stand here for {len(parts) or 1} value{'s' if len(parts) > 1 else ''}"
        hint = ""
        if isinstance(value, ARCHITECTURES):
            text, hint = f"{count} names stand here for one layer", f"x -> {short(statement.value.span)}, of an input x"
        raise Refusal(Diagnostic("A0103", text, statement.span, hint=hint))
    return parts


# ---------------------------------------------------------------- mentions
def _recalled(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    if session.memory is None:
        return _applied(session, applied, into, site)
    return session.memory.applied(applied, into, site, lambda: _applied(session, applied, into, site))


def _applied(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    session.count_step(site.span, 30 + session.depth)
    declaration = applied.definition.declaration
    if declaration.kind != "op" and session.recursive(applied.definition) and declaration.type is None:
        text = f"`{declaration.name}` mentions itself, so its type must be declared"
        raise Refusal(
            Diagnostic("A0402", text, site.span, hint=f"{declaration.kind} {declaration.name} : a -> b = ...")
        )
    before = session.blame
    session.descend(site.span)
    try:
        return _mention(session, applied, into, site)
    except Refusal as refusal:
        raise Refusal(with_hint(session, refusal.diagnostic, applied, into, site, _mention)) from None
    finally:
        session.depth -= 1
        session.blame = before


def _mention(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    if applied.definition.declaration.kind == "op":
        return _op(session, applied, into, site)
    return _block(session, applied, into, site)


def signature(declaration: s.Declaration) -> s.TypeArrow | None:
    """Return the declared type of an architecture, or None where it is left to inference."""
    if isinstance(declaration.type, s.TypeArrow):
        return declaration.type
    if declaration.type is None:
        return None
    text = f"`{declaration.name}` is a network, and its type goes from input to output"
    raise Refusal(Diagnostic("A0107", text, declaration.type.span, hint=f"{format_type(declaration.type)} -> [...]"))


def _known(values: dict[str, Value], applied: Applied) -> tuple[Known, ...]:
    """Return the arguments as notes; defaults that no one wrote are left out."""
    order = [parameter.name for parameter in applied.definition.declaration.parameters or ()]
    given = {
        name or order[place]: span
        for place, (name, _, span) in enumerate(applied.arguments)
        if name or place < len(order)
    }
    return tuple(
        Known(name, value, f"given to {applied.definition.name}", given[name])
        for name, value in values.items()
        if name in given and not isinstance(value, ARCHITECTURES)
    )


def _op(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    definition = applied.definition
    declaration = definition.declaration
    kind = declaration.type
    assert isinstance(kind, s.TypeArrow)
    env = Env(definition.module, {})
    if definition.module == 0 and declaration.name in RULES:
        return RULES[declaration.name](session, applied, into, site)
    values = bind(session, declaration, applied.arguments, site.span, env, evaluate)
    blame = Blame(declaration.name, kind.source, into.type, site.span, _known(values, applied))
    if definition.module == 0 and declaration.name in STRUCTURAL:
        return STRUCTURAL[declaration.name](session, values, into, blame, site, apply)
    settled, key = session.declarations.settled, None if session.flexible else settled_by(definition, values, into.type)
    if key in settled.known:
        names, output, steps = settled.known[key]
        session.count_step(site.span, steps)  # so that a limit ends a program wherever it did
        session.blame = blame
        check_shared(session, declaration.name, values, into.type, output, site)
        return emit(session, definition, values, into, output, site, names)
    before = session.budget.spent
    names, known = match(session, kind.source, into, Env(definition.module, values), blame)
    session.blame = blame = Blame(blame.subject, blame.needs, blame.got, blame.span, (*blame.known, *known))
    if definition.module == 0 and declaration.name in ARITHMETIC:
        only_numbers(into.type, blame)
    inner = Env(definition.module, names)
    for clause in declaration.where:
        demand(session, clause, inner, site.span, evaluate, clauses=declaration.where)
    output = instantiate(session, kind.target, inner, blame)
    if key is not None:
        settled.note(key, names, output, session.budget.spent - before)
    check_shared(session, declaration.name, values, into.type, output, site)
    return emit(session, definition, values, into, output, site, names)


def _block(session: Session, applied: Applied, into: Flow, site: Site) -> Flow:
    definition = applied.definition
    declaration = definition.declaration
    kind = signature(declaration)
    values = bind(session, declaration, applied.arguments, site.span, Env(definition.module, {}), evaluate)
    if kind is None:
        return _inside(session, applied, values, into, site)
    names, blame = enter(session, applied, values, into, site)
    if session.chooser is None or not session.chooser.trusted or _needs_probe(definition, names):
        names = probe(session, definition, names, blame, into, apply)
    admit(session, definition, names, blame)
    summary = session.declarations.summary(definition)
    if (
        session.emitter is not None
        or _is_drawn(session, declaration)
        or (summary.inline and not session.recursive(definition))
    ):
        return _inside(session, applied, names, into, site)
    made = promised(session, _output(session, definition, names, blame, site), into, site.span)
    if summary.cyclic or (declaration.kind == "space" and session.recursive(definition)):
        return made
    return through(session, definition, names, into, made, lambda: _inside(session, applied, names, into, site))


def _output(session: Session, definition: Definition, names: dict[str, Value], blame: Blame, site: Site) -> Flow:
    """Return the output that a declaration promises."""
    kind = definition.declaration.type
    assert isinstance(kind, s.TypeArrow)
    return flow(instantiate(session, kind.target, Env(definition.module, names), blame), site.span)


def _needs_probe(definition: Definition, names: Mapping[str, Value]) -> bool:
    """Return whether the body reads a size that only the result of an argument tells.

    A drawn member is well typed, and typing its arguments apart from their mentions would double the work at each level.
    """
    declaration = definition.declaration
    told: set[str] = set()
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow):
            told.update(name for name in names_of(parameter.type.target) if name not in names)
    read = [declaration.value, *declaration.where] if told else []
    return any(expr is not None and told & free_names(expr)[0] for expr in read)


def _is_drawn(session: Session, declaration: s.Declaration) -> bool:
    """Return whether a space is mentioned where its choices are made: then its output is what they give."""
    return session.chooser is not None and declaration.kind == "space"


def enter(
    session: Session, applied: Applied, values: dict[str, Value], into: Flow, site: Site
) -> tuple[dict[str, Value], Blame]:
    """Return the names that a body sees at this input: its parameters, the sizes of its signature, its named inputs."""
    definition = applied.definition
    kind = signature(definition.declaration)
    assert kind is not None
    blame = Blame(definition.name, kind.source, into.type, site.span, _known(values, applied))
    names, known = match(session, kind.source, into, Env(definition.module, values), blame)
    blame = Blame(definition.name, blame.needs, blame.got, blame.span, (*blame.known, *known))
    session.blame = blame
    names.update(_labels(kind.source, into))
    require_implied(session, kind, into.type, blame)
    return names, blame


def admit(session: Session, definition: Definition, names: dict[str, Value], blame: Blame) -> None:
    """Require what a declaration asks of its parameters and sizes. Raises Refusal."""
    declaration = definition.declaration
    env = Env(definition.module, names)
    for clause in declaration.where:
        if not measures(declaration, clause):
            demand(session, clause, env, blame.span, evaluate, clauses=declaration.where)
    settle_debts(session, session.declarations.summary(definition).obligations, names, blame)


MEASURES = ("depth", "nodes", "count", "params", "macs", "flops")


def measures(declaration: s.Declaration, clause: s.Expr) -> bool:
    """Return whether a `where` clause of a space bounds a measure of its derivations."""
    return declaration.kind == "space" and is_measure(clause)


def is_measure(clause: s.Expr) -> bool:
    """Return whether an expression mentions a measure."""
    stack: list[s.Expr] = [clause]
    while stack:
        match stack.pop():
            case s.Ref(name) if name in MEASURES:
                return True
            case s.Attribute(_, name) if name in MEASURES:
                return True
            case s.Call(function):
                stack.append(function)
            case s.Compare(_, left, right) | s.Binary(_, left, right):
                stack.extend((left, right))
            case s.Logic(_, items):
                stack.extend(items)
            case s.Not(inner):
                stack.append(inner)
            case _:
                pass
    return False


def _labels(source: s.TypeExpr, into: Flow) -> dict[str, Value]:
    """Return the named inputs of a block as points."""
    if not isinstance(source, s.TypeTuple):
        return {}
    if len(source.items) == 1:
        return {source.items[0].label: into} if source.items[0].label else {}
    while isinstance(into.type, Product) and len(into.type.items) == 1:  # (T) is T
        into = parts_of(into)[0]
    if into.type == UNKNOWN:
        return {item.label: into for item in source.items if item.label}
    return {item.label: part for item, part in zip(source.items, parts_of(into), strict=True) if item.label}


def _inside(session: Session, applied: Applied, names: dict[str, Value], into: Flow, site: Site) -> Flow:
    """Walk the body of a block at this use."""
    definition = applied.definition
    declaration = definition.declaration
    assert declaration.value is not None
    if session.flexible and declaration.kind == "space" and session.recursive(definition):
        blame = Blame(declaration.name, "", None, site.span)
        return promised(session, _output(session, definition, names, blame, site), into, site.span)
    session.inside.append(definition)
    try:
        if session.emitter is None:
            return _used(session, declaration, Env(definition.module, names), into, site)
        if is_combinator(declaration):
            return _walk(session, declaration, Env(definition.module, names), into)

        def walk(inner: Flow) -> Flow:
            return _walk(session, declaration, _relabel(definition, names, inner), inner)

        return session.emitter.call(declaration, names, into, site, walk)
    finally:
        session.inside.pop()


def _used(session: Session, declaration: s.Declaration, env: Env, into: Flow, site: Site) -> Flow:
    """Walk a body at one use, of which a complaint about it tells."""
    try:
        return _walk(session, declaration, env, into)
    except Refusal as refusal:
        note = Note(declaration.name, f"gets {into.type} here,", site.span)
        raise Refusal(replace(refusal.diagnostic, notes=(*refusal.diagnostic.notes, note))) from None


def _relabel(definition: Definition, names: dict[str, Value], inner: Flow) -> Env:
    declaration = definition.declaration
    source = declaration.type.source if isinstance(declaration.type, s.TypeArrow) else None
    return Env(definition.module, {**names, **(_labels(source, inner) if source is not None else {})})


def _walk(session: Session, declaration: s.Declaration, env: Env, into: Flow) -> Flow:
    assert declaration.value is not None
    session.blame = None
    return apply(session, evaluate(session, declaration.value, env), into, declaration.value.span)


def is_combinator(declaration: s.Declaration) -> bool:
    """Return whether a block is transparent: what it is given and what it adds belong to the body that mentions it."""
    return any(
        isinstance(parameter.type, (s.TypeArrow, s.TypeVariable)) and parameter.default is None
        for parameter in declaration.parameters or ()
    )


def _shared(session: Session, layer: Layer, architecture: Architecture, into: Flow, span: Span) -> Flow:
    if (
        session.emitter is None
        or isinstance(architecture, Applied)
        and not is_combinator(architecture.definition.declaration)
    ):
        return apply(session, architecture, into, span, layer)
    return session.emitter.shared(
        into, Site(layer.span, layer), lambda inner: apply(session, architecture, inner, layer.span)
    )
