"""One declaration under one set of assumptions: its input symbolic, its body typed, its output compared."""

from archc.arguments import symbolic
from archc.conditions import formula
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.infer import apply, measures
from archc.instantiate import instantiate
from archc.match import match
from archc.mentions import names_of
from archc.output import require_output
from archc.prove import Fact
from archc.session import Blame, Fork, PerUse, Refusal, Session, cases
from archc.sizes import Size
from archc.static import evaluate
from archc.tensor import Run, Variable
from archc.values import UNKNOWN, Env, Flow, Given, Shape, Value, flow


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
    into = flow(instantiate(session, kind.source, env, blame), kind.source.span)
    _names, _ = match(session, kind.source, into, Env(env.module, _parameter_names(declaration, env)), blame)
    session.obligations.clear()
    env = Env(env.module, {**env.names, **labels(kind.source, into)})
    for clause in declaration.where:
        if not measures(clause) and not _assume_clause(session, clause, env):
            return False
    if declaration.kind == "op" or declaration.value is None:
        return True
    result = apply(session, evaluate(session, declaration.value, env), into, declaration.value.span)
    require_output(session, kind.target, result, env)
    return True


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
    value = declaration.value
    if isinstance(value, (s.Record, s.Body)) and (not isinstance(value, s.Body) or isinstance(value.value, s.Record)):
        return _record(session, value, env)
    raise PerUse


def _record(session: Session, value: "s.Record | s.Body", env: Env) -> bool:
    if isinstance(value, s.Body):
        for statement in value.statements:
            found = evaluate(session, statement.value, env)
            env = env.bind(**{statement.names[0]: found}) if not statement.is_tuple else env
        value = value.value if isinstance(value.value, s.Record) else s.Record(())
    evaluate(session, value, env)
    return True


def _parameters(session: Session) -> Env:
    definition = session.definition
    env = Env(definition.module, {})
    for parameter in definition.declaration.parameters or ():
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
        raise Refusal(Diagnostic("A0205", f"{format_expr(clause)} holds for no size", clause.span))
    if isinstance(answer, bool):
        return answer
    alternatives = cases(condition)
    if len(alternatives) == 1:
        return _assume(session, alternatives[0])
    raise Fork(alternatives)


def _assume(session: Session, facts: tuple[Fact, ...]) -> bool:
    for fact in facts:
        session.weigh()
        context = session.context.assume(fact)
        if context is None:
            return False
        session.context = context
    return True
