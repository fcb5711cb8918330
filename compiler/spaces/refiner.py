"""The state of one refinement: groups that are done, sites, pieces of network, and what a walk asks for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import exceeded
from archc.grammar.source import Span
from archc.names.mentions import names_of
from archc.rules.choices import shares
from archc.rules.infer import apply as infer_apply
from archc.rules.infer import signature
from archc.rules.openness import is_open
from archc.rules.output import require_output
from archc.rules.records import is_record
from archc.rules.session import Budget as Steps
from archc.rules.session import Chooser, Exhausted, Fork, PerUse, Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.prove import Context
from archc.sizes.size import Size
from archc.spaces.frames import Frame, Key
from archc.spaces.groups import EMPTY, NO_USES, PLAIN, Demand, Draft, Failure, Group, Partial, Store, combined, joined
from archc.spaces.keys import Keys, Reach, has_depth
from archc.spaces.least import Least
from archc.spaces.marks import NODES, Marks
from archc.spaces.measures import depth_bound
from archc.spaces.merging import Merger, Mergers, merged, merger
from archc.spaces.needs import Needs
from archc.spaces.pieces import Pieces
from archc.spaces.product import Products
from archc.spaces.records import Inputs
from archc.spaces.regions import Regions
from archc.spaces.replay import Sites, Taken, outcomes
from archc.spaces.transfer import Transfers, Unsupported, guarded
from archc.tensor import Product, Type
from archc.values import (
    Applied,
    Closure,
    Decided,
    Definition,
    Env,
    Flow,
    Items,
    Layer,
    Method,
    Value,
    flow,
    show,
    what,
)

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


MOST_DEPTH = 6
"""A bounded forest goes so deep: what a space derives deeper is counted as lost."""

LEAST_TYPES = 2
"""A state keeps at least so many output types."""


class TooLarge(Exception):
    """There are more states than a refinement may have."""


@dataclass(slots=True, eq=False)
class Refiner:
    """Refines one space of a program. `most_types` output types stay at each mention of a space (0: all)."""

    program: Program
    root: Definition
    most_types: int
    most_edges: int
    keys: Keys
    sites: Sites
    store: Store
    products: Products
    needs: Needs
    done: dict[Key, Group] = field(default_factory=dict)
    bounds: dict[int, int] = field(default_factory=dict)
    cut: dict[int, float] = field(default_factory=dict)
    steps: int = 0
    transfers: Transfers = field(init=False)
    inputs: Inputs = field(init=False)
    pieces: Pieces = field(init=False)
    marks: Marks = field(init=False)
    least: Least = field(init=False)
    regions: Regions = field(default_factory=Regions)
    _plans: dict[int, Plan] = field(default_factory=dict)
    _walked: dict[Key, tuple[list[tuple[Taken, object]], Diagnostic | None]] = field(default_factory=dict)
    _values: dict[Key, Values] = field(default_factory=dict)
    _mergers: dict[Key, Mergers] = field(default_factory=dict)
    _promises: dict[Key, Diagnostic | None] = field(default_factory=dict)
    _layers: dict[int, tuple[int, int]] = field(default_factory=dict)
    _steady: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program, root: Definition, most_types: int, most_edges: int) -> "Refiner":
        """Return the state with which the refinement of `root` begins."""
        sites = Sites()
        store = Store(sites.all)
        keys, needs = Keys(program.scopes), Needs(program.scopes)
        made = cls(
            program,
            root,
            most_types,
            most_edges,
            keys,
            sites,
            store,
            Products(store, lambda one, other: made.pieces.same_weights(one, other)),
            needs,
        )
        made.inputs, made.marks, made.least = Inputs(keys), Marks(keys), Least(program.scopes)
        made.pieces = Pieces(lambda: made.session(root), keys.types)
        made.transfers = Transfers(program.scopes, lambda: made.session(root), made.owes)
        return made

    def _most(self, budget: Budget) -> int:
        """Return how many output types a state keeps: half as many at each mention of a space inside itself, two at least."""
        if not self.most_types:
            return 0
        level = sum(self.bounds[space] - left for space, left in budget)
        return max(LEAST_TYPES, self.most_types >> level)

    def owes(self, declaration: s.Declaration) -> bool:
        """Return whether a block asks more of its users than its signature says, or is read at each use."""
        summary = self.program.checker.summary(Definition(0, declaration))
        return bool(declaration.where or summary.obligations or summary.inline)

    # ------------------------------------------------------------ running
    def run(self, key: Key, frame: Frame) -> Group:
        """Return the group of a frame, and of all that it asks for, on a stack of its own. Raises TooLarge, Exhausted."""
        stack: list[tuple[Key, Frame]] = [(key, frame)]
        active = {key}
        sent: Group | None = None
        while stack:
            key, frame = stack[-1]
            try:
                wanted, inner = frame.send(sent)  # type: ignore[arg-type]  # None starts it
            except StopIteration as stop:
                sent = self.done[key] = self._closed(stop.value)
                active.discard(key)
                stack.pop()
                continue
            if wanted in active:
                raise Exhausted(self._endless([entry for entry, _ in stack], wanted))
            active.add(wanted)
            stack.append((wanted, inner))
            sent = None
        assert sent is not None
        return sent

    def _closed(self, made: Draft | Group) -> Group:
        if isinstance(made, Group):
            return made
        group = self.store.close(made, most=self._most(made.budget))
        if self.store.edges > self.most_edges:
            raise TooLarge
        return group

    def _endless(self, stack: list[Key], key: Key) -> Diagnostic:
        text = f"`{self.root.name}` comes back to itself without a bound that shrinks"
        hint = "where depth <= 8, on a space of the cycle"
        return Diagnostic("A0401", text, self.root.declaration.name_span, hint=hint)

    # ------------------------------------------------------------ values
    def session(self, definition: Definition, chooser: Chooser | None = None) -> Session:
        """Return the state of a small walk over things of known sizes."""
        program = self.program
        return Session(
            definition,
            program.scopes,
            program.checker,
            Context(),
            chooser=chooser,
            limits=program.limits,
            budget=Steps(),
        )

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

    def bundled(self, parts: list[Partial], group: Group, mergers: Mergers) -> list[Partial]:
        """Return every way to go on from some parts of a tuple with an output of one more. Raises TooLarge."""
        begun = bool(parts) and bool(parts[0][0])
        found = merged(parts, group, mergers, self.keys.types) if mergers and begun else combined(parts, group)
        self.steps += len(found)
        if self.steps > 40 * self.most_edges:
            raise TooLarge
        return found

    def arms(self, plan: Plan, expr: s.Choice) -> Values:
        """Return the arms of a choice between architectures, each behind the decision for it."""
        key = ("arms", plan.number)
        known = self._values.get(key)
        if known is not None:
            return known
        assert isinstance(plan.value, Closure)
        each = shares(expr.arms)
        site = self.sites.number(lambda: tuple(_short(arm.value.span) for arm in expr.arms), each, expr.span)
        found: list[tuple[int, Plan]] = []
        draft = Draft()
        decisions = {number: entry for entry, number in self.store.labels.items()}
        for number, arm in enumerate(expr.arms):
            if each[number]:
                values = self.values(arm.value, plan.value.env)
                draft.refuse(values.failure)
                decisions.update((label, entry) for entry, label in self.store.labels.items())
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

    def key(self, plan: Plan, into: int, budget: Budget) -> Key:
        """Return the key of an architecture at an input type."""
        if budget and plan.reach:
            return plan.number, into, self.left(budget, plan.reach)
        return plan.number, into

    def known(self, plan: Plan, into: int, key: Key) -> Group | None:
        """Return a group that is known, or that takes no more than typing a piece or a point."""
        found = self.done.get(key)
        if found is None and plan.steady:
            found = self.done[key] = self.store.close(self.piece(plan, into))
        elif found is None and plan.needs and len(key) > 2:
            left = key[2]
            assert isinstance(left, tuple)
            if any(not most and space in plan.needs for space, most in left):
                found = self.done[key] = self._too_deep(plan)
        return found

    def _too_deep(self, plan: Plan) -> Group:
        draft = Draft()
        span = getattr(plan.value, "span", Span(0, 0))
        text = "what stands here would be deeper than the space that it is in allows"
        draft.refuse((-1, Diagnostic("A0401", text, span)))
        draft.lost = max((self.cut.get(space, 0.0) for space in plan.needs), default=0.0)
        return self.store.close(draft)

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
        return not is_open(self.program.scopes, value) and not any(
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

    # ------------------------------------------------------------ pieces
    def piece(self, plan: Plan, into: int) -> Draft:
        """Return what an architecture without choices gives."""
        draft = Draft()
        value = plan.value
        if isinstance(value, Flow):
            draft.add((self.marks.like(self.keys.type(value.type), into), ()), (PLAIN, (), 0, NO_USES))
            return draft
        kind = self.keys.types[into]
        transfer = self.transfers.of(value, plan.number)
        if transfer is not None:
            try:
                output = guarded(transfer, kind)
            except Unsupported:
                pass
            else:
                if output is None:
                    draft.refuse((0, lambda: self._refusal(value, kind)))
                else:
                    self._piece_out(draft, plan, into, output)
                return draft
        session = self.session(self.root)
        try:
            result = infer_apply(session, value, flow(kind), getattr(value, "span", Span(0, 0)))
        except Refusal as refusal:
            draft.refuse((session.stages, refusal.diagnostic))
            return draft
        except (Fork, PerUse):
            text = f"what `{show(value)}` is depends on something that is not known here"
            draft.refuse((session.stages, Diagnostic("A0702", text, getattr(value, "span", Span(0, 0)))))
            return draft
        self._piece_out(draft, plan, into, result.type)
        return draft

    def _piece_out(self, draft: Draft, plan: Plan, into: int, output: Type) -> None:
        kind = self.marks.like(self.keys.type(output), into)
        if _is_identity(plan.value):
            draft.add((kind, ()), (PLAIN, (), 0, NO_USES))
            return
        piece = self.pieces.number(plan.value, plan.number, self.marks.piece(into))
        nodes = self.pieces.measured(piece, NODES) if self.marks.counts(into) else 0
        left = self.kept(kind, nodes, draft)
        if left is not None:
            draft.add((left, ()), (PLAIN, (), 0, {piece: (1, 0 if isinstance(plan.value, Method) else 1)}))

    def _refusal(self, value: Value, kind: Type) -> Diagnostic:
        """Return why an architecture does not take a type."""
        try:
            infer_apply(self.session(self.root), value, flow(kind), getattr(value, "span", Span(0, 0)))
        except Refusal as refusal:
            return refusal.diagnostic
        raise AssertionError(f"{show(value)} takes {kind}, and its closure does not")

    def apply(self, session: Session, value: Value, into: Flow, span: Span) -> Flow:
        """Return what comes out of an architecture without choices."""
        return infer_apply(session, value, into, span)

    # ------------------------------------------------------------ names
    def named(self, env: Env, statement: s.Statement, value: Value) -> Env:
        """Return `env` with what a statement binds. Raises Refusal on another number of names."""
        if not statement.is_tuple:
            return env.bind(**{statement.names[0]: value})
        parts: tuple[Value, ...] = ()
        if isinstance(value, Flow) and isinstance(value.type, Product):
            parts = value.parts
        elif isinstance(value, Items):
            parts = value.values
        if len(parts) != len(statement.names):
            text = f"{len(statement.names)} names stand here for {len(parts) or 1} value{'s' if len(parts) > 1 else ''}"
            raise Refusal(Diagnostic("A0103", text, statement.span))
        return env.bind(**dict(zip(statement.names, parts, strict=True)))

    def layer(self, value: Value, statement: s.Statement) -> Layer:
        """Return a `let` of an architecture: one set of weights."""
        assert isinstance(value, (Applied, Closure, Decided))
        token = self.sites.token(statement.span, self.keys.value(value))
        return Layer(value, token, statement.value.span)

    def named_architecture(self, value: Decided | Layer) -> tuple[Value, int]:
        """Return what a name stands for, and its token."""
        inner = value.architecture
        if isinstance(value, Layer) and isinstance(inner, Decided):
            inner = inner.architecture
        token = value.token if isinstance(value, Layer) else value.by
        assert isinstance(token, int)
        return inner, token

    def settle(self, draft: Draft, taken: Taken, group: Group, value: Value = True) -> None:
        """Add a group in which names were demanded things: those that stand here get states of their own."""
        label = self.store.label(taken.decisions)
        draft.lost += self.store.shares[label] * group.lost
        draft.refuse(group.failure)
        tokens = [token for token, _ in taken.tokens]
        layer, owner = (value.token, value.architecture) if isinstance(value, Layer) else (None, None)
        own = {*tokens, layer}
        for (kind, demands), state in group.outs.items():
            rest = tuple(demand for demand in demands if demand[0] not in own)
            if isinstance(owner, Decided) and not tokens:  # what stands around decides it
                assert isinstance(owner.by, int)
                lent = tuple((owner.by, *demand[1:]) for demand in _shared(demands, layer))
                both = joined(rest, tuple(sorted(lent)))
                if both is not None:
                    draft.add((kind, both), (label, (state,), 0, NO_USES))
                continue
            below = []
            for token in [layer] if layer is not None else tokens:
                wanted = _shared(demands, token) if layer is not None else [d for d in demands if d[0] == token]
                below.append(self._fit(wanted))
            found = tuple(entry for entry in below if entry is not None)
            if len(found) == len(below):
                draft.add((kind, rest), (label, (*found, state), len(tokens), NO_USES))

    def _fit(self, demands: "Sequence[Demand]") -> int | None:
        """Return a state of what fits all uses of a name."""
        if not demands:
            return EMPTY
        return self.products.state(tuple((state, runs, copies) for _, _, state, runs, copies in demands))

    # ------------------------------------------------------------ bounds
    def check(self) -> None:
        """Raise TooLarge where there are more edges than there may be."""
        if self.store.edges > self.most_edges:
            raise TooLarge

    def kept(self, kind: int, nodes: int, draft: Draft) -> int | None:
        """Return a type with so many nodes less left; None, and why, where there are not so many."""
        left = self.marks.spent(kind, nodes)
        if left is None:
            text = "there would be more nodes than a bound allows"
            draft.refuse((0, Diagnostic("A0411", text, self.root.declaration.name_span)))
        return left

    def freed(self, kind: int, nodes: int) -> int:
        """Return a type with so many nodes more left."""
        left = self.marks.spent(kind, -nodes)
        assert left is not None
        return left

    def shared_out(self, items: tuple[s.Expr, ...], env: Env, into: int, draft: Draft) -> tuple[int, ...]:
        """Return what each item of a tuple gets: nodes are kept for the others. Nothing where there are too few."""
        if not self.marks.counts(into):
            return (into,) * len(items)
        least = [self.least.expression(item, env) for item in items]
        found = [self.kept(into, sum(least) - each, draft) for each in least]
        return tuple(kind for kind in found if kind is not None) if None not in found else ()

    def argument(self, definition: Definition, kind: int, into: int) -> int | None:
        """Return the input at which an argument of a mention is typed: nodes are kept for what else the mention has."""
        marked = self.marks.like(kind, into)
        return self.marks.spent(marked, self.least.definition(definition)) if self.marks.counts(into) else marked

    def counted(self, space: Definition, path: str) -> Callable[[int], bool]:
        """Return what tells whether a piece is in the field of a record of a space; without a path each is."""
        mark = id(space.declaration), path
        return lambda piece: not path or any(mark == entry for entry, _ in self.marks.of(self.pieces.all[piece][1]))

    def copies(self, value: Value, expr: s.Binary) -> int:
        """Return how often a body is repeated. Raises Exhausted on too many, Refusal on what is no number."""
        count = value.constant if isinstance(value, Size) else None
        if count is None or count < 0:
            text = f"the number of copies is a whole number from 0; this is {what(value)}"
            raise Refusal(Diagnostic("A0104" if count is None else "A0215", text, expr.right.span))
        if count > self.program.limits.repeats:
            text = f"{count} copies are too many"
            raise Exhausted(exceeded(self.program.limits, "repeats", message=text, span=expr.right.span))
        return count

    def deeper(self, definition: Definition, env: Env, budget: Budget, draft: Draft) -> Budget | None:
        """Return the budget inside one more mention of a declaration; None, and why, where it is used up."""
        declaration = definition.declaration
        if declaration.kind != "space" or not has_depth(declaration):
            return budget
        number = id(declaration)
        known = dict(budget)
        most = known.get(number)
        if most is None:
            most = self._depth(definition, env)
        if most < 1:
            draft.lost += self.cut.get(number, 0.0)
            text = f"`{definition.name}` would be deeper than its bound allows"
            draft.refuse((-1, Diagnostic("A0401", text, declaration.name_span)))
            return None
        return tuple(sorted({**known, number: most - 1}.items()))

    def _depth(self, definition: Definition, env: Env) -> int:
        """Return how deep a space is refined: as deep as it says, or as a bounded forest goes."""
        number = id(definition.declaration)
        found = depth_bound(self.session(definition), definition.declaration, env)
        if self.most_types and found > MOST_DEPTH:
            found, self.cut[number] = MOST_DEPTH, 1.0
        self.bounds[number] = found
        return found


def _is_identity(value: Value) -> bool:
    return isinstance(value, Applied) and value.definition.module == 0 and value.definition.name == "id"


def _shared(demands: Sequence[Demand], token: object) -> list[Demand]:
    """Return the uses of a layer, of which only the first has weights: the others share them."""
    found = [demand for demand in demands if demand[0] == token]
    return [(*demand[:4], 0 if place else 1) for place, demand in enumerate(found)]


def _short(span: Span) -> str:
    return " ".join(span.text.split())
