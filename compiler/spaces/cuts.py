"""A pipeline -> where it is cut, so that each of its choices is made once for each value that the part before it gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.spaces.keys import Keys
from archc.values import Applied, Closure, Decided, Env, Layer


@dataclass(slots=True)
class Cuts:
    """The cuts of each pipeline of a program, which are worked out when it is first met."""

    keys: Keys
    _known: dict[int, Sequence[int]] = field(default_factory=dict)

    def ends(self, pipe: s.Pipe, env: Env) -> Sequence[int]:
        """Return how many stages each part comes to the end of; nothing where there are no two choices to be made."""
        if id(pipe) not in self._known:
            parts = [self._choosing(stage, env) for stage in pipe.stages]
            choices = [place for place, count in enumerate(parts) if count]
            self._known[id(pipe)] = (*choices[1:], len(parts)) if sum(parts) > 1 else ()
        return self._known[id(pipe)]

    def _choosing(self, expr: s.Expr, env: Env) -> int:
        """Return how many parts of an expression, which follow or stand beside each other, may make choices."""
        if isinstance(expr, s.Pipe):
            return sum(self._choosing(stage, env) for stage in expr.stages)
        if isinstance(expr, s.Tuple):
            return sum(self._choosing(item, env) for item in expr.items)
        names = self.keys.names(expr, env.module)
        return int(names.chooses or any(self._is_open(name, env) for name in names.free))

    def _is_open(self, name: str, env: Env) -> bool:
        if name in env.names:
            return isinstance(env.names[name], (Applied, Closure, Decided, Layer))
        found = self.keys.scopes.mentioned(env.module, name)
        return found is not None and found.declaration.kind == "space"
