"""A script of decisions -> the record that it makes of a space: plain values, and graphs for its networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from archc.build import Argument, Assembler, At, applied_with, assemble, closed_input, connect
from archc.builder import Again, Builder, Place
from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.graph import Graph
from archc.rules.arguments import bind
from archc.rules.choices import decide, pick, settle
from archc.rules.infer import signature
from archc.rules.records import is_record
from archc.rules.scripts import Script, Scripted
from archc.rules.session import Budget, Chooser, Exhausted, Refusal, Session, contained
from archc.rules.static import evaluate
from archc.sizes.prove import Context
from archc.sizes.size import Size
from archc.spaces.inputs import field_of
from archc.spaces.records import entry_of
from archc.values import (
    ARCHITECTURES,
    Applied,
    Closure,
    Decided,
    Definition,
    Env,
    Fields,
    Items,
    Layer,
    Shape,
    Value,
    what,
)

Entry = int | float | bool | str | list["Entry"] | dict[str, "Entry"] | Graph
"""What a field is: a number, string or flag, a list or record of such, or a network."""

Path = tuple[str, ...]
"""The names of the fields that lead to a field."""

NETWORK = "Network"
"""What a network is called that has no name of its own."""


def realize(
    program: Program, name: str, *, arguments: Mapping[str, Argument], at: At | None, script: Script
) -> dict[str, Entry]:
    """Return the member that `script` decides of a space of records.

    Raises CompileError where the script is of another space or the arguments or inputs do not fit.
    """
    definition = program.definition(name)
    decided = Scripted(script)
    walk = Walk(program, definition, decided, _Maker())
    try:
        with contained(program.limits, definition.declaration.name_span):
            found = walk.value(applied_with(definition, arguments), at)
            decided.finish()
    except (Refusal, Exhausted) as refusal:
        raise CompileError([refusal.diagnostic]) from None
    assert isinstance(found, dict), found
    return found


class Leaves(Protocol):
    """What a walk tells of the records that it comes by, and asks for the networks in them."""

    def record(self, path: Path, names: tuple[str, ...]) -> None:
        """Note that a record has these fields."""
        ...

    def plain(self, path: Path, entry: Entry) -> None:
        """Note what stands in a field that is no record and no network."""
        ...

    def network(self, walk: "Walk", value: Value, at: At | None) -> Entry:
        """Return what stands for a network."""
        ...


@dataclass(slots=True)
class Walk:
    """One walk through a space of records; the decisions come in the order in which refinement labels them."""

    program: Program
    root: Definition
    chooser: Chooser
    leaves: Leaves
    path: Path = ()
    using: Session | None = None

    def session(self, definition: Definition | None = None) -> Session:
        """Return the state of a walk that makes the decisions: `using`, or one of its own."""
        program = self.program
        if self.using is not None:
            self.using.definition = definition or self.root
            return self.using
        made = Session(definition or self.root, program.scopes, program.checker, Context(), limits=program.limits)
        made.budget, made.chooser = Budget(), self.chooser
        return made

    def expression(self, expr: s.Expr, env: Env, at: At | None) -> Entry:
        """Return what stands in a record."""
        if isinstance(expr, s.Record):
            return self.fields(tuple((entry.name, entry.value) for entry in expr.bindings), env, at)
        return self.value(entry_of(self.session(), expr, env), at)

    def fields(self, bindings: tuple[tuple[str, s.Expr], ...], env: Env, at: At | None) -> Entry:
        """Return the fields of a record, each decided by itself."""
        names = tuple(name for name, _ in bindings)
        walks = [(name, partial(self.expression, value, env, field_of(at, name, names))) for name, value in bindings]
        return self._entered(walks)

    def _entered(self, fields: Sequence[tuple[str, Callable[[], Entry]]]) -> Entry:
        self.leaves.record(self.path, tuple(name for name, _ in fields))
        found: dict[str, Entry] = {}
        before = self.path
        for name, walk in fields:
            self.path = (*before, name)
            found[name] = walk()
        self.path = before
        return found

    def value(self, value: Value, at: At | None) -> Entry:
        """Return what a value is once its decisions are made."""
        match value:
            case Closure(s.Choice() as choice, env):
                arm = pick(self.session(), self.chooser, choice, env, evaluate)
                return self.expression(arm.value, env, at)
            case Decided(architecture, by):
                return self.again(by, lambda: self.value(architecture, at))
            case Layer(architecture):
                return self.value(architecture, at)
            case Fields(items):
                names = tuple(name for name, _ in items)
                return self._entered(
                    [(name, partial(self.value, entry, field_of(at, name, names))) for name, entry in items]
                )
            case _ if is_record(self.program.scopes, value):
                return self.record(value, at)
            case _ if isinstance(value, ARCHITECTURES):
                return self.leaves.network(self, value, at)
            case _:
                entry = _plain(value)
                self.leaves.plain(self.path, entry)
                return entry

    def again(self, by: object, walk: Callable[[], Entry]) -> Entry:
        """Return what a walk gives with the decisions that a name has made."""
        before = self.chooser
        self.chooser = before.again(by)
        try:
            return walk()
        finally:
            self.chooser = before

    # ------------------------------------------------------------ records
    def record(self, value: Value, at: At | None) -> Entry:
        """Return the record that a space or a body gives."""
        if isinstance(value, Applied):
            definition = value.definition
            assert definition.declaration.value is not None
            env = Env(definition.module, self.bound(value))
            return self.expression(definition.declaration.value, env, at)
        assert isinstance(value, Closure)
        expr, env = value.expr, value.env
        if not isinstance(expr, s.Body):
            return self.expression(expr, env, at)
        for statement in expr.statements:
            session, span = self.session(), statement.value.span
            found = settle(session, evaluate(session, statement.value, env), span, evaluate)
            env = _named(env, statement, decide(session, found, span))
        return self.expression(expr.value, env, at)

    def bound(self, applied: Applied) -> dict[str, Value]:
        """Return the parameters of a mention."""
        definition = applied.definition
        env = Env(definition.module, {})
        session = self.session(definition)
        return bind(session, definition.declaration, applied.arguments, applied.span, env, evaluate)

    def emitted(self, value: Value, at: At | None, emitter: Assembler) -> Graph:
        """Return a network at its input, as an emitter makes it."""
        if isinstance(value, Applied) and signature(value.definition.declaration) is not None:
            definition, names = value.definition, self.bound(value)
            session = self.session(definition)
            if definition.declaration.value is not None:
                return assemble(session, emitter, names, at)
            given = tuple((name, entry, value.span) for name, entry in names.items())
            entered = closed_input(session, signature(definition.declaration), names, at)
            return connect(session, emitter, Applied(definition, given, value.span), entered)
        session = self.session(value.definition if isinstance(value, Applied) else None)
        return connect(session, emitter, value, closed_input(session, None, {}, at))


class _Maker:
    """Builds the networks of a record."""

    def record(self, path: Path, names: tuple[str, ...]) -> None:
        """Do nothing."""

    def plain(self, path: Path, entry: Entry) -> None:
        """Do nothing."""

    def network(self, walk: Walk, value: Value, at: At | None) -> Entry:
        """Return a network, taking each `let` layer to be mentioned once until it turns out to be shared."""
        shared: frozenset[Place] = frozenset()
        script = walk.chooser
        assert isinstance(script, Scripted), script
        start = script.at
        while True:
            script.at = start
            try:
                return walk.emitted(value, at, Builder(_name_of(value), shared))
            except Again as again:
                shared |= {again.place}


def _name_of(value: Value) -> str:
    match value:
        case Applied(Definition(declaration=declaration)) if declaration.value is not None and signature(declaration):
            return declaration.name
        case _:
            return NETWORK


def _named(env: Env, statement: s.Statement, value: Value) -> Env:
    if not statement.is_tuple:
        return env.bind(**{statement.names[0]: value})
    parts = value.values if isinstance(value, Items) else ()
    if len(parts) != len(statement.names):
        text = f"{len(statement.names)} names stand here for {len(parts) or 1} value{'s' if len(parts) > 1 else ''}"
        raise Refusal(Diagnostic("A0103", text, statement.span))
    return env.bind(**dict(zip(statement.names, parts, strict=True)))


def _plain(value: Value) -> Entry:
    match value:
        case Size() if value.constant is not None:
            return value.constant
        case bool() | float() | str():
            return value
        case Items(values):
            return [_plain(entry) for entry in values]
        case Shape(dims):
            return [_plain(dim) for dim in dims if isinstance(dim, Size)]
        case _:
            raise AssertionError(what(value))
