"""Expressions and architectures -> whether a choice is made inside them, and which names they see."""

from collections.abc import Callable, Iterable

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.values import Applied, Closure, Env, HoleValue, Interval, Layer, Method, Value

Mentions = tuple[Iterable[str], bool]
"""The names that an expression mentions, and whether a choice stands in its text."""


def free_names(expr: s.Expr) -> tuple[frozenset[str], bool]:
    """Return every name that `expr` mentions, `module.name` whole, and whether a choice stands in its text."""
    names: set[str] = set()
    chooses = False
    stack: list[s.Expr] = [expr]
    while stack:
        entry = stack.pop()
        match entry:
            case s.Ref(name):
                names.add(name)
            case s.Choice() | s.Hole():
                chooses = True
            case s.Attribute(s.Ref(owner), name):
                names.update((owner, f"{owner}.{name}"))
            case s.Binary("*", _, s.Range()):
                chooses = True
            case s.Range():
                chooses = True
            case s.Fold(values=s.Range(low, high, step), body=body):
                stack.extend(part for part in (low, high, step, body) if part is not None)
                continue
            case s.Body(statements):
                chooses = chooses or any(statement.kind == "choose" for statement in statements)
            case _:
                pass
        stack.extend(_parts(entry))
    return frozenset(names), chooses


def _parts(expr: s.Expr) -> tuple[s.Expr, ...]:
    match expr:
        case s.Pipe(items) | s.Tuple(items) | s.Logic(_, items):
            return items
        case s.List(entries):
            return tuple(entry.value if isinstance(entry, s.Spread) else entry for entry in entries)
        case s.Call(function, arguments):
            return (function, *(argument.value for argument in arguments))
        case s.Binary(_, left, right) | s.Compare(_, left, right):
            return (left, right)
        case s.Negative(inner) | s.Not(inner) | s.Attribute(inner):
            return (inner,)
        case s.If(condition, then, otherwise):
            return (condition, then, otherwise)
        case s.Choice(arms):
            return tuple(part for arm in arms for part in (arm.weight, arm.value) if part is not None)
        case s.Body(statements, value):
            return (*(statement.value for statement in statements), value)
        case s.Fold(_, values, body):
            return (values, body)
        case s.Range(low, high, step):
            return tuple(part for part in (low, high, step) if part is not None)
        case s.Record(bindings):
            return tuple(entry.value for entry in bindings)
        case _:
            return ()


def _told(expr: s.Expr, module: int) -> Mentions:
    return free_names(expr)


def is_open(scopes: Scopes, value: Value, mentions: Callable[[s.Expr, int], Mentions] = _told) -> bool:
    """Return whether an architecture has a choice that nothing has made yet.

    `mentions` tells what `free_names` does of an expression in a module, for those who keep that.
    """
    waiting: list[Value] = [value]
    seen: set[int] = set()
    while waiting:
        entry = waiting.pop()
        if id(entry) in seen:
            continue
        seen.add(id(entry))
        match entry:
            case HoleValue() | Interval():
                return True
            case Applied(definition, arguments):
                if definition.declaration.kind == "space":
                    return True
                waiting.extend(given for _, given, _ in arguments)
            case Layer(architecture) | Method(architecture):
                waiting.append(architecture)
            case Closure(expr, env):
                names, chooses = mentions(expr, env.module)
                if chooses or any(_is_space(scopes, env, name) for name in names):
                    return True
                waiting.extend(env.names[name] for name in names if name in env.names)
            case _:
                pass
    return False


def _is_space(scopes: Scopes, env: Env, name: str) -> bool:
    if name in env.names:
        return False
    found = scopes.mentioned(env.module, name)
    return found is not None and found.declaration.kind == "space"
