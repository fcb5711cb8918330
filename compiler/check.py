"""Modules -> Program: every declaration typed, or every complaint about them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from archc.data.datatypes import datatypes
from archc.grammar.diagnostics import CompileError, Diagnostic, Note
from archc.grammar.format import format_type
from archc.grammar.limits import DEFAULT, Limits, exceeded
from archc.grammar.source import NOWHERE, Source, Span
from archc.load import Loaded
from archc.names.recursion import recursion
from archc.names.resolve import resolve
from archc.names.scope import Scopes, scopes
from archc.rules.arguments import symbolic
from archc.rules.operands import short
from archc.rules.session import (
    Assumption,
    Budget,
    Exhausted,
    Fork,
    PerUse,
    Refusal,
    Session,
    Summary,
    contained,
    too_deep,
)
from archc.rules.settled import Settled
from archc.rules.static import evaluate
from archc.rules.walk import walk
from archc.rules.wording import in_words
from archc.sizes.prove import Context, Fact
from archc.sizes.size import Size
from archc.values import ARCHITECTURES, Definition, Env, Formula, Obligation, show, what

STEPS_A_CHARACTER = 14
MOST_COMPLAINTS = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """A declaration that types. `signature` is its type as text, `preconditions` what its users owe, as text."""

    kind: str
    name: str
    signature: str
    preconditions: tuple[str, ...]
    docs: tuple[str, ...]
    summary: Summary


@dataclass(frozen=True, slots=True)
class Program:
    """Modules in which nothing is wrong. `declarations` are those of the main file, by name."""

    loaded: Loaded
    scopes: Scopes
    declarations: Mapping[str, Checked]
    warnings: tuple[Diagnostic, ...]
    checker: "Checker"
    limits: Limits = DEFAULT

    def definition(self, name: str) -> Definition:
        """Return the declaration `name` of the main file; raises KeyError."""
        return self.scopes.modules[self.loaded.main].own[name]


def check(loaded: Loaded, limits: Limits = DEFAULT) -> Program:
    """Return the program in `loaded`; raise CompileError with every diagnostic if something is wrong."""
    names, found = scopes(loaded)
    found = (*found, *resolve(loaded, names))
    cyclic, complaints = recursion(loaded, names)
    found = (*found, *complaints, *datatypes(loaded, names, limits))
    skipped = frozenset(id(definition.declaration) for definition in cyclic)
    checker = Checker(names, limits, [*found], skipped, Budget(_allowance(loaded)))
    if not any(entry.severity == "error" for entry in found):
        checker.documents(loaded)
    for module in names.modules[1:]:
        checker.module(module.own.values())
    errors = [entry for entry in checker.found if entry.severity == "error"]
    if errors:
        raise CompileError(_ordered([*loaded.warnings, *checker.found]))
    own = names.modules[loaded.main].own
    declared = {name: _checked(definition, checker.summary(definition)) for name, definition in own.items()}
    return Program(loaded, names, declared, (*loaded.warnings, *checker.found), checker, limits)


def _allowance(loaded: Loaded) -> int:
    """Return the steps that a program may take for its length, before the limit begins to count."""
    return -STEPS_A_CHARACTER * sum(len(module.file.source.text) for module in loaded.modules if module.file.source)


def _ordered(found: list[Diagnostic]) -> list[Diagnostic]:
    missing = {(entry.span.source, entry.span.text) for entry in found if entry.code == "A0604"}
    unknown = {(entry.span.source, entry.span.end) for entry in found if entry.code == "A0109"}
    unique = [entry for entry in dict.fromkeys(found) if not _follows(entry, missing, unknown)]
    ordered = sorted(unique, key=lambda entry: (entry.span.source.name if entry.span.source else "", entry.span.start))
    return ordered[:MOST_COMPLAINTS]


def _follows(
    found: Diagnostic, missing: set[tuple[Source | None, str]], unknown: set[tuple[Source | None, int]]
) -> bool:
    """Return whether another complaint speaks of it: a name that an import should have brought, `..` of no type."""
    if found.code == "A0508" and (found.span.source, found.span.end) in unknown:
        return True
    return found.code in ("A0101", "A0109") and (found.span.source, found.span.text) in missing


def _checked(definition: Definition, summary: Summary) -> Checked:
    declaration = definition.declaration
    kind = declaration.type
    text = (
        format_type(kind)
        if kind is not None
        else "checked at each use"
        if declaration.kind in ("block", "space")
        else ""
    )
    return Checked(
        declaration.kind, declaration.name, text, tuple(map(describe, summary.obligations)), declaration.docs, summary
    )


def describe(debt: Obligation) -> str:
    """Return a precondition as a reader would write it: the condition, when it applies, and who needs it."""
    guard = " and ".join(
        f"{entry[0]} == {show(entry[1])}" if isinstance(entry, tuple) else str(entry) for entry in debt.guard
    )
    return f"{text_of(debt.formula)}{' where ' + guard if guard else ''}  ({debt.need.subject} needs {debt.need.text})"


def text_of(condition: Formula) -> str:
    """Return a formula in source syntax."""
    match condition:
        case bool():
            return "true" if condition else "false"
        case Fact():
            return str(condition)
        case _:
            word = " and " if type(condition).__name__ == "Every" else " or "
            return word.join(text_of(item) for item in condition.items)


@dataclass(slots=True)
class Checker:
    """Checks declarations on demand, each once; what is mentioned is checked before its mention."""

    scopes: Scopes
    limits: Limits
    found: list[Diagnostic]
    skipped: frozenset[int]
    budget: Budget = field(default_factory=Budget)
    summaries: dict[int, Summary] = field(default_factory=dict)
    stack: list[Definition] = field(default_factory=list)
    settled: Settled = field(default_factory=Settled)

    def documents(self, loaded: Loaded) -> None:
        """Check what documents its types admit."""
        if not any(
            entry.declaration.kind == "type" for module in self.scopes.modules[1:] for entry in module.own.values()
        ):
            return
        from archc.data.documents import documents  # only programs with types pay for the machinery of documents

        self._guarded(NOWHERE, lambda: self.found.extend(documents(loaded, self.scopes, self.limits)))

    def module(self, definitions: Iterable[Definition]) -> None:
        """Check each of `definitions`, unless the program has taken all its steps."""
        for definition in definitions:
            if self.budget.spent > self.limits.steps:
                return
            self.summary(definition)

    def summary(self, definition: Definition) -> Summary:
        """Return what `definition` asks of its users, checking it first if need be."""
        key = id(definition.declaration)
        if key in self.summaries:
            return self.summaries[key]
        if key in self.skipped:
            return Summary(cyclic=True)
        if self.checking(definition):
            return Summary()
        if len(self.stack) >= self.limits.call_depth:
            raise Exhausted(too_deep(self.limits, definition.declaration.name_span))
        self.stack.append(definition)
        try:
            found = self._check(definition)
        finally:
            self.stack.pop()
        self.summaries[key] = found
        return found

    def checking(self, definition: Definition) -> bool:
        """Return whether `definition` is being checked right now, so that this mention is inside itself."""
        return any(definition.declaration is entry.declaration for entry in self.stack)

    def _check(self, definition: Definition) -> Summary:
        declaration = definition.declaration
        if any(entry.severity == "error" and _within(entry.span, declaration.span) for entry in self.found):
            return Summary()
        match declaration.kind:
            case "block" | "model" | "space" | "op":
                return self._walks(definition)
            case "const":
                self._guarded(declaration.name_span, lambda: self._constant(definition))
            case "fn":
                self._guarded(declaration.name_span, lambda: self._function(definition))
        return Summary()

    def _constant(self, definition: Definition) -> None:
        assert definition.declaration.value is not None
        evaluate(self.session(definition, ()), definition.declaration.value, Env(definition.module, {}))

    def _function(self, definition: Definition) -> None:
        """Require a `fn` on sizes to give a value; what depends on a case or a use is seen at each."""
        declaration = definition.declaration
        session = self.session(definition, ())
        assert declaration.value is not None
        values = [(p.name, symbolic(session, p, definition.module)) for p in declaration.parameters or ()]
        if not all(isinstance(value, Size) for _, value in values):
            return
        env = Env(definition.module, {name: value for name, value in values if value is not None})
        try:
            result = evaluate(session, declaration.value, env)
        except (Fork, PerUse):
            return
        if isinstance(result, ARCHITECTURES):
            text = f"a fn computes with sizes; this is {what(result)}"
            hint = "declare it as a block"
            raise Refusal(Diagnostic("A0104", text, declaration.value.span, hint=hint))

    def _guarded(self, span: Span, action: Callable[[], None]) -> bool:
        try:
            with contained(self.limits, span):
                action()
        except (Refusal, Exhausted) as refusal:
            self.found.append(in_words(refusal.diagnostic))
            return False
        return True

    def session(self, definition: Definition, guard: tuple[Assumption, ...]) -> Session:
        """Return the state for one walk over `definition`, under the assumptions of `guard`."""
        chosen = {entry[0]: entry[1] for entry in guard if isinstance(entry, tuple)}
        flexible = definition.declaration.kind == "space"
        made = Session(definition, self.scopes, self, Context(), flexible=flexible, chosen=chosen, guard=guard)
        made.limits, made.budget = self.limits, self.budget
        return made

    def _walks(self, definition: Definition) -> Summary:
        """Walk over a declaration once, or once for each case that its conditions make."""
        waiting: list[tuple[Assumption, ...]] = [()]
        leaves: list[tuple[tuple[Assumption, ...], tuple[Obligation, ...]]] = []
        dead: dict[Span, Diagnostic] = {}
        alive: set[Span] = set()
        count = 0
        while waiting:
            guard = waiting.pop()
            count += 1
            session = self.session(definition, guard)
            session.may_fork = count + len(waiting) < self.limits.paths // 4
            try:
                with contained(self.limits, definition.declaration.name_span):
                    types = walk(session)
                if types:
                    leaves.append((guard, tuple(session.obligations)))
                dead.update(session.dead)
                alive |= session.alive
            except Fork as fork:
                if count + len(waiting) > self.limits.paths:
                    self.found.append(_too_many(definition, self.limits))
                    return Summary()
                waiting.extend((*guard, *more) for more in reversed(fork.alternatives))
            except PerUse:
                return Summary(inline=True)
            except (Refusal, Exhausted) as refusal:
                self.found.append(in_words(_with_guard(refusal.diagnostic, guard)))
                return Summary()
        if not leaves:
            self.found.append(_never(definition))
        self.found.extend(in_words(_dead_arm(span, found)) for span, found in dead.items() if span not in alive)
        return Summary(_merged(leaves))


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def _too_many(definition: Definition, limits: Limits) -> Diagnostic:
    text = f"`{definition.name}` falls into too many cases"
    return exceeded(limits, "paths", message=text, span=definition.declaration.name_span)


def _with_guard(found: Diagnostic, guard: tuple[Assumption, ...]) -> Diagnostic:
    if not guard:
        return found
    parts = (f"{entry[0]} = {show(entry[1])}" if isinstance(entry, tuple) else str(entry) for entry in guard)
    shown = [part for part in parts if " #" not in part and "'" not in part]
    notes = (*found.notes, Note("where", " and ".join(shown))) if shown else found.notes
    return Diagnostic(found.code, found.message, found.span, found.label, notes, found.hint, found.severity)


def _never(definition: Definition) -> Diagnostic:
    clauses = definition.declaration.where
    text = f"no size fulfils what `{definition.name}` demands"
    return Diagnostic("A0205", text, clauses[0].span if clauses else definition.declaration.name_span)


def _dead_arm(arm: Span, found: Diagnostic) -> Diagnostic:
    notes = found.notes
    if arm != found.span:
        notes = (*found.notes, Note(short(arm), "is the arm,", arm))
    text = f"this arm can fit no type: {found.message}"
    return Diagnostic("A0404", text, found.span, found.label, notes, found.hint)


def _merged(leaves: list[tuple[tuple[Assumption, ...], tuple[Obligation, ...]]]) -> tuple[Obligation, ...]:
    """Return the obligations of all cases; what every case owes is owed without a guard."""
    found: dict[Obligation, None] = {}
    everywhere = [{(debt.formula, debt.need) for debt in debts} for _, debts in leaves]
    for _, debts in leaves:
        for debt in debts:
            shared = all((debt.formula, debt.need) in others for others in everywhere)
            found[Obligation(debt.formula, debt.need) if shared else debt] = None
    return tuple(found)
