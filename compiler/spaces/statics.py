"""What a refinement knows of the text of a space: the values of its expressions, with the decisions that lead to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import exceeded
from archc.grammar.source import Span
from archc.names.mentions import names_of
from archc.rules.infer import signature
from archc.rules.openness import is_open
from archc.rules.output import require_output
from archc.rules.records import is_record
from archc.rules.session import Budget as Steps
from archc.rules.session import Chooser, Exhausted, Refusal, Session
from archc.rules.static import evaluate
from archc.rules.weights import shares
from archc.sizes.prove import Context
from archc.spaces.groups import PLAIN, Draft, Failure, Key, Store
from archc.spaces.keys import Keys, Reach
from archc.spaces.merging import Merger, Mergers, merger
from archc.spaces.needs import Needs
from archc.spaces.replay import Sites, Taken, outcomes
from archc.values import Applied, Closure, Decided, Definition, Env, Flow, Layer, Method, Value, flow

T = TypeVar("T")

Budget = tuple[tuple[int, int], ...]
"""How often each space whose depth is bounded may still be mentioned inside itself, by the identity of its declaration."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of an architecture before it is used; a steady one makes no choice."""

    number: int
    value: Value
    reach: Reach
    needs: Reach
    steady: bool


@dataclass(frozen=True, slots=True)
class Values:
    """Every value of an expression, behind the label of the decisions that lead to it; why others are none."""

    found: tuple[tuple[int, Plan], ...]
    failure: Failure | None


def small_session(program: Program, definition: Definition, chooser: Chooser | None = None) -> Session:
    """Return the state of a small walk over things of known sizes."""
    return Session(
        definition,
        program.scopes,
        program.checker,
        Context(),
        chooser=chooser,
        limits=program.limits,
        budget=Steps(),
    )


@dataclass(slots=True, eq=False, kw_only=True)
class Statics:
    """The static side of one refinement: everything here depends on the text and its environment, not on types."""

    program: Program
    root: Definition
    keys: Keys
    sites: Sites
    store: Store
    needs: Needs
    _plans: dict[int, Plan] = field(default_factory=dict)
    _walked: dict[Key, tuple[list[tuple[Taken, object]], Diagnostic | None]] = field(default_factory=dict)
    _values: dict[Key, Values] = field(default_factory=dict)
    _mergers: dict[Key, Mergers] = field(default_factory=dict)
    _promises: dict[Key, Diagnostic | None] = field(default_factory=dict)

    def session(self, definition: Definition, chooser: Chooser | None = None) -> Session:
        """Return the state of a small walk over things of known sizes."""
        return small_session(self.program, definition, chooser)

    def walked(self, key: Key, walk: Callable[[Session], T], draft: Draft) -> list[tuple[Taken, T]]:
        """Return every outcome of a static walk; what does not type is noted in the draft."""
        if key not in self._walked:
            self._walked[key] = self._walk(walk)
        found, refused = self._walked[key]
        if refused is not None:
            draft.refuse((0, refused))
        return found  # type: ignore[return-value]  # stored under its own key

    def _walk(self, walk: Callable[[Session], T]) -> tuple[list[tuple[Taken, object]], Diagnostic | None]:
        found: list[tuple[Taken, object]] = []
        refused: Diagnostic | None = None
        most = self.program.limits.repeats
        for outcome in outcomes(
            self.sites, self.keys.value, lambda chooser: walk(self.session(self.root, chooser)), most
        ):
            if outcome.refused is not None:
                refused = outcome.refused
                continue
            if all(self.sites.all[site].shares[option] for site, option in outcome.taken.decisions):
                found.append((outcome.taken, outcome.value))
            if len(found) > most:
                text = f"`{self.root.name}` makes too many choices in one place"
                span = self.root.declaration.name_span
                raise Exhausted(exceeded(self.program.limits, "repeats", message=text, span=span))
        return found, refused

    def values(self, expr: s.Expr, env: Env) -> Values:
        """Return every value of an expression with the label of the decisions that lead to it; a record stays one."""
        if isinstance(expr, s.Record):
            return Values(((PLAIN, self.plan(Closure(expr, env, expr.span))),), None)
        key = ("static", id(expr), self.keys.env(expr, env))
        known = self._values.get(key)
        if known is None:
            draft = Draft()
            walked = self.walked(key, lambda session: evaluate(session, expr, env), draft)
            found = tuple((self.store.label(taken.decisions), self.plan(value)) for taken, value in walked)
            known = self._values[key] = Values(found, draft.failure)
        return known

    def planned(self, number: int) -> Value:
        """Return the architecture of a plan."""
        return self._plans[number].value

    def stage(self, plan: Plan, expr: s.Pipe, at: int) -> Values:
        """Return the values of a stage of a pipeline."""
        key = ("stage", plan.number, at)
        known = self._values.get(key)
        if known is None:
            assert isinstance(plan.value, Closure)
            known = self._values[key] = self.values(expr.stages[at], plan.value.env)
        return known

    def mergers(self, plan: Plan, expr: s.Pipe, at: int) -> Mergers:
        """Return how the stage `at` merges the parts of a tuple; nothing where it may do otherwise."""
        key = ("mergers", plan.number, at)
        if key not in self._mergers:
            found: list[Merger] = []
            waiting = [entry for _, entry in self.stage(plan, expr, at).found]
            for entry in waiting:
                value = entry.value
                if isinstance(value, Closure) and isinstance(value.expr, s.Choice):
                    waiting.extend(arm for _, arm in self.arms(entry, value.expr).found)
                    continue
                known = merger(value)
                if known is None:
                    found = []
                    break
                found.append(known)
            self._mergers[key] = tuple(sorted(set(found)))
        return self._mergers[key]

    def arms(self, plan: Plan, expr: s.Choice) -> Values:
        """Return the arms of a choice between architectures, each behind the decision for it."""
        key = ("arms", plan.number)
        known = self._values.get(key)
        if known is not None:
            return known
        assert isinstance(plan.value, Closure)
        each = shares(self.session(self.root), expr, plan.value.env, evaluate)
        site = self.sites.number(lambda: tuple(_short(arm.value.span) for arm in expr.arms), each, expr.span)
        found: list[tuple[int, Plan]] = []
        draft = Draft()
        for number, arm in enumerate(expr.arms):
            if each[number]:
                values = self.values(arm.value, plan.value.env)
                draft.refuse(values.failure)
                decisions = self.store.decisions
                found.extend((self.store.label(((site, number), *decisions[label])), p) for label, p in values.found)
        known = self._values[key] = Values(tuple(found), draft.failure)
        return known

    def plan(self, value: Value) -> Plan:
        """Return what is known of an architecture."""
        number = self.keys.value(value)
        known = self._plans.get(number)
        if known is None:
            reach, needs = self.keys.reach(value), self.needs.of(value)
            known = self._plans[number] = Plan(number, value, reach, needs, self._is_steady(value))
        return known

    def promise(self, definition: Definition, env: Env) -> Callable[[int], Diagnostic | None]:
        """Return what tells why a declaration may not put out a type: None where it may."""
        arrow = signature(definition.declaration)
        if arrow is None:
            return lambda _: None
        target = arrow.target
        free = isinstance(target, s.TypeVariable) and target.name not in env.names
        names = tuple(
            sorted((name, self.keys.value(env.names[name])) for name in names_of(target) if name in env.names)
        )

        def told(kind: int) -> Diagnostic | None:
            key = ("promise", id(target), names, kind)
            if key not in self._promises:
                self._promises[key] = self._unkept(definition, target, env, kind)
            return self._promises[key]

        return (lambda _: None) if free else told

    def _unkept(self, definition: Definition, target: s.TypeExpr, env: Env, kind: int) -> Diagnostic | None:
        try:
            require_output(self.session(definition), target, self.flow(kind), env)
        except Refusal as refusal:
            return refusal.diagnostic
        return None

    def _is_steady(self, value: Value) -> bool:
        """Return whether an architecture makes no choice and mentions nothing that a name decides."""
        if is_record(self.program.scopes, value):
            return False
        if not isinstance(value, (Applied, Closure, Decided, Layer)):
            return True
        return not is_open(self.program.scopes, value, self.keys.mentions) and not any(
            isinstance(entry, (Decided, Layer)) for entry in self._mentioned(value)
        )

    def _mentioned(self, value: Value) -> Iterator[Value]:
        waiting, seen = [value], set[int]()
        while waiting:
            entry = waiting.pop()
            if id(entry) in seen:
                continue
            seen.add(id(entry))
            yield entry
            match entry:
                case Applied(_, arguments):
                    waiting.extend(given for _, given, _ in arguments)
                case Closure(expr, env):
                    names = self.keys.names(expr, env.module).free
                    waiting.extend(env.names[name] for name in names if name in env.names)
                case Method(_, applied):
                    waiting.append(applied)
                case _:
                    pass

    def reach(self, expr: s.Expr, env: Env) -> Reach:
        """Return the bounded spaces that an expression can come to."""
        return self.keys.reach(Closure(expr, env))

    def left(self, budget: Budget, reach: Reach) -> Budget:
        """Return the part of a budget that matters to what can reach these spaces."""
        return tuple(entry for entry in budget if entry[0] in reach) if budget else budget

    def flow(self, kind: int) -> Flow:
        """Return a value of the type with this number."""
        return flow(self.keys.types[kind])


def _short(span: Span) -> str:
    return " ".join(span.text.split())
