"""Architectures -> the bounded spaces that every member of them mentions, so that what is too deep is not begun."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.spaces.keys import NOTHING, Reach, has_depth
from archc.values import Applied, Closure, Decided, Definition, Env, Layer, Value


@dataclass(slots=True)
class Needs:
    """What is known of declarations, each looked at once; one inside itself adds nothing."""

    scopes: Scopes
    _known: dict[int, Reach] = field(default_factory=dict)

    def of(self, value: Value) -> Reach:
        """Return the spaces, by the identity of their declarations."""
        match value:
            case Applied(definition, arguments):
                found = self._definition(definition)
                if definition.module == 0 and definition.name in ("each", "par"):
                    found = found.union(*(self.of(given) for _, given, _ in arguments))
                return found
            case Closure(expr, env):
                return self._expr(expr, env)
            case Layer(architecture) | Decided(architecture):
                return self.of(architecture)
            case _:
                return NOTHING

    def _definition(self, definition: Definition) -> Reach:
        declaration = definition.declaration
        if declaration.kind not in ("space", "block") or declaration.value is None:
            return NOTHING
        known = self._known.get(id(declaration))
        if known is None:
            itself = frozenset({id(declaration)}) if declaration.kind == "space" and has_depth(declaration) else NOTHING
            self._known[id(declaration)] = itself
            inside = self._expr(declaration.value, Env(definition.module, {}))
            known = self._known[id(declaration)] = itself | inside
        return known

    def _expr(self, expr: s.Expr, env: Env) -> Reach:
        match expr:
            case s.Ref(name):
                return (
                    self.of(env.names[name]) if name in env.names else self._named(self.scopes.find(env.module, name))
                )
            case s.Attribute(s.Ref(owner), name):
                return self._named(self.scopes.member(env.module, owner, name))
            case s.Call(function, arguments):
                found = self._expr(function, env)
                if isinstance(function, s.Ref) and function.name in ("each", "par") and function.name not in env.names:
                    found |= self._all([argument.value for argument in arguments], env)
                return found
            case s.Pipe(items) | s.Tuple(items):
                return self._all(items, env)
            case s.Choice(arms):
                return self._any([arm.value for arm in arms], env)
            case s.If(_, then, otherwise):
                return self._any([then, otherwise], env)
            case s.Body(_, value):
                return self._expr(value, env)
            case s.Binary("*", left, s.Number(text)) if text.isdecimal() and int(text):
                return self._expr(left, env)
            case _:
                return NOTHING

    def _all(self, items: Sequence[s.Expr], env: Env) -> Reach:
        return NOTHING.union(*(self._expr(item, env) for item in items))

    def _any(self, items: Sequence[s.Expr], env: Env) -> Reach:
        found = [self._expr(item, env) for item in items]
        return found[0].intersection(*found[1:])

    def _named(self, definition: Definition | None) -> Reach:
        return NOTHING if definition is None else self._definition(definition)
