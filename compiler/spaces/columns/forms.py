"""Architectures -> forms: how what they give at all their input types comes of what others give.

A form is a leaf (no choices), a union (arms behind decisions), a sequence (a stage, and the rest from what comes out of it),
a product (the parts of a tuple), or typed (another form at each input type). What a name decides once, records, points and
bounds on measures other than depth are no such thing.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

from archc.grammar import syntax as s
from archc.names.mentions import names_of
from archc.rules.arguments import bind
from archc.rules.infer import admit, is_point, measures, signature
from archc.rules.infer import enter as matched
from archc.rules.openness import free_names
from archc.rules.session import Refusal, Session, Site
from archc.rules.static import evaluate
from archc.spaces.columns.tables import PLAINLY, Close
from archc.spaces.frames import Turns, copied, loops, seen_by, walk_of
from archc.spaces.groups import PLAIN, Draft
from archc.spaces.keys import NOTHING, Reach, has_depth
from archc.spaces.measures import bounds_of
from archc.spaces.merging import Mergers, is_bundle
from archc.spaces.refiner import Refiner
from archc.spaces.replay import Taken
from archc.spaces.statics import Budget, Plan, Values
from archc.values import Applied, Closure, Decided, Definition, Env, Fields, Layer, Value

Names = dict[str, Value]


class NotPlain(Exception):
    """The space says something that is refined an input type at a time."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An architecture without choices."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Union:
    """Arms, each behind the label of its decisions. `deeper` gives the budget inside, `allows` tells which types may come out."""

    arms: tuple[tuple[int, "Form"], ...]
    close: Close = PLAINLY
    deeper: Callable[[Budget], Budget | None] | None = None
    allows: Callable[[int], bool] | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """What it is at an input type; None where it takes that not."""

    at: Callable[[int], "Form | None"]


@dataclass(frozen=True, slots=True)
class Sequence:
    """The values of a stage, each behind a label, and what comes behind it."""

    stages: tuple[tuple[int, "Form"], ...]
    rest: "Form"
    close: Close


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a product; what is decided by the mention itself is nested."""

    form: "Form"
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """Parts that get the same input, or each an item of a tuple (`split`); `every` item goes to the same part."""

    parts: tuple[Part, ...]
    mergers: Mergers
    label: int = PLAIN
    split: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """What comes behind the last turn of a loop that stands by itself: nothing."""


Node = Leaf | Union | Typed | Sequence | Product | End


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A form by number. Those of one kin are made of the same text, and worked out together."""

    number: int
    kin: Hashable
    reach: Reach
    needs: Reach
    node: Callable[[], Node]


@dataclass(slots=True)
class Forms:
    """The forms of one refinement, each made when it is asked for."""

    refiner: Refiner
    all: list[Form] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _known: dict[Hashable, Form] = field(default_factory=dict)
    _nodes: dict[int, Node] = field(default_factory=dict)
    _exprs: dict[int, int] = field(default_factory=dict)

    def node(self, form: Form) -> Node:
        """Return what a form is. Raises NotPlain, Refusal, Exhausted."""
        known = self._nodes.get(form.number)
        if known is None:
            known = self._nodes[form.number] = form.node()
        return known

    def of(self, plan: Plan, mergers: Mergers = ()) -> Form:
        """Return the form of an architecture; of a tuple only what one of `mergers` takes. Raises NotPlain."""
        known = self._known.get((plan.number, mergers))
        if known is None:
            known = self._known[plan.number, mergers] = self._made(plan, mergers)
        return known

    def _form(self, kin: Hashable, plan: Plan, node: Callable[[], Node]) -> Form:
        return self._add(kin, plan.reach, plan.needs, node)

    def _add(self, kin: Hashable, reach: Reach, needs: Reach, node: Callable[[], Node]) -> Form:
        made = Form(len(self.all), kin, reach, needs, node)
        self.all.append(made)
        return made

    def _expr(self, expr: s.Expr | None) -> int:
        """Return the number of an expression that the program holds."""
        return self._exprs.setdefault(id(expr), len(self._exprs))

    def _made(self, plan: Plan, mergers: Mergers) -> Form:
        value = plan.value
        if plan.steady:
            return self._form(("leaf", plan.number), plan, lambda: Leaf(plan))
        match value:
            case Closure(s.Record()) | Fields():
                raise NotPlain
            case Closure(s.Tuple(items), env):
                return self._form(
                    ("tuple", id(value.expr)),
                    plan,
                    lambda: Product(
                        tuple(Part(self._single(("item", id(i)), self.refiner.values(i, env))) for i in items), mergers
                    ),
                )
            case Closure(s.Pipe() as pipe):
                return self._form(("pipe", id(pipe), 0), plan, lambda: self._pipe(plan, pipe, 0))
            case Closure(s.Choice() as choice):
                return self._form(("choice", id(choice)), plan, lambda: self._choice(plan, choice))
            case Closure(s.Body() as expr, env):
                return self._body(expr, 0, env)
            case Closure(s.Fold() | s.Binary() as loop, env):
                return self._form(("loop", id(loop)), plan, lambda: self._loop(loop, env))
            case Closure(expr, env):
                return self._single(("values", id(expr)), self.refiner.values(expr, env))
            case Applied():
                return self._mention(plan, value, mergers)
            case _:
                raise NotPlain

    def _arms(self, values: Values) -> tuple[tuple[int, Form], ...]:
        return tuple((label, self.of(plan)) for label, plan in values.found)

    def _single(self, kin: Hashable, values: Values) -> Form:
        """Return the form of a mention, once its arguments are evaluated."""
        if len(values.found) == 1 and values.found[0][0] == PLAIN:
            return self.of(values.found[0][1])
        reach = NOTHING.union(*(plan.reach for _, plan in values.found))
        return self._add(kin, reach, NOTHING, lambda: Union(self._arms(values)))

    def _choice(self, plan: Plan, expr: s.Choice) -> Node:
        return Union(self._arms(self.refiner.arms(plan, expr)), Close(whole=self._expr(expr)))

    # ------------------------------------------------------------ pipelines and bodies
    def _pipe(self, plan: Plan, expr: s.Pipe, at: int) -> Node:
        close = PLAINLY if at else Close(whole=self._expr(expr))
        found = self.refiner.stage(plan, expr, at).found
        turns = [copied(self.refiner, stage) for _, stage in found]
        rest = self._rest(plan, expr, at + 1)
        looped = [entry for entry in turns if entry is not None]
        if looped and len(looped) < len(found):
            raise NotPlain
        if looped:
            behind = [self._turns(entry, 0, rest) for entry in looped]
            return Union(tuple((label, form) for (label, _), form in zip(found, behind, strict=True)), close)
        stages = tuple(
            (label, self.of(stage, self.refiner.mergers(plan, expr, at + 1) if is_bundle(stage.value) else ()))
            for label, stage in found
        )
        return Sequence(stages, rest, close)

    def _rest(self, plan: Plan, expr: s.Pipe, at: int) -> Form:
        if at == len(expr.stages) - 1:
            return self._single(("stage", id(expr), at), self.refiner.stage(plan, expr, at))
        return self._add(("pipe", id(expr), at), plan.reach, NOTHING, lambda: self._pipe(plan, expr, at))

    def _loop(self, expr: s.Binary | s.Fold, env: Env) -> Node:
        end = self._known.setdefault("end", self._add(("end",), NOTHING, NOTHING, End))
        return Union(
            tuple((label, self._turns(turns, 0, end)) for label, turns in loops(self.refiner, expr, env, Draft()))
        )

    def _turns(self, turns: Turns, at: int, rest: Form) -> Form:
        """Return the form of the turns of a loop from `at` on, and of what comes behind them."""
        if at == len(turns.envs):
            return rest
        refiner, env = self.refiner, turns.envs[at]
        key = ("turns", seen_by(refiner, turns, at), rest.number)
        if key not in self._known:
            reach = refiner.reach(turns.body, env) | rest.reach
            left = len(turns.envs) - at
            kin = ("turns", id(turns.body), left, rest.kin)
            self._known[key] = self._add(kin, reach, NOTHING, lambda: self._turn(turns, at, rest))
        return self._known[key]

    def _turn(self, turns: Turns, at: int, rest: Form) -> Node:
        values = self.refiner.values(turns.body, turns.envs[at])
        return Sequence(self._arms(values), self._turns(turns, at + 1, rest), PLAINLY)

    def _body(self, expr: s.Body, at: int, env: Env) -> Form:
        """Return the form of a body from statement `at` on, of which all statements are of sizes."""
        if at == len(expr.statements):
            return self._single(("value", id(expr)), self.refiner.values(expr.value, env))
        key = ("body", id(expr), at, self.refiner.keys.env(expr, env))
        if key not in self._known:
            reach = self.refiner.reach(expr, env)
            self._known[key] = self._add(key[:3], reach, NOTHING, lambda: self._statement(expr, at, env))
        return self._known[key]

    def _statement(self, expr: s.Body, at: int, env: Env) -> Node:
        statement, refiner = expr.statements[at], self.refiner
        if is_point(statement.value, env):
            raise NotPlain
        arms = []
        key = ("let", id(statement), refiner.keys.env(statement.value, env))
        for taken, value in refiner.walked(key, walk_of(statement, env), Draft()):
            if taken.tokens or isinstance(value, (Applied, Closure, Decided, Layer)):
                raise NotPlain
            inner = refiner.named(env, statement, value)
            arms.append((refiner.store.label(taken.decisions), self._body(expr, at + 1, inner)))
        return Union(tuple(arms), PLAINLY if at else Close(whole=self._expr(expr)))

    # ------------------------------------------------------------ mentions
    def _mention(self, plan: Plan, applied: Applied, mergers: Mergers) -> Form:
        declaration = applied.definition.declaration
        outcomes = self._outcomes(applied)
        label = self.refiner.store.label
        if declaration.kind != "op" and any(taken.tokens for taken, _ in outcomes):
            raise NotPlain
        if len(outcomes) == 1 and outcomes[0][0].tokens:
            ((taken, names),) = outcomes
            return self._parts(plan, applied, taken, names, mergers, label(taken.decisions))

        def node() -> Node:
            arms = tuple(
                (
                    label(taken.decisions),
                    self._parts(plan, applied, taken, names, mergers)
                    if taken.tokens
                    else self._one(plan, applied, names),
                )
                for taken, names in outcomes
            )
            if declaration.kind != "space":
                return Union(arms)
            return Union(arms, Close(body=self._expr(declaration.value), space=self._name(applied.definition.name)))

        return self._form(("mention", id(declaration)), plan, node)

    def _name(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def _outcomes(self, applied: Applied) -> list[tuple[Taken, Names]]:
        definition = applied.definition

        def bound(session: Session) -> Names:
            env = Env(definition.module, {})
            return bind(session, definition.declaration, applied.arguments, applied.span, env, evaluate)

        return self.refiner.walked(("bind", self.refiner.keys.value(applied)), bound, Draft())

    def _one(self, plan: Plan, applied: Applied, names: Names) -> Form:
        """Return the form of a mention whose arguments are decided."""
        if applied.definition.declaration.kind != "op":
            return self._inside(plan, applied, names)
        given = tuple((key, value, applied.span) for key, value in names.items())
        concrete = self.refiner.plan(Applied(applied.definition, given, applied.span))
        if not concrete.steady:
            raise NotPlain
        return self.of(concrete)

    def _parts(
        self, plan: Plan, applied: Applied, taken: Taken, names: Names, mergers: Mergers, label: int = PLAIN
    ) -> Form:
        """Return the form of `par` or `each`, given architectures with choices."""
        name = applied.definition.name
        if name not in ("par", "each"):
            raise NotPlain

        def node() -> Node:
            own = {token for token, _ in taken.tokens}
            values = [names["f"]] if name == "each" else [names["f"], names["g"]]
            parts = tuple(self._part(value, own) for value in values)
            return Product(parts, mergers, label, split=True, every=name == "each")

        return self._form(("parts", plan.number, taken), plan, node)

    def _part(self, value: Value, own: set[int]) -> Part:
        """Return what a mention does with an item of a tuple; it decides what has one of its `own` tokens."""
        if not isinstance(value, Decided):
            plan = self.refiner.plan(value)
            if not plan.steady:
                raise NotPlain
            return Part(self.of(plan))
        inner, token = self.refiner.named_architecture(value)
        if isinstance(inner, Decided) or token not in own:
            raise NotPlain
        return Part(self.of(self.refiner.plan(inner)), nested=True)

    # ------------------------------------------------------------ blocks and spaces
    def _inside(self, plan: Plan, applied: Applied, names: Names) -> Form:
        definition = applied.definition
        if signature(definition.declaration) is None:
            return self._entered(plan, definition, Env(definition.module, names))
        alike = self._is_alike(definition)
        known: dict[int, Form | None] = {}

        def at(kind: int) -> Form | None:
            key = 0 if alike else kind
            if key not in known:
                known[key] = self._at(plan, applied, names, kind)
            return known[key]

        return self._form(("typed", id(definition.declaration)), plan, lambda: Typed(at))

    def _is_alike(self, definition: Definition) -> bool:
        """Return whether a declaration takes every type, and does the same with each."""
        declaration = definition.declaration
        arrow = signature(declaration)
        assert arrow is not None and declaration.value is not None
        if not isinstance(arrow.source, s.TypeVariable) or self.refiner.program.scopes.asked:
            return False
        mentioned = set(names_of(arrow.target)).union(
            *(free_names(e)[0] for e in (declaration.value, *declaration.where))
        )
        return arrow.source.name not in mentioned

    def _at(self, plan: Plan, applied: Applied, values: Names, kind: int) -> Form | None:
        """Return the form of the body at an input type; None where the signature does not take it."""
        definition, refiner = applied.definition, self.refiner
        arrows = [p.name for p in definition.declaration.parameters or () if isinstance(p.type, s.TypeArrow)]
        if any(name in values for name in arrows):
            raise NotPlain
        try:
            names, blame = matched(refiner.session(definition), applied, values, refiner.flow(kind), Site(applied.span))
            admit(refiner.session(definition), definition, names, blame)
        except Refusal:
            return None
        return self._entered(plan, definition, Env(definition.module, names))

    def _entered(self, plan: Plan, definition: Definition, env: Env) -> Form:
        """Return the form of the body, as far as it gives what is declared."""
        declaration, refiner = definition.declaration, self.refiner
        assert declaration.value is not None
        counts = declaration.kind == "space" and bool(declaration.where)
        if counts and any(measures(declaration, clause) for clause in declaration.where):
            bounds = bounds_of(refiner.session(definition), declaration, env)
            if any(bound.measure != "depth" or bound.low is not None for bound in bounds):
                raise NotPlain
        close = Close(body=self._expr(declaration.value), counts=True) if counts else PLAINLY
        deeper = None
        if declaration.kind == "space" and has_depth(declaration):
            deeper = partial(_deeper, refiner, definition, env)
        arrow = signature(declaration)
        free = arrow is None or (isinstance(arrow.target, s.TypeVariable) and arrow.target.name not in env.names)
        promised = refiner.promise(definition, env)
        found = refiner.values(declaration.value, env)
        return self._form(
            ("inside", id(declaration)),
            plan,
            lambda: Union(self._arms(found), close, deeper, None if free else lambda kind: promised(kind) is None),
        )


def _deeper(refiner: Refiner, definition: Definition, env: Env, budget: Budget) -> Budget | None:
    return refiner.deeper(definition, env, budget, Draft())
