"""One declaration under one set of assumptions: its input symbolic, its body typed, its output compared."""

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_expr
from archc.grammar.source import Span
from archc.names.mentions import names_of, solvable
from archc.rules.arguments import require_default, some_of_steps, symbolic
from archc.rules.bounds import require_bounds
from archc.rules.choice import choose
from archc.rules.conditions import formula
from archc.rules.infer import apply, measures, named
from archc.rules.instantiate import instantiate
from archc.rules.match import match
from archc.rules.output import require_output
from archc.rules.qualify import entering
from archc.rules.records import require_listed
from archc.rules.session import Blame, Fork, PerUse, Refusal, Session, cases
from archc.rules.static import evaluate
from archc.rules.weights import weigh
from archc.sizes.prove import Fact
from archc.sizes.size import Size
from archc.tensor import Product, Run, Type, Variable
from archc.values import UNKNOWN, Env, Fields, Flow, Given, Shape, Value, flow, show


def walk(session: Session) -> bool:
    """Type the declaration of `session` once; return False where its assumptions contradict each other.

    Raises Refusal where it does not type, Fork where that depends on a case, PerUse where it depends on the use.
    """
    declaration = session.definition.declaration
    env = _parameters(session)
    kind = declaration.type
    if kind is None or not isinstance(kind, s.TypeArrow):
        return _untyped(session, env)
    env = _bound(session, kind, env)
    if not _assume(session, tuple(entry for entry in session.guard if not isinstance(entry, tuple))):
        return False
    blame = Blame(declaration.name, "", None, kind.source.span)
    into = _entered(kind.source, entering(session, declaration, instantiate(session, kind.source, env, blame)))
    _names, _ = match(session, kind.source, into, Env(env.module, _parameter_names(declaration, env)), blame)
    session.obligations.clear()
    env = Env(env.module, {**env.names, **labels(kind.source, into)})
    require_bounds(session, declaration, env)
    for clause in declaration.where:
        if not measures(declaration, clause) and not _assume_clause(session, clause, env):
            return False
    if declaration.kind == "op" or declaration.value is None:
        return True
    if session.flexible and isinstance(declaration.value, s.Choice):
        _arms(session, declaration.value, kind.target, into, env)
        return True
    result = apply(session, evaluate(session, declaration.value, env), into, declaration.value.span)
    require_output(session, kind.target, result, env)
    return True


def _arms(session: Session, body: s.Choice, target: s.TypeExpr, into: Flow, env: Env) -> None:
    """Type each arm of a space up to its output, so that an arm that never gives what is declared is found."""

    arms = {arm.value.span: arm.value for arm in body.arms}

    def complete(session: Session, value: Value, into: Flow, span: Span) -> Flow:
        result = apply(session, value, into, span)
        require_output(session, target, result, env, arms[span])
        return result

    weigh(session, body, env, evaluate)
    choose(session, body, env, into, complete)


def _entered(source: s.TypeExpr, kind: Type) -> Flow:
    """Return the input of a declaration; the axes of each of several inputs come from its own text."""
    if not isinstance(source, s.TypeTuple) or not isinstance(kind, Product) or len(source.items) != len(kind.items):
        return flow(kind, source.span)
    parts = tuple(flow(part, item.type.span) for part, item in zip(kind.items, source.items, strict=True))
    return Flow(kind, parts)


def _parameter_names(declaration: s.Declaration, env: Env) -> dict[str, Value]:
    parameters = {parameter.name for parameter in declaration.parameters or ()}
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow):
            parameters |= set(names_of(parameter.type.target)) - set(names_of(parameter.type.source))
    return {name: value for name, value in env.names.items() if name in parameters}


def _untyped(session: Session, env: Env) -> bool:
    """A declaration without a type: a recipe is evaluated; a body that needs its input is checked at each use."""
    declaration = session.definition.declaration
    if declaration.kind == "model":
        hint = f"model {declaration.name} : [...] -> [...] = ..."
        text = f"`{declaration.name}` needs a type: a model is built from its input on"
        raise Refusal(Diagnostic("A0213", text, declaration.name_span, hint=hint))
    assert declaration.value is not None
    if not _assume(session, tuple(entry for entry in session.guard if not isinstance(entry, tuple))):
        return False
    require_bounds(session, declaration, env)
    value = declaration.value
    if isinstance(value, (s.Record, s.Body)) and (not isinstance(value, s.Body) or isinstance(value.value, s.Record)):
        return _record(session, value, env)
    raise PerUse


def _record(session: Session, value: "s.Record | s.Body", env: Env) -> bool:
    if isinstance(value, s.Body):
        for statement in value.statements:
            found = some_of_steps(session, evaluate(session, statement.value, env), statement.value.span)
            env = named(session, statement, found, env)
        value = value.value if isinstance(value.value, s.Record) else s.Record(())
    _require_fields(value, evaluate(session, value, env))
    return True


def _require_fields(record: s.Record, found: Value) -> None:
    for binding, (_, value) in zip(record.bindings, found.items if isinstance(found, Fields) else (), strict=False):
        if isinstance(binding.value, s.Record):
            _require_fields(binding.value, value)
        require_listed(value, binding.value.span)


def _parameters(session: Session) -> Env:
    definition = session.definition
    env = Env(definition.module, {})
    for parameter in definition.declaration.parameters or ():
        require_default(session, parameter, definition.declaration, env, evaluate)
        if definition.declaration.kind == "model" and parameter.default is not None:
            value: Value | None = evaluate(session, parameter.default, env)
        else:
            value = symbolic(session, parameter, definition.module)
        if value is not None:
            env = env.bind(**{parameter.name: value})
    return env


def _bound(session: Session, kind: s.TypeArrow, env: Env) -> Env:
    """Bind every size, run and type that belongs to the declaration to a variable of its own name."""
    declaration = session.definition.declaration
    sorts = dict(names_of(kind.source).items())
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow):
            inner = names_of(parameter.type.source)
            sorts.update((name, sort) for name, sort in names_of(parameter.type.target).items() if name not in inner)
            sorts.update(
                (name, sort) for name, sort in inner.items() if name in names_of(kind.target) and name not in sorts
            )
    for name, sort in sorts.items():
        if name in env.names or session.scopes.find(env.module, name) is not None:
            continue
        env = env.bind(**{name: _variable(session, name, sort)})
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow) and parameter.name not in env.names:
            env = env.bind(**{parameter.name: Given(parameter.name, parameter.type, frozenset(), env, parameter.span)})
    return _givens(declaration, env)


def _givens(declaration: s.Declaration, env: Env) -> Env:
    """Let every arrow parameter see all sizes of the block."""
    own = {name: value for name, value in env.names.items() if not isinstance(value, Given)}
    inner = Env(env.module, own)
    again = {
        name: Given(name, value.type, frozenset(), inner, value.span)
        for name, value in env.names.items()
        if isinstance(value, Given)
    }
    return Env(env.module, {**own, **again})


def _variable(session: Session, name: str, sort: str) -> Value:
    if sort == "type":
        return UNKNOWN if session.flexible else Variable(name)
    session.weigh()
    session.context = session.context.declare(name)
    if sort == "size":
        return session.context.reduce(Size.var(name))
    session.context = session.context.declare(f"rank({name})", low=0).declare(f"prod(..{name})", low=1)
    return Shape((Run(name, Size.var(name)),))


def labels(source: s.TypeExpr, into: Flow) -> dict[str, Value]:
    """Return the named inputs of a declaration as points."""
    if not isinstance(source, s.TypeTuple):
        return {}
    parts = (into,) if len(source.items) == 1 else into.parts
    return {item.label: part for item, part in zip(source.items, parts, strict=True) if item.label}


def _assume_clause(session: Session, clause: s.Expr, env: Env) -> bool:
    condition = formula(session, clause, env, evaluate)
    answer = session.settle(condition)
    if answer is False and not session.guard:
        raise Refusal(_broken(clause, env))
    if isinstance(answer, bool):
        return answer
    alternatives = cases(condition)
    if len(alternatives) == 1:
        return _assume(session, alternatives[0])
    raise Fork(alternatives)


def _broken(clause: s.Expr, env: Env) -> Diagnostic:
    """Return the complaint about a demand that nothing fulfils, or that the defaults of a model do not."""
    values = {name: env.names[name] for name in solvable(clause) if name in env.names}
    known = {name: value for name, value in values.items() if not isinstance(value, Size) or value.constant is not None}
    notes = tuple(Note(f"{name} = {show(value)}", "its default") for name, value in known.items())
    text = "does not hold" if values and len(known) == len(values) else "holds for no size"
    return Diagnostic("A0205", f"{format_expr(clause)} {text}", clause.span, notes=notes)


def _assume(session: Session, facts: tuple[Fact, ...]) -> bool:
    for fact in facts:
        session.weigh()
        context = session.context.assume(fact)
        if context is None:
            return False
        session.context = context
    return True
