"""Architectures -> how many nodes every member of them has at least."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.rules.infer import is_point
from archc.values import Applied, Closure, Decided, Definition, Env, Layer, Method, Value

NEVER = 1 << 40
"""What no member can have: every member would hold another."""

FREE = ("id", "clone", "first", "second")
"""Ops of std that move values and compute nothing."""


@dataclass(slots=True)
class Least:
    """The least numbers of declarations: the least fixed point of their bodies (Knuth 1977)."""

    scopes: Scopes
    known: dict[int, int] = field(default_factory=dict)
    _open: list[Definition] = field(default_factory=list)

    def of(self, value: Value) -> int:
        """Return how many nodes an architecture has at least; of a name that is not known, none."""
        match value:
            case Applied(definition, arguments):
                found = self.definition(definition)
                if definition.module == 0 and definition.name in ("each", "par"):
                    found = sum(self.of(given) for _, given, _ in arguments)
                return found
            case Closure(expr, env):
                return self.expression(expr, env)
            case Layer(architecture) | Decided(architecture):
                return self.of(architecture)
            case Method(_, applied):
                return self.of(applied)
            case _:
                return 0

    def definition(self, definition: Definition) -> int:
        """Return how many nodes a mention has at least, whatever is given to it."""
        declaration = definition.declaration
        if declaration.kind == "op":
            return int(definition.module != 0 or declaration.name not in (*FREE, "each", "par"))
        if declaration.kind not in ("space", "block", "model") or declaration.value is None:
            return 0
        if id(declaration) not in self.known:
            self.known[id(declaration)] = NEVER
            self._open.append(definition)
            if len(self._open) == 1:
                self._settle()
        return self.known[id(declaration)]

    def _settle(self) -> None:
        """Work out the open declarations, and those that they come to, downwards from what can never be."""
        changed = True
        while changed:
            changed = False
            for definition in self._open:  # grows while it is gone through
                declaration = definition.declaration
                assert declaration.value is not None
                found = self.expression(declaration.value, Env(definition.module, {}))
                changed = changed or found < self.known[id(declaration)]
                self.known[id(declaration)] = min(found, self.known[id(declaration)])
        self._open.clear()

    def expression(self, expr: s.Expr, env: Env) -> int:
        """Return how many nodes an expression has at least."""
        match expr:
            case s.Ref(name):
                return (
                    self.of(env.names[name]) if name in env.names else self._named(self.scopes.find(env.module, name))
                )
            case s.Attribute(s.Ref(owner), name):
                return 0 if owner in env.names else self._named(self.scopes.member(env.module, owner, name))
            case s.Call(function, arguments):
                found = self.expression(function, env)
                if isinstance(function, s.Ref) and function.name in ("each", "par") and function.name not in env.names:
                    found += self._all([argument.value for argument in arguments], env)
                return found
            case s.Pipe(items) | s.Tuple(items):
                return self._all(items, env)
            case s.Choice(arms):
                return min(self.expression(arm.value, env) for arm in arms)
            case s.If(_, then, otherwise):
                return min(self.expression(then, env), self.expression(otherwise, env))
            case s.Body():
                return self.body(expr, 0, env)
            case s.Binary("*", left, right):
                return self.expression(left, env) * _copies(right)
            case _:
                return 0

    def body(self, body: s.Body, at: int, env: Env) -> int:
        """Return how many nodes the statements from `at` on, which compute points, and the value have at least."""
        total = 0
        for statement in body.statements[at:]:
            if is_point(statement.value, env):
                total += self.expression(statement.value, env)
            elif not statement.is_tuple:
                env = env.bind(**{statement.names[0]: Closure(statement.value, env, statement.span)})
        return total + self.expression(body.value, env)

    def _all(self, items: Sequence[s.Expr], env: Env) -> int:
        return sum(self.expression(item, env) for item in items)

    def _named(self, definition: Definition | None) -> int:
        return 0 if definition is None else self.definition(definition)


def _copies(expr: s.Expr) -> int:
    match expr:
        case s.Number(text) if text.isdecimal():
            return int(text)
        case s.Range(s.Number(text)) if text.isdecimal():
            return int(text)
        case _:
            return 0
