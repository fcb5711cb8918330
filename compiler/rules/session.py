"""The state of one walk through a declaration: what is assumed, what is owed, and when to split into cases."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.limits import DEFAULT, Limits, exceeded
from archc.grammar.source import NOWHERE, Span
from archc.graph import Static
from archc.names.mentions import solvable
from archc.names.scope import Scopes
from archc.rules.identities import Identities
from archc.rules.settled import Settled
from archc.sizes.prove import Always, Context, Fact, Never, Sometimes, decide, negate
from archc.sizes.size import Size, SizeLimit
from archc.tensor import Type
from archc.values import (
    Applied,
    Architecture,
    Definition,
    Env,
    Every,
    Flow,
    Formula,
    Interval,
    Layer,
    Need,
    Obligation,
    Some,
    Value,
    show,
    written,
)

Assumption = Fact | tuple[str, "bool | str | float | int"]
"""A fact, or the value chosen for an opaque name."""

Witness = Mapping[str, int]

MOST_CASES = 512
RECURSION = 12_000
"""Frames of Python, some ten for each level that a program nests."""

SHARES = "A0406"
"""What a space owes as a block does, and an arm never does without: that the weights of a choice make shares."""


class Refusal(Exception):
    """Something does not type; `progress` tells how far the walk came, so that the best arm can be shown."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Exhausted(Exception):
    """A walk reaches a limit, after which nothing more can be said of its declaration."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class TooManyCases(Exception):
    """A condition has more alternatives than a walk may be split into."""


class Fork(Exception):
    """The walk depends on something undecided: walk again under each of `alternatives`."""

    def __init__(self, alternatives: tuple[tuple[Assumption, ...], ...]) -> None:
        super().__init__()
        self.alternatives = alternatives


class PerUse(Exception):
    """The declaration cannot be typed once for all its uses; check it at each."""


class Emitter(Protocol):
    """Receives each operation that a walk comes by; checking has none."""

    def op(self, name: str, attributes: tuple[tuple[str, Static], ...], into: Flow, output: Type, site: "Site") -> Flow:
        """Add one operation and return its output."""
        ...

    def call(
        self,
        declaration: s.Declaration,
        names: Mapping[str, Value],
        into: Flow,
        site: "Site",
        walk: Callable[[Flow], Flow],
    ) -> Flow:
        """Add one mention of a block, whose body `walk` emits; return its output."""
        ...

    def shared(self, into: Flow, site: "Site", walk: Callable[[Flow], Flow]) -> Flow:
        """Add one mention of a layer that is more than one op or block."""
        ...

    def loop(self, kind: Literal["repeat", "for"], steps: "tuple[Step, ...]", into: Flow, site: "Site") -> Flow:
        """Add a loop, whose body each step emits; return what comes out of the last."""
        ...

    def define(self, layer: Layer) -> None:
        """Note that the weights of `layer` belong to the body that is being emitted."""
        ...


class Chooser(Protocol):
    """Makes the choices of a space as a walk comes by them; checking leaves them open.

    It is `trusted` where what it decides is known to be well typed.
    """

    trusted: bool

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return which of the options at `span` is taken; their texts are asked for only where they are shown."""
        ...

    def real(self, interval: Interval, span: Span) -> float:
        """Return a number of a continuous range."""
        ...

    def take(self, architecture: Architecture) -> object:
        """Make every choice in `architecture`, of which nothing is built yet; return them."""
        ...

    def again(self, decided: object) -> "Chooser":
        """Return what makes the choices that `take` returned."""
        ...


class Memory(Protocol):
    """Knows what came out of mentions before: it walks a mention again, or answers for it."""

    def applied(self, applied: Applied, into: Flow, site: "Site", walk: Callable[[], Flow]) -> Flow:
        """Return what comes out of an op, block, model or space."""
        ...

    def decided(self, architecture: Architecture, by: object, into: Flow, walk: Callable[[], Flow]) -> Flow:
        """Return what comes out of an architecture that a name decides; `by` is what `Chooser.take` returned."""
        ...

    def piped(self, pipe: s.Pipe, env: Env, into: Flow, walk: Callable[[Sequence[s.Expr], Flow], Flow]) -> Flow:
        """Return what comes out of a pipeline, of which `walk` walks some stages."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a loop: what the loop binds in it, and its walk."""

    bindings: tuple[tuple[str, Static], ...]
    walk: Callable[[Flow], Flow]


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operation is mentioned; `layer` is set where the mention shares weights."""

    span: Span
    layer: Layer | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A size in scope of a rule, for the notes of a message: its value and where that came from; an axis has no name."""

    name: str
    value: Value
    source: str = ""
    span: Span = NOWHERE

    @property
    def note(self) -> Note:
        """What is known, as a line of a message."""
        value = show(self.value)
        return Note(f"{self.name} = {value}" if self.name else value, self.source, self.span)


@dataclass(frozen=True, slots=True)
class Blame:
    """Who makes a demand, and of what: `conv` needs `[c, ..x]`; it gets `[64, 7]` at `span`."""

    subject: str
    needs: str | s.Expr | s.TypeExpr
    got: Type | None
    span: Span
    known: tuple[Known, ...] = ()

    @property
    def label(self) -> str:
        """What was expected and what was found, in a line."""
        if not self.needs:
            return ""
        return f"{self.subject} needs {written(self.needs)}" + (f"; it gets {self.got}" if self.got is not None else "")

    def diagnostic(self, code: str, message: str, hint: str = "", label: str = "") -> Diagnostic:
        """Return the complaint, with the origin of each size that the rule names."""
        notes = tuple(entry.note for entry in self.known if entry.name != show(entry.value))
        return Diagnostic(code, message, self.span, label or self.label, notes, hint)

    def about(self, names: Iterable[str]) -> "Blame":
        """Return this with the origins of `names` only: no other plays a part in what is said."""
        wanted = frozenset(names)
        return replace(self, known=tuple(entry for entry in self.known if entry.name in wanted))


@dataclass(frozen=True, slots=True)
class Summary:
    """What checking a declaration found: what its users owe, and whether its body is walked at each use instead.

    `cyclic` is set where no bound ends its mentions of itself.
    """

    obligations: tuple[Obligation, ...] = ()
    inline: bool = False
    cyclic: bool = False


class Declarations(Protocol):
    """What a walk asks of the declarations that it mentions."""

    settled: Settled

    def summary(self, definition: Definition) -> Summary:
        """Return what `definition` asks of its users, checking it first if need be."""
        ...

    def checking(self, definition: Definition) -> bool:
        """Return whether `definition` is being checked right now, so that this mention is inside itself."""
        ...


@dataclass(slots=True)
class Budget:
    """The steps that one check or build has taken, over all its walks; it may begin below zero."""

    spent: int = 0


@dataclass(slots=True)
class Session:
    """One walk. `flexible` is set in spaces, where what does not hold for some sizes is left to refinement.

    `blame` is the op or block whose demands are looked at, `focus` the axis of its output that is worked out.
    """

    definition: Definition
    scopes: Scopes
    declarations: Declarations
    context: Context
    blame: Blame | None = None
    focus: s.Expr | None = None
    flexible: bool = False
    emitter: Emitter | None = None
    chooser: Chooser | None = None
    memory: Memory | None = None
    chosen: dict[str, "bool | str | float | int"] = field(default_factory=dict)
    guard: tuple[Assumption, ...] = ()
    inside: list[Definition] = field(default_factory=list)
    obligations: list[Obligation] = field(default_factory=list)
    may_fork: bool = True
    trying: bool = False
    depth: int = 0
    budget: Budget = field(default_factory=Budget)
    fresh: int = 0
    limits: Limits = DEFAULT
    dead: dict[Span, Diagnostic] = field(default_factory=dict)
    alive: set[Span] = field(default_factory=set)
    stages: int = 0
    passed: dict[object, Type] = field(default_factory=dict)
    identities: Identities = field(default_factory=Identities)
    shared: dict[object, tuple[tuple[tuple[str, tuple[Size, ...]], ...], Span]] = field(default_factory=dict)

    def recursive(self, definition: Definition) -> bool:
        """Return whether a mention of `definition` here stands inside itself."""
        inside = any(definition.declaration is entry.declaration for entry in self.inside)
        return inside or self.declarations.checking(definition)

    def settle(self, formula: Formula) -> "bool | Sometimes":
        """Return whether `formula` holds for every size, for none, or for some."""
        match formula:
            case bool():
                return formula
            case Fact():
                self.weigh(formula.left.weight * formula.right.weight)
                answer = decide(formula, self.context)
                return True if isinstance(answer, Always) else False if isinstance(answer, Never) else answer
            case Every(items):
                found = [self.settle(item) for item in items]
                if False in found:
                    return False
                return next((item for item in found if item is not True), True)
            case Some(items):
                found = [self.settle(item) for item in items]
                if True in found:
                    return True
                return next((item for item in found if item is not False), False)

    def decide(self, formula: Formula) -> bool:
        """Return whether `formula` holds; where that differs, raise Fork."""
        answer = self.settle(formula)
        if isinstance(answer, bool):
            return answer
        raise Fork((*cases(formula), *cases(opposite(formula))))

    def require(
        self, formula: Formula, need: Need, refuse: Callable[[Witness | None], Diagnostic], *, equation: bool = False
    ) -> None:
        """Prove `formula`, owe it, or raise Refusal (Exhausted for shares) with what `refuse` says of a witness.

        An equation must hold for every size; a condition that holds for some becomes an obligation of the declaration.
        """
        answer = self.settle(formula)
        if answer is True:
            return
        if answer is False:
            raise Exhausted(refuse(None)) if need.code == SHARES else Refusal(refuse(None))
        assert isinstance(answer, Sometimes)
        self.fork_on_finite(formula)
        if self.flexible and need.code != SHARES:
            return
        if equation and answer.witness is not None:
            used = variables(formula)
            raise Refusal(refuse({name: value for name, value in answer.witness.items() if name in used}))
        self.obligations.append(Obligation(formula, need, self.guard))
        for fact in facts(formula):
            self.context = self.context.assume(fact) or self.context

    def fork_on_finite(self, formula: Formula) -> None:
        """Raise Fork over the values of a finite parameter in `formula`, if there is one."""
        if not self.may_fork or isinstance(formula, bool):
            return
        for name in sorted(variables(formula)):
            values = self.context.values(name)
            if values is not None and 1 < len(values) <= 16:
                raise Fork(tuple(((name, value),) for value in values))

    def count_step(self, span: Span, steps: int = 1) -> None:
        """Count `steps`; raise Exhausted over the limit."""
        self.budget.spent += steps
        if self.budget.spent > self.limits.steps:
            raise Exhausted(exceeded(self.limits, "steps", message="this program takes too many steps", span=span))

    def weigh(self, weight: int = 1) -> None:
        """Count the steps of one question about sizes, which takes longer the more is known; as `count_step`."""
        steps = 30 + weight + 4 * len(self.context.facts) ** 3 + len(self.context.domains)
        self.count_step(self.definition.declaration.name_span, steps)

    def descend(self, span: Span) -> None:
        """Note that a declaration is entered, which the caller ends by lowering `depth`; raise Exhausted over the limit."""
        if self.depth >= self.limits.call_depth:
            raise Exhausted(too_deep(self.limits, span))
        self.depth += 1

    def blamed(self, subject: str, span: Span) -> Blame:
        """Return who makes the demand that is looked at: `subject` where no op or block does."""
        blame = self.blame or Blame(subject, "", None, span)
        return blame if self.focus is None else blame.about(solvable(self.focus))

    def new_name(self, base: str) -> str:
        """Return a size name that no text can hold."""
        self.fresh += 1
        self.weigh()
        return f"{base}'{self.fresh}"


def too_deep(limits: Limits, span: Span) -> Diagnostic:
    """Return the complaint that declarations mention each other too deep."""
    return exceeded(limits, "call_depth", message="declarations mention each other too deep here", span=span)


@contextmanager
def contained(limits: Limits, span: Span) -> Iterator[None]:
    """Let Python recurse as deep as the limits allow; what is deeper or larger than it can hold ends as Exhausted."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    except SizeLimit as error:
        hint = "make the sizes that it is computed from parameters of a block of its own"
        raise Exhausted(Diagnostic("A0814", f"{error}, the most that archc computes with", span, hint=hint)) from None
    except ZeroDivisionError:
        raise Exhausted(Diagnostic("A0205", "a size in here is divided by zero", span)) from None
    except TooManyCases:
        text = "this condition falls into too many cases"
        raise Exhausted(exceeded(limits, "paths", message=text, span=span)) from None
    except RecursionError:
        raise Exhausted(too_deep(limits, span)) from None
    finally:
        sys.setrecursionlimit(before)


def variables(formula: Formula) -> frozenset[str]:
    """Return the size variables of `formula`."""
    match formula:
        case bool():
            return frozenset()
        case Fact(_, left, right):
            return left.variables | right.variables
        case Every(items) | Some(items):
            return frozenset().union(*(variables(item) for item in items))


def facts(formula: Formula) -> tuple[Fact, ...]:
    """Return facts that hold wherever `formula` does."""
    if isinstance(formula, Fact):
        return (formula,)
    return tuple(fact for item in formula.items for fact in facts(item)) if isinstance(formula, Every) else ()


def opposite(formula: Formula) -> Formula:
    """Return what holds where `formula` does not."""
    match formula:
        case bool():
            return not formula
        case Fact():
            return negate(formula)
        case Every(items):
            return Some(tuple(opposite(item) for item in items))
        case Some(items):
            return Every(tuple(opposite(item) for item in items))


def cases(formula: Formula) -> tuple[tuple[Fact, ...], ...]:
    """Return `formula` as alternatives, each a conjunction of facts; alternatives exclude each other."""
    match formula:
        case bool():
            return ((),) if formula else ()
        case Fact():
            return ((formula,),)
        case Every(items):
            found: tuple[tuple[Fact, ...], ...] = ((),)
            for item in items:
                found = _joined(found, cases(item))
            return found
        case Some(items):
            either: tuple[tuple[Fact, ...], ...] = ()
            neither: tuple[tuple[Fact, ...], ...] = ((),)
            for item in items:
                either = (*either, *_joined(neither, cases(item)))
                neither = _joined(neither, cases(opposite(item)))
            return either


def _joined(left: tuple[tuple[Fact, ...], ...], right: tuple[tuple[Fact, ...], ...]) -> tuple[tuple[Fact, ...], ...]:
    if len(left) * len(right) > MOST_CASES or len(left[0] if left else ()) > MOST_CASES:
        raise TooManyCases
    return tuple((*one, *other) for one in left for other in right)
