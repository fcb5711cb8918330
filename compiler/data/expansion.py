"""The definitions that a type reaches, while they are found: their names, their number, what names in them mean."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from archc.data.closed import Constants, closed
from archc.data.kinds import Constant, Data, Defined, Fixed, Many, Named, Real, Text, Truth, Whole, parts
from archc.data.scalars import written
from archc.data.steps import Steps
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import Limits
from archc.names.scope import Scopes
from archc.values import Definition

LONGEST_NAME = 60
LARGEST_ARGUMENT = 300
SHORT: Mapping[type[Data], str] = {Whole: "Int", Real: "Float", Fixed: "Decimal", Text: "String", Truth: "Bool"}


@dataclass(slots=True)
class Making:
    """The definitions mentioned so far with their arguments, those found, and those that are being looked at."""

    scopes: Scopes
    limits: Limits
    constants: Constants
    steps: Steps
    origins: dict[str, tuple[Definition, tuple[Data, ...]]] = field(default_factory=dict)
    names: dict[tuple[int, tuple[Data, ...]], str] = field(default_factory=dict)
    waiting: deque[str] = field(default_factory=deque)
    found: dict[str, Defined] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    refused: dict[str, CompileError] = field(default_factory=dict)
    instances: int = 0
    sizes: dict[int, tuple[Data, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """The module whose names a type mentions, and the types of the generic's own parameters."""

    module: int
    parameters: Mapping[str, Data]


def define(making: Making, definition: Definition, arguments: tuple[Data, ...]) -> str:
    """Return the name under which a declaration with these arguments is, or will be, defined."""
    declaration = definition.declaration
    if sum(_size(making, argument) for argument in arguments) > LARGEST_ARGUMENT:
        raise CompileError([_endless(making, declaration)])
    known = making.names.get((id(declaration), arguments))
    if known is not None:
        return known
    making.instances += bool(arguments)
    if making.instances > making.limits.definitions:
        raise CompileError([_endless(making, declaration)])
    base = "_".join([declaration.name, *(_short(argument) for argument in arguments)])[:LONGEST_NAME]
    name, number = base, 2
    while name in making.origins:
        name, number = f"{base}_{number}", number + 1
    making.names[id(declaration), arguments] = name
    making.origins[name] = definition, arguments
    making.waiting.append(name)
    return name


def _endless(making: Making, declaration: s.Declaration) -> Diagnostic:
    text = f"`{declaration.name}` expands into more than {making.limits.definitions:,} types"
    hint = "a generic that mentions itself with a larger argument each time has no end"
    return Diagnostic("A0516", text, declaration.name_span, hint=hint)


def _size(making: Making, data: Data) -> int:
    """Return how many types `data` is made of, those that stand in it twice counted twice."""
    known = making.sizes.get(id(data))
    if known is None:
        known = data, 1 + sum(_size(making, part) for part in parts(data))
        making.sizes[id(data)] = known
    return known[1]


def _short(data: Data) -> str:
    match data:
        case Named(name):
            return name
        case Many(item):
            return f"{_short(item)}s"
        case _:
            return SHORT.get(type(data), type(data).__name__)


def closed_in(making: Making, expr: s.Expr, scope: Scope, names: set[str]) -> s.Expr:
    """Return `expr` with constants and parameters put in where no field has their name."""

    def known(ref: s.Ref) -> s.Expr | None:
        if ref.name == "it" or ref.name in names:
            return None
        parameter = scope.parameters.get(ref.name)
        if isinstance(parameter, Constant) and parameter.value is not None:
            return written(parameter.value, ref.span)
        return making.constants.value(scope.module, ref.name, ref)

    return closed(expr, known)


def reached(root: str, found: Mapping[str, Defined]) -> set[str]:
    """Return the names that a document of `root` can meet; what was only spread is not among them."""
    kept, waiting = {root}, [root]
    while waiting:
        inner: list[Data] = [found[waiting.pop()].type]
        while inner:
            data = inner.pop()
            if isinstance(data, Named) and data.name not in kept:
                kept.add(data.name)
                waiting.append(data.name)
            inner.extend(parts(data))
    return kept


def users(names: set[str], found: Mapping[str, Defined]) -> set[str]:
    """Return those of `found` that mention one of `names`, or mention one that does."""
    mentioning: dict[str, set[str]] = {}
    for name, entry in found.items():
        inner: list[Data] = [entry.type]
        while inner:
            data = inner.pop()
            if isinstance(data, Named):
                mentioning.setdefault(data.name, set()).add(name)
            inner.extend(parts(data))
    kept: set[str] = set()
    waiting = list(names)
    while waiting:
        for name in mentioning.get(waiting.pop(), set()) - kept:
            kept.add(name)
            waiting.append(name)
    return kept & found.keys()
