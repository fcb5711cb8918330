"""Values, environments and types -> small numbers that are equal where they mean the same."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.rules.infer import measures
from archc.rules.openness import Mentions, free_names
from archc.spaces.sized import Sized, sized, type_of
from archc.tensor import Type, tagged
from archc.values import (
    Applied,
    Closure,
    Decided,
    Definition,
    Env,
    Fields,
    Flow,
    HoleValue,
    Interval,
    Items,
    Layer,
    Method,
    Value,
)

Reach = frozenset[int]
"""Spaces whose depth is bounded, by the identity of their declarations."""

NOTHING: Reach = frozenset()


@dataclass(slots=True)
class Names:
    """What an expression takes from its environment: the names it mentions, and the bounded spaces it can come to."""

    free: tuple[str, ...]
    chooses: bool
    reach: Reach


@dataclass(slots=True)
class Keys:
    """Numbers for all that a refinement comes by."""

    scopes: Scopes
    types: list[Type] = field(default_factory=list)
    sizes: list[Sized | None] = field(default_factory=list)
    _by_sizes: dict[Sized, int] = field(default_factory=dict)
    _type_numbers: dict[Hashable, int] = field(default_factory=dict)
    _values: dict[Hashable, int] = field(default_factory=dict)
    _by_object: dict[int, tuple[Value, int]] = field(default_factory=dict)
    _names: dict[tuple[int, int], Names] = field(default_factory=dict)
    _reach: dict[int, Reach] = field(default_factory=dict)
    _reached: dict[int, Reach] = field(default_factory=dict)
    _held: list[object] = field(default_factory=list)

    def type(self, kind: Type) -> int:
        """Return the number of a type, which tells its tags as well."""
        sizes = sized(kind)
        if sizes is not None:
            return self.sized(sizes, kind)
        key = tagged(kind)
        known = self._type_numbers.get(key)
        if known is None:
            known = self._type_numbers[key] = self.another(kind, None)
        return known

    def sized(self, sizes: Sized, kind: Type | None = None) -> int:
        """Return the number of a type by its sizes."""
        known = self._by_sizes.get(sizes)
        if known is None:
            known = self._by_sizes[sizes] = self.another(type_of(sizes) if kind is None else kind, sizes)
        return known

    def another(self, kind: Type, sizes: Sized | None) -> int:
        """Return one more number for a type, which has these sizes if it is a plain one."""
        self.types.append(kind)
        self.sizes.append(sizes)
        return len(self.types) - 1

    def value(self, value: Value) -> int:
        """Return the number of a value; architectures are equal where text and environment are."""
        held = self._by_object.get(id(value))
        if held is not None:
            return held[1]
        key = self._key(value)
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = len(self._values)
        if isinstance(value, (Applied, Closure, Layer, Decided, Method, Flow)):
            self._by_object[id(value)] = value, known
        return known

    def _key(self, value: Value) -> Hashable:
        match value:
            case Applied(definition, arguments):
                given = tuple((name, self.value(entry)) for name, entry, _ in arguments)
                return "applied", id(definition.declaration), given
            case Closure(expr, env):
                self._held.append(expr)
                return "closure", id(expr), self.env(expr, env)
            case Layer(architecture):
                return "layer", self.value(architecture), value.span.start, value.span.end
            case Decided(architecture, by):
                return "decided", by, self.value(architecture)
            case Method(layer, applied):
                return "method", self.value(layer), self.value(applied)
            case Flow(kind):
                return "flow", self.type(kind), tuple(_handles(value))
            case Items(values):
                return "items", tuple(map(self.value, values))
            case Fields(items):
                return "fields", tuple((name, self.value(entry)) for name, entry in items)
            case Interval():
                return "interval", value
            case HoleValue():
                return "hole", value.span.start
            case _:
                return type(value).__name__, value

    def env(self, expr: s.Expr, env: Env) -> tuple[int, ...]:
        """Return what `expr` sees of `env`."""
        names = env.names
        found = [env.module]
        for name in self.names(expr, env.module).free:
            entry = names.get(name)
            found.append(-1 if entry is None else self.value(entry))
        return tuple(found)

    def names(self, expr: s.Expr, module: int) -> Names:
        """Return what `expr` mentions, from the module that it stands in."""
        key = (id(expr), module)
        known = self._names.get(key)
        if known is None:
            self._held.append(expr)
            mentioned, chooses = free_names(expr)
            known = Names(tuple(sorted(mentioned)), chooses, NOTHING)
            self._names[key] = known
            known.reach = self._of_names(mentioned, module)
        return known

    def mentions(self, expr: s.Expr, module: int) -> Mentions:
        """Return the names that `expr` mentions, and whether a choice stands in its text."""
        names = self.names(expr, module)
        return names.free, names.chooses

    def _of_names(self, mentioned: Iterable[str], module: int) -> Reach:
        found = NOTHING
        for name in mentioned:
            definition = self.scopes.mentioned(module, name)
            if definition is not None and definition.declaration.kind in ("space", "block"):
                found |= self._of_definition(definition)
        return found

    def _of_definition(self, definition: Definition) -> Reach:
        """Return the bounded spaces that a declaration can come to, itself included; its mentions are followed once each."""
        if id(definition.declaration) in self._reached:
            return self._reached[id(definition.declaration)]
        found, waiting, seen = set[int](), [definition], set[int]()
        while waiting:
            entry = waiting.pop()
            declaration = entry.declaration
            if id(declaration) in seen:
                continue
            seen.add(id(declaration))
            if has_depth(declaration):
                found.add(id(declaration))
            for expr in (declaration.value, *(parameter.default for parameter in declaration.parameters or ())):
                if expr is None:
                    continue
                for name in free_names(expr)[0]:
                    other = self.scopes.mentioned(entry.module, name)
                    if other is not None and other.declaration.kind in ("space", "block"):
                        waiting.append(other)
        self._reached[id(definition.declaration)] = frozenset(found)
        return self._reached[id(definition.declaration)]

    def reach(self, value: Value) -> Reach:
        """Return the bounded spaces that an architecture can come to."""
        match value:
            case Closure(expr, env):
                found = self.names(expr, env.module).reach
                for name in self.names(expr, env.module).free:
                    entry = env.names.get(name)
                    if entry is not None:
                        found |= self.reach(entry)
                return found
            case Applied(definition, arguments):
                found = self._of_definition(definition)
                for _, entry, _ in arguments:
                    found |= self.reach(entry)
                return found
            case Layer(architecture) | Decided(architecture):
                return self.reach(architecture)
            case Items(values):
                return NOTHING.union(*(self.reach(entry) for entry in values))
            case Fields(items):
                return NOTHING.union(*(self.reach(entry) for _, entry in items))
            case _:
                return NOTHING


def _handles(value: Flow) -> Iterator[object]:
    """Yield what an emitter calls the tensors of a value, from left to right; nothing where there is no emitter."""
    if value.handle is not None:
        yield value.handle
    for part in value.parts:
        yield from _handles(part)


def has_depth(declaration: s.Declaration) -> bool:
    """Return whether a space bounds how deep it is mentioned inside itself."""
    return any(measures(declaration, clause) and "depth" in free_names(clause)[0] for clause in declaration.where)
