"""The state of one refinement: groups that are done, sites, pieces of network, and what a walk asks for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import exceeded
from archc.grammar.source import Span
from archc.rules.infer import apply as infer_apply
from archc.rules.session import Exhausted, Fork, PerUse, Refusal, Summary
from archc.sizes.size import Size
from archc.spaces.arithmetic import Unsupported
from archc.spaces.complaints import endless
from archc.spaces.deferred import Regions
from archc.spaces.groups import (
    EMPTY,
    NO_USES,
    PLAIN,
    Demand,
    Draft,
    Frame,
    Group,
    Key,
    Named,
    Partial,
    Store,
    combined,
    joined,
)
from archc.spaces.inputs import Inputs
from archc.spaces.keys import Keys, has_depth
from archc.spaces.least import Least
from archc.spaces.marks import NODES, Marks
from archc.spaces.measures import depth_bound
from archc.spaces.merging import Mergers, merged
from archc.spaces.needs import Needs
from archc.spaces.pieces import Pieces
from archc.spaces.product import Products
from archc.spaces.replay import Sites, Taken
from archc.spaces.statics import Budget, Plan, Statics, small_session
from archc.spaces.transfer import Transfers, guarded
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

MOST_DEPTH = 6
"""A bounded forest goes so deep: what a space derives deeper is counted as lost."""

LEAST_TYPES = 2
"""A state keeps at least so many output types."""


Begin = Callable[["Refiner", Plan, int, Budget, Mergers], Frame]
"""How a group is begun: an architecture at an input type."""


class TooLarge(Exception):
    """There are more edges than a refinement may have; `named` gives the states so far that are of named spaces."""

    def __init__(self, named: Callable[[], Iterator[Named]]) -> None:
        super().__init__()
        self.named = named


@dataclass(slots=True, eq=False, kw_only=True)
class Refiner(Statics):
    """Refines one space of a program. `most_types` output types stay at each mention of a space (0: all)."""

    most_types: int
    most_edges: int
    products: Products
    begin: Begin
    transfers: Transfers
    inputs: Inputs
    pieces: Pieces
    marks: Marks
    least: Least
    done: dict[Key, Group] = field(default_factory=dict)
    bounds: dict[int, int] = field(default_factory=dict)
    cut: dict[int, float] = field(default_factory=dict)
    steps: int = 0
    regions: Regions = field(default_factory=Regions)
    deep: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, program: Program, root: Definition, most_types: int, most_edges: int, begin: "Begin") -> "Refiner":
        """Return the state with which the refinement of `root` begins."""
        sites = Sites()
        store = Store(sites.all)
        keys = Keys(program.scopes)
        session = partial(small_session, program, root)
        pieces = Pieces(session, keys.types)
        return cls(
            program=program,
            root=root,
            keys=keys,
            sites=sites,
            store=store,
            needs=Needs(program.scopes),
            most_types=most_types,
            most_edges=most_edges,
            products=Products(store, pieces.same_weights),
            begin=begin,
            transfers=Transfers(program.scopes, session, partial(_summary, program)),
            inputs=Inputs(keys),
            pieces=pieces,
            marks=Marks(keys),
            least=Least(program.scopes),
        )

    def _most(self, budget: Budget) -> int:
        """Return how many output types a state keeps: half as many at each mention of a space inside itself, two at least."""
        if not self.most_types:
            return 0
        level = sum(self.bounds[space] - left for space, left in budget)
        return max(LEAST_TYPES, self.most_types >> level)

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
            raise TooLarge(self.store.named)
        return group

    def _endless(self, stack: list[Key], key: Key) -> Diagnostic:
        cycle = [self.planned(entry[0]) for entry in stack[stack.index(key) :] if isinstance(entry[0], int)]
        into = key[1] if isinstance(key[0], int) else None
        return endless(cycle, self.keys.types[into] if isinstance(into, int) else None)

    def bundled(self, parts: list[Partial], group: Group, mergers: Mergers) -> list[Partial]:
        """Return every way to go on from some parts of a tuple with an output of one more. Raises TooLarge."""
        begun = bool(parts) and bool(parts[0][0])
        found = merged(parts, group, mergers, self.keys.types) if mergers and begun else combined(parts, group)
        self.steps += len(found)
        if self.steps > 40 * self.most_edges:
            raise TooLarge(self.store.named)
        return found

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
        self.deep.update(plan.needs)
        draft.lost = max((self.cut.get(space, 0.0) for space in plan.needs), default=0.0)
        return self.store.close(draft)

    # ------------------------------------------------------------ pieces
    def piece(self, plan: Plan, into: int) -> Draft:
        """Return what an architecture without choices gives."""
        draft = Draft()
        value = plan.value
        if isinstance(value, Flow):
            draft.add((self.marks.like(self.keys.type(value.type), into), ()), (PLAIN, (), 0, NO_USES))
            return draft
        kind = self.keys.types[into]
        transfer, sizes = self.transfers.of(value, plan.number), self.keys.sizes[into]
        if transfer is not None and sizes is not None:
            try:
                output = guarded(transfer, sizes)
            except Unsupported:
                pass
            else:
                if output is None:
                    draft.refuse((0, lambda: self._refusal(value, kind)))
                else:
                    self._piece_out(draft, plan, into, self.keys.sized(output))
                return draft
        session = self.session(self.root)
        session.trying = True
        try:
            result = infer_apply(session, value, flow(kind), getattr(value, "span", Span(0, 0)))
        except Refusal:
            draft.refuse((session.stages, lambda: self._refusal(value, kind)))
            return draft
        except (Fork, PerUse):
            text = f"what `{show(value)}` is depends on something that is not known here"
            draft.refuse((session.stages, Diagnostic("A0702", text, getattr(value, "span", Span(0, 0)))))
            return draft
        self._piece_out(draft, plan, into, self.keys.type(result.type))
        return draft

    def _piece_out(self, draft: Draft, plan: Plan, into: int, output: int) -> None:
        kind = self.marks.like(output, into)
        if adds_nothing(plan.value):
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
            raise TooLarge(self.store.named)

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
        return self.marks.counted(self.pieces.all, (id(space.declaration), path))

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
            self.deep.add(number)
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


def _summary(program: Program, declaration: s.Declaration) -> Summary:
    """Return what a block asks of its users beyond its signature."""
    return program.checker.summary(Definition(0, declaration))


def adds_nothing(value: Value) -> bool:
    """Return whether an architecture is the one that does nothing."""
    return isinstance(value, Applied) and value.definition.module == 0 and value.definition.name == "id"


def _shared(demands: Sequence[Demand], token: object) -> list[Demand]:
    """Return the uses of a layer, of which only the first has weights: the others share them."""
    found = [demand for demand in demands if demand[0] == token]
    return [(*demand[:4], 0 if place else 1) for place, demand in enumerate(found)]
