"""A type -> the fields of its values, through names, spreads and unions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes

DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Member:
    """One field, and the number of the module whose names its type mentions."""

    module: int
    field: s.Field


@dataclass(frozen=True, slots=True)
class Members:
    """The fields of a type, by name; there may be others unless they are `complete`."""

    fields: Mapping[str, Member]
    complete: bool = True


OPEN = Members({}, complete=False)


@dataclass(slots=True)
class Records:
    """Finds the fields of types, those of each declaration once, and no more than `budget` in all."""

    scopes: Scopes
    budget: int = 200_000
    known: dict[int, Members | None] = field(default_factory=dict)

    def members(self, module: int, kind: s.TypeExpr | None, depth: int = 0) -> Members | None:
        """Return the fields of a record, those of any arm of a union, or of the items of a list; None if it has none."""
        if depth > DEEPEST or self.budget <= 0:
            return OPEN
        match kind:
            case s.TypeRecord(members):
                return self._record(module, members, depth)
            case s.TypeName(alias, name):
                return self._named(module, alias, name, depth)
            case s.TypeUnion(arms):
                return self._union(module, arms, depth)
            case s.TypeList(element, _):
                return self.members(module, element, depth + 1)
            case s.TypeVariable():
                return OPEN
            case _:
                return None

    def _record(self, module: int, members: tuple[s.Field | s.TypeSpread, ...], depth: int) -> Members:
        found: dict[str, Member] = {}
        complete = True
        self.budget -= len(members)
        for member in members:
            if isinstance(member, s.Field):
                found[member.name] = Member(module, member)
                continue
            inner = self.members(module, member.type, depth + 1) or OPEN
            complete = complete and inner.complete
            self.budget -= len(inner.fields)
            found.update(inner.fields)
        return Members(found, complete)

    def _named(self, module: int, alias: str, name: str, depth: int) -> Members | None:
        definition = self.scopes.member(module, alias, name) if alias else self.scopes.find(module, name)
        if definition is None or definition.declaration.kind != "type":
            return None
        key = id(definition.declaration)
        if key not in self.known:
            self.known[key] = OPEN
            self.known[key] = self.members(definition.module, definition.declaration.type, depth + 1)
        return self.known[key]

    def _union(self, module: int, arms: tuple[s.TypeArm, ...], depth: int) -> Members | None:
        found: dict[str, Member] = {}
        complete = True
        self.budget -= len(arms)
        for arm in arms:
            inner = self.members(module, arm.type, depth + 1)
            if inner is not None:
                self.budget -= len(inner.fields)
                found.update(inner.fields)
                complete = complete and inner.complete
        return Members(found, complete) if found or not complete else None
