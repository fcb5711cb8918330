"""Mentions of spaces, blocks and ops at an input type -> groups: arguments decided, sizes bound, depth counted."""

from collections.abc import Generator

from archc.grammar import syntax as s
from archc.rules.arguments import bind
from archc.rules.arrows import probe
from archc.rules.infer import admit, apply, signature
from archc.rules.infer import enter as matched
from archc.rules.instantiate import instantiate
from archc.rules.match import match
from archc.rules.session import Blame, Refusal, Session, Site
from archc.rules.static import evaluate
from archc.spaces.frames import through
from archc.spaces.groups import NO_USES, PLAIN, Demand, Draft, Frame, Group, Key, Partial, joined
from archc.spaces.merging import Mergers
from archc.spaces.refiner import Refiner
from archc.spaces.regions import enter, leave
from archc.spaces.statics import Budget
from archc.tensor import Product
from archc.values import Applied, Decided, Definition, Env, Layer, Value

Names = dict[str, Value]


def shared(refiner: Refiner, value: Decided | Layer, into: int, budget: Budget) -> Frame:
    """What a name decides, or a layer with weights of its own: a demand on what the name can be."""
    architecture, token = refiner.named_architecture(value)
    group = yield from through(refiner, refiner.plan(architecture), into, budget)
    draft = Draft(lost=group.lost, budget=budget)
    draft.refuse(group.failure)
    for (kind, demands), state in group.outs.items():
        wanted = joined(demands, ((token, group.number, state, 1, 1),))
        if wanted is not None:
            draft.add((kind, wanted), (PLAIN, (), 0, NO_USES))
    return draft


def mention(refiner: Refiner, applied: Applied, into: int, budget: Budget, mergers: Mergers = ()) -> Frame:
    """A space, or an op or block that is given something with choices in it."""
    definition = applied.definition
    draft = Draft(budget=budget)

    def bound(session: Session) -> Names:
        env = Env(definition.module, {})
        return bind(session, definition.declaration, applied.arguments, applied.span, env, evaluate)

    for taken, names in refiner.walked(("bind", refiner.keys.value(applied)), bound, draft):
        if definition.declaration.kind == "op":
            group = yield from _op(refiner, applied, names, into, budget, mergers)
        else:
            group = yield from _inside(refiner, applied, names, into, budget)
        refiner.settle(draft, taken, group)
    if definition.declaration.kind == "space":
        draft.space, draft.source = definition.name, into
        draft.body = definition.declaration.value
    return draft


# ---------------------------------------------------------------- ops
def _op(
    refiner: Refiner, applied: Applied, names: Names, into: int, budget: Budget, mergers: Mergers
) -> Generator[tuple[Key, Frame], Group, Group]:
    name = applied.definition.name
    given = tuple((key, value, applied.span) for key, value in names.items())
    concrete = Applied(applied.definition, given, applied.span)
    if name not in ("each", "par") or refiner.plan(concrete).steady:
        return (yield from through(refiner, refiner.plan(concrete), into, budget))
    kind = refiner.keys.types[into]
    if not isinstance(kind, Product) or (name == "par" and len(kind.items) != 2):  # refused, whatever is given
        same = Applied(refiner.program.scopes.modules[0].own["id"], (), applied.span)
        given = tuple((key, same, applied.span) for key in names)
        return (
            yield from through(refiner, refiner.plan(Applied(applied.definition, given, applied.span)), into, budget)
        )
    arms = [names["f"]] * len(kind.items) if name == "each" else [names["f"], names["g"]]
    draft = Draft(budget=budget)
    parts: list[Partial] = [((), (), ())]
    least = [refiner.least.of(value) for value in arms]
    entered, lost = [], dict[int, float]()
    for place, (value, item) in enumerate(zip(arms, kind.items, strict=True)):
        at = refiner.kept(refiner.marks.like(refiner.keys.type(item), into), sum(least) - least[place], draft)
        if at is None:
            return refiner.store.close(draft)
        entered.append(at)
        group = yield from through(refiner, refiner.plan(value), at, budget)
        draft.refuse(group.failure)
        lost[group.number] = group.lost
        parts = refiner.bundled(parts, group, mergers)
    draft.lost = sum(lost.values())
    types = refiner.keys.types
    for kinds, demands, states in parts:
        out = refiner.marks.together(
            refiner.keys.type(Product(tuple(types[entry] for entry in kinds))), into, tuple(entered), kinds
        )
        if out is not None:
            draft.add((out, demands), (PLAIN, states, 0, NO_USES))
    return refiner.store.close(draft)


# ---------------------------------------------------------------- blocks and spaces
def _inside(
    refiner: Refiner, applied: Applied, values: Names, into: int, budget: Budget
) -> Generator[tuple[Key, Frame], Group, Group]:
    """Return the group of the body, as far as it gives what is declared."""
    definition = applied.definition
    counts = definition.declaration.kind == "space" and bool(definition.declaration.where)
    draft = Draft(budget=budget, body=definition.declaration.value if counts else None)
    for names, witnessed in (yield from _entered(refiner, applied, values, into, budget, draft)):
        env = Env(definition.module, names)
        inner = refiner.deeper(definition, env, budget, draft)
        assert definition.declaration.value is not None
        if inner is None:
            continue
        region = enter(refiner, definition, env, into)
        found = refiner.values(definition.declaration.value, env)
        draft.refuse(found.failure)
        for label, plan in found.found:
            group = yield from through(refiner, plan, region.into, inner)
            draft.lost += refiner.store.shares[label] * group.lost
            draft.refuse(group.failure)
            promised = refiner.promise(definition, env)
            for (kind, demands), states in leave(refiner, definition, region, group, draft).items():
                refused = promised(kind)
                both = joined(witnessed, demands)
                if refused is not None:
                    draft.refuse((1, refused))
                elif both is not None:
                    for state in states:
                        draft.add((kind, both), (label, (state,), 0, NO_USES))
    closed = refiner.store.close(draft)
    if counts:
        refiner.store.mention(closed.outs.values(), id(definition.declaration))
    return closed


Entry = tuple[Names, tuple[Demand, ...]]
"""What a body sees, and what the types of arguments with choices demand of these."""


def _entered(
    refiner: Refiner, applied: Applied, values: Names, into: int, budget: Budget, draft: Draft
) -> Generator[tuple[Key, Frame], Group, list[Entry]]:
    """Return what the body can see at this input: the sizes that the signature and the arguments' types bind."""
    definition = applied.definition
    if signature(definition.declaration) is None:
        return [(values, ())]
    session = refiner.session(definition)
    try:
        names, blame = matched(session, applied, values, refiner.flow(into), Site(applied.span))
    except Refusal as refusal:
        draft.refuse((0, refusal.diagnostic))
        return []
    found: list[Entry] = [(names, ())]
    for parameter in definition.declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow) and parameter.name in values:
            found = yield from _typed(refiner, applied, parameter, found, into, budget, blame, draft)
    admitted = []
    for entry in found:
        try:
            admit(refiner.session(definition), definition, entry[0], blame)
            admitted.append(entry)
        except Refusal as refusal:
            draft.refuse((0, refusal.diagnostic))
    return admitted


def _typed(
    refiner: Refiner,
    applied: Applied,
    parameter: s.Parameter,
    entries: list[Entry],
    into: int,
    budget: Budget,
    blame: Blame,
    draft: Draft,
) -> Generator[tuple[Key, Frame], Group, list[Entry]]:
    """Type an architecture that is given as an argument: an entry for each type that it can put out."""
    definition = applied.definition
    found: list[Entry] = []
    for names, demands in entries:
        given = names[parameter.name]
        assert isinstance(parameter.type, s.TypeArrow)
        if refiner.plan(given).steady:
            found.extend(_probed(refiner, definition, parameter.name, (names, demands), into, blame, draft))
            continue
        try:
            source = instantiate(
                refiner.session(definition), parameter.type.source, Env(definition.module, names), blame
            )
        except Refusal:  # it must take any size; each mention is typed by itself
            found.append((names, demands))
            continue
        kind = refiner.argument(definition, refiner.keys.type(source), into)
        if kind is None:
            continue
        group = yield from through(refiner, refiner.plan(given), kind, budget)
        draft.refuse(group.failure)
        for kind, wanted in group.outs:
            more = _result(refiner, definition, parameter.type.target, names, kind, blame)
            both = joined(demands, tuple((*demand[:3], 0, 0) for demand in wanted))
            if more is not None and both is not None:
                found.append((more, both))
    return found


def _probed(
    refiner: Refiner, definition: Definition, name: str, entry: Entry, into: int, blame: Blame, draft: Draft
) -> list[Entry]:
    """Type an argument without choices."""
    names, demands = entry
    arrows = {p.name for p in definition.declaration.parameters or () if isinstance(p.type, s.TypeArrow)}
    seen = {key: value for key, value in names.items() if key == name or key not in arrows}
    try:
        found = probe(refiner.session(definition), definition, seen, blame, refiner.flow(into), apply)
    except Refusal as refusal:
        draft.refuse((0, refusal.diagnostic))
        return []
    return [({**names, **found}, demands)]


def _result(
    refiner: Refiner, definition: Definition, target: s.TypeExpr, names: Names, kind: int, blame: Blame
) -> Names | None:
    try:
        session = refiner.session(definition)
        return match(session, target, refiner.flow(kind), Env(definition.module, names), blame)[0]
    except Refusal:
        return None
