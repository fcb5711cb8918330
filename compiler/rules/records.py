"""Values -> whether they are records: recipes and joint spaces, whose fields are decided one by one."""

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.names.scope import Scopes
from archc.rules.session import Refusal
from archc.values import ARCHITECTURES, Applied, Closure, Decided, Definition, Env, Fields, Items, Layer, Value, what


def is_record(scopes: Scopes, value: Value) -> bool:
    """Return whether a value is, or its text ends in, a record."""
    while isinstance(value, (Layer, Decided)):
        value = value.architecture
    match value:
        case Fields():
            return True
        case Applied(definition):
            return _declares(scopes, definition, frozenset())
        case Closure(expr, env):
            return _ends(scopes, expr, env, frozenset())
        case _:
            return False


def require_listed(value: Value, span: Span) -> None:
    """Require what stands in a record to be no list of networks or records. Raises Refusal."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, Items):
            continue
        for entry in found.values:
            if isinstance(entry, (Fields, *ARCHITECTURES)):
                text = f"a list in a record holds numbers, strings and flags; this one holds {what(entry)}"
                raise Refusal(Diagnostic("A0104", text, span, hint="a field for each: { first = ..., second = ... }"))
        waiting.extend(found.values)


def _declares(scopes: Scopes, definition: Definition, seen: frozenset[int]) -> bool:
    declaration = definition.declaration
    if declaration.type is not None or declaration.value is None or id(declaration) in seen:
        return False
    inner = Env(definition.module, {})
    return _ends(scopes, declaration.value, inner, seen | {id(declaration)})


def _ends(scopes: Scopes, expr: s.Expr, env: Env, seen: frozenset[int]) -> bool:
    match expr:
        case s.Record():
            return True
        case s.Body(statements, value):
            named = {name: entry.value for entry in statements for name in entry.names}
            if isinstance(value, s.Ref) and value.name in named:
                return _ends(scopes, named[value.name], env, seen)
            return _ends(scopes, value, env, seen)
        case s.Choice(arms):
            return any(_ends(scopes, arm.value, env, seen) for arm in arms)
        case s.If(_, then, otherwise):
            return _ends(scopes, then, env, seen) or _ends(scopes, otherwise, env, seen)
        case s.Call(function):
            return _ends(scopes, function, env, seen)
        case s.Ref(name):
            if name in env.names:
                return is_record(scopes, env.names[name])
            found = scopes.find(env.module, name)
        case s.Attribute(s.Ref(owner), name) if owner not in env.names:
            found = scopes.member(env.module, owner, name)
        case _:
            return False
    return found is not None and _declares(scopes, found, seen)
