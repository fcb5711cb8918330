"""Definitions that mention each other -> those with a finite derivation, or a finite value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
from archc.names.scope import Scopes
from archc.values import Definition

MOST_INSTANCES = 10_000
TRUE = 0


@dataclass(slots=True)
class Clauses:
    """Nodes that hold once enough of those that they wait for hold; node 0 always does."""

    missing: list[int] = field(default_factory=lambda: [0])
    users: list[list[int]] = field(default_factory=lambda: [[]])

    def open(self) -> int:
        """Return a new node, which one of its parts will make true."""
        self.missing.append(1)
        self.users.append([])
        return len(self.missing) - 1

    def all(self, parts: Sequence[int]) -> int:
        """Return a node that holds when all of `parts` do."""
        needed = [part for part in parts if part != TRUE]
        if len(needed) < 2:
            return needed[0] if needed else TRUE
        node = self.open()
        self.missing[node] = len(needed)
        for part in needed:
            self.users[part].append(node)
        return node

    def any(self, parts: Sequence[int]) -> int:
        """Return a node that holds when one of `parts` does."""
        if TRUE in parts:
            return TRUE
        node = self.open()
        for part in parts:
            self.users[part].append(node)
        return node

    def holding(self) -> set[int]:
        """Return all nodes that hold: the least set that the clauses allow."""
        found = {TRUE}
        waiting = [node for node, missing in enumerate(self.missing) if missing == 0]
        while waiting:
            node = waiting.pop()
            found.add(node)
            for user in self.users[node]:
                self.missing[user] -= 1
                if self.missing[user] == 0:
                    waiting.append(user)
        return found


# ---------------------------------------------------------------- networks
def finite_networks(bodies: Mapping[int, s.Declaration], mentioned: Sequence[Mapping[int, int]]) -> set[int]:
    """Return which of `bodies` have a finite derivation.

    `mentioned` tells for every definition which one is mentioned at a place of its text.
    """
    clauses = Clauses()
    nodes = {number: clauses.open() for number in bodies}
    for number, declaration in bodies.items():
        at = {place: nodes[target] for place, target in mentioned[number].items() if target in nodes}
        parts = [_expression(clauses, declaration.value, at)] if declaration.value is not None else []
        body = clauses.all(parts)
        clauses.users[body].append(nodes[number])
    holding = clauses.holding()
    return {number for number, node in nodes.items() if node in holding}


def _expression(clauses: Clauses, expr: "s.Expr | s.Spread", at: Mapping[int, int]) -> int:
    match expr:
        case s.Ref(_, span):
            return at.get(span.start, TRUE)
        case s.Choice(arms):
            return clauses.any([_expression(clauses, arm.value, at) for arm in arms])
        case s.If(_, then, otherwise):
            return clauses.any([_expression(clauses, then, at), _expression(clauses, otherwise, at)])
        case s.Binary("*", left, right):
            return TRUE if _may_be_zero(right) else _expression(clauses, left, at)
        case s.Fold(_, s.List(()), _):
            return TRUE
        case s.Attribute(value, _, span):
            return at.get(span.start) or _expression(clauses, value, at)
        case _:
            return clauses.all([_expression(clauses, part, at) for part in _parts(expr)])


def _parts(expr: "s.Expr | s.Spread") -> tuple["s.Expr | s.Spread", ...]:
    match expr:
        case s.Call(function, arguments):
            return (function, *(argument.value for argument in arguments))
        case s.Pipe(items) | s.Tuple(items) | s.List(items) | s.Logic(_, items):
            return items
        case s.Binary(_, left, right) | s.Compare(_, left, right):
            return left, right
        case s.Body(statements, value):
            return (*(statement.value for statement in statements), value)
        case s.Fold(_, values, body):
            return values, body
        case s.Record(bindings):
            return tuple(binding.value for binding in bindings)
        case s.Spread(value) | s.Negative(value) | s.Not(value):
            return (value,)
        case _:
            return ()


def _may_be_zero(times: s.Expr) -> bool:
    low = times.low if isinstance(times, s.Range) else times
    if isinstance(low, s.Choice):
        return any(_may_be_zero(arm.value) for arm in low.arms)
    return isinstance(low, s.Number) and low.text.strip("0.") == ""


# ---------------------------------------------------------------- data
@dataclass(slots=True)
class _Types:
    scopes: Scopes
    clauses: Clauses = field(default_factory=Clauses)
    instances: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)
    waiting: list[tuple[Definition, tuple[int, ...], int]] = field(default_factory=list)

    def instance(self, definition: Definition, arguments: tuple[int, ...]) -> int:
        """Return the node of a type with its arguments, whose body is looked at later."""
        key = id(definition.declaration), arguments
        if key not in self.instances:
            if len(self.instances) >= MOST_INSTANCES and arguments:
                return TRUE
            self.instances[key] = self.clauses.open()
            self.waiting.append((definition, arguments, self.instances[key]))
        return self.instances[key]


def finite_types(scopes: Scopes, definitions: Mapping[int, Definition]) -> set[int]:
    """Return which of the `type` declarations have a finite value."""
    types = _Types(scopes)
    nodes = {
        number: types.instance(definition, (TRUE,) * len(definition.declaration.parameters or ()))
        for number, definition in definitions.items()
    }
    while types.waiting:
        definition, arguments, node = types.waiting.pop()
        parameters = (parameter.name for parameter in definition.declaration.parameters or ())
        env = dict(zip(parameters, arguments, strict=False))
        assert definition.declaration.type is not None
        body = types.clauses.all([_type(types, definition.module, definition.declaration.type, env)])
        types.clauses.users[body].append(node)
    holding = types.clauses.holding()
    return {number for number, node in nodes.items() if node in holding}


def _type(types: _Types, module: int, kind: s.TypeExpr, env: Mapping[str, int]) -> int:
    match kind:
        case s.TypeVariable(name):
            return env.get(name, TRUE)
        case s.TypeName():
            return _named(types, module, kind, env)
        case s.TypeUnion(arms):
            return types.clauses.any([_type(types, module, arm.type, env) for arm in arms])
        case s.TypeTuple(items):
            return types.clauses.all([_type(types, module, item.type, env) for item in items])
        case s.TypePower(base, _):
            return _type(types, module, base, env)
        case s.TypeArrow(source, target):
            return types.clauses.all([_type(types, module, part, env) for part in (source, target)])
        case s.TypeList(element, dims):
            if element is None or any(isinstance(dim, s.DimRange) and _from_zero(dim.low) for dim in dims):
                return TRUE
            return _type(types, module, element, env)
        case s.TypeRecord(members):
            needed = [
                member.type for member in members
                if isinstance(member, s.TypeSpread) or not (member.optional or member.default is not None)
            ]  # fmt: skip
            return types.clauses.all([_type(types, module, part, env) for part in needed])
        case _:
            return TRUE


def _from_zero(low: s.Expr | None) -> bool:
    return low is None or (isinstance(low, s.Number) and low.text == "0")


def _named(types: _Types, module: int, kind: s.TypeName, env: Mapping[str, int]) -> int:
    scopes = types.scopes
    definition = scopes.member(module, kind.module, kind.name) if kind.module else scopes.find(module, kind.name)
    if definition is None or definition.declaration.kind != "type":
        if kind.name == "Map" and not kind.module:
            lengths = [entry.value for entry in kind.arguments if isinstance(entry.value, s.TypeRange)]
            required = any(isinstance(entry.low, s.Number) and entry.low.text != "0" for entry in lengths)
            return (
                types.clauses.all([_type(types, module, entry.value, env) for entry in kind.arguments])
                if required
                else TRUE
            )
        return TRUE
    return types.instance(definition, tuple(_type(types, module, entry.value, env) for entry in kind.arguments))
