"""Values of a walk -> small numbers that are equal where they mean the same."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.rules.openness import free_names
from archc.tensor import tagged
from archc.values import (
    Applied,
    Closure,
    Decided,
    Env,
    Fields,
    Flow,
    Function,
    Given,
    HoleValue,
    Items,
    Layer,
    Method,
    Value,
)


@dataclass(slots=True)
class Identities:
    """The numbers of values: architectures are equal where their text and what that sees are. Weights are not told apart."""

    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _objects: dict[int, tuple[Value, int]] = field(default_factory=dict)
    _free: dict[int, tuple[s.Expr, tuple[str, ...]]] = field(default_factory=dict)

    def of(self, value: Value) -> int:
        """Return the number of a value."""
        held = self._objects.get(id(value))
        if held is not None:
            return held[1]
        number = self._numbers.setdefault(self._key(value), len(self._numbers))
        self._objects[id(value)] = value, number
        return number

    def _key(self, value: Value) -> Hashable:
        match value:
            case Applied(definition, arguments):
                given = tuple((name, self.of(each)) for name, each, _ in arguments)
                return "applied", id(definition.declaration), given
            case Closure(expr, env):
                return "closure", id(expr), self._seen(expr, env)
            case Layer(architecture):
                return "layer", self.of(architecture)
            case Decided(architecture, by):
                return "decided", id(by), self.of(architecture)
            case Method(layer, applied):
                return "method", self.of(layer), self.of(applied)
            case Given(name, kind):
                return "given", name, id(kind)
            case Flow(kind):
                return "flow", tagged(kind)
            case Items(values):
                return "items", tuple(map(self.of, values))
            case Fields(items):
                return "fields", tuple((name, self.of(each)) for name, each in items)
            case Function(name, definition):
                return "function", name, id(definition and definition.declaration)
            case HoleValue(span):
                return "hole", span.start
            case _:
                return type(value).__name__, value

    def _seen(self, expr: s.Expr, env: Env) -> Hashable:
        """Return what an expression sees of its environment."""
        if id(expr) not in self._free:
            self._free[id(expr)] = expr, tuple(sorted(free_names(expr)[0]))
        names = self._free[id(expr)][1]
        return env.module, tuple(self.of(env.names[name]) if name in env.names else -1 for name in names)
