"""Mentions of spaces, blocks and ops at an input type -> groups: arguments decided, sizes bound, depth counted."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.rules.arguments import bind
from archc.rules.arrows import probe
from archc.rules.infer import admit, enter, signature
from archc.rules.instantiate import instantiate
from archc.rules.match import match
from archc.rules.output import require_output
from archc.rules.session import Blame, Refusal, Session, Site
from archc.rules.static import evaluate
from archc.spaces.frames import Frame, Key, through
from archc.spaces.groups import NO_USES, PLAIN, Draft, Group, Partial, combined
from archc.tensor import Product
from archc.values import ARCHITECTURES, Applied, Decided, Definition, Env, Layer, Value

if TYPE_CHECKING:
    from archc.spaces.refiner import Budget, Refiner

Names = dict[str, Value]


def shared(refiner: "Refiner", value: Decided | Layer, into: int, budget: "Budget") -> Frame:
    """What a name decides, or a layer with weights of its own: a demand on what the name can be."""
    architecture, token = refiner.named_architecture(value)
    group = yield from through(refiner, architecture, into, budget)
    draft = Draft(lost=group.lost)
    draft.refuse(group.failure)
    for (kind, demands), state in group.outs.items():
        wanted = tuple(sorted((*demands, (token, group.number, state, 1))))
        draft.add((kind, wanted), (PLAIN, (), 0, NO_USES))
    return draft


def mention(refiner: "Refiner", applied: Applied, into: int, budget: "Budget") -> Frame:
    """A space, or an op or block that is given something with choices in it."""
    definition = applied.definition
    draft = Draft()

    def bound(session: Session) -> Names:
        env = Env(definition.module, {})
        return bind(session, definition.declaration, applied.arguments, applied.span, env, evaluate)

    for taken, names in refiner.walked(("bind", refiner.keys.value(applied)), bound, draft):
        if definition.declaration.kind == "op":
            group = yield from _op(refiner, applied, names, into, budget)
        else:
            group = yield from _inside(refiner, applied, names, into, budget)
        refiner.settle(draft, taken, group)
    draft.space = definition.name if definition.declaration.kind == "space" else ""
    draft.source = into
    return draft


# ---------------------------------------------------------------- ops
def _op(
    refiner: "Refiner", applied: Applied, names: Names, into: int, budget: "Budget"
) -> Generator[tuple[Key, Frame], Group, Group]:
    name = applied.definition.name
    given = tuple((key, value, applied.span) for key, value in names.items())
    concrete = Applied(applied.definition, given, applied.span)
    if name not in ("each", "par") or refiner.plan(concrete).steady:
        return (yield from through(refiner, concrete, into, budget))
    kind = refiner.keys.types[into]
    if not isinstance(kind, Product) or (name == "par" and len(kind.items) != 2):  # refused, whatever is given
        same = Applied(refiner.program.scopes.modules[0].own["id"], (), applied.span)
        given = tuple((key, same, applied.span) for key in names)
        return (yield from through(refiner, Applied(applied.definition, given, applied.span), into, budget))
    arms = [names["f"]] * len(kind.items) if name == "each" else [names["f"], names["g"]]
    draft = Draft()
    parts: list[Partial] = [((), (), ())]
    for value, item in zip(arms, kind.items, strict=True):
        group = yield from through(refiner, value, refiner.keys.type(item), budget)
        draft.refuse(group.failure)
        parts = combined(parts, group)
        refiner.count(len(parts))
    types = refiner.keys.types
    for kinds, demands, states in parts:
        out = refiner.keys.type(Product(tuple(types[entry] for entry in kinds)))
        draft.add((out, demands), (PLAIN, states, 0, NO_USES))
    return refiner.store.close(draft)


# ---------------------------------------------------------------- blocks and spaces
def _inside(
    refiner: "Refiner", applied: Applied, values: Names, into: int, budget: "Budget"
) -> Generator[tuple[Key, Frame], Group, Group]:
    """Return the group of the body, as far as it gives what is declared."""
    definition = applied.definition
    draft = Draft()
    for names in (yield from _entered(refiner, applied, values, into, budget, draft)):
        env = Env(definition.module, names)
        inner = refiner.deeper(definition, env, budget, draft)
        assert definition.declaration.value is not None
        if inner is None:
            continue
        for label, value in refiner.values(definition.declaration.value, env, draft):
            group = yield from through(refiner, value, into, inner)
            draft.lost += refiner.store.shares[label] * group.lost
            draft.refuse(group.failure)
            for (kind, demands), state in group.outs.items():
                refused = _promised(refiner, definition, env, kind)
                if refused is None:
                    draft.add((kind, demands), (label, (state,), 0, NO_USES))
                else:
                    draft.refuse((1, refused))
    return refiner.store.close(draft)


def _promised(refiner: "Refiner", definition: Definition, env: Env, kind: int) -> Diagnostic | None:
    """Return why a declaration may not put out this type, or None."""
    arrow = signature(definition.declaration)
    if arrow is None:
        return None
    session = refiner.session(definition)
    try:
        require_output(session, arrow.target, refiner.flow(kind), env)
    except Refusal as refusal:
        return refusal.diagnostic
    return None


def _entered(
    refiner: "Refiner", applied: Applied, values: Names, into: int, budget: "Budget", draft: Draft
) -> Generator[tuple[Key, Frame], Group, list[Names]]:
    """Return what the body can see at this input: the sizes that the signature and the arguments' types bind."""
    definition = applied.definition
    if signature(definition.declaration) is None:
        return [values]
    session = refiner.session(definition)
    open_ones = {name for name, value in values.items() if not _is_steady(refiner, value)}
    try:
        names, blame = enter(session, applied, values, refiner.flow(into), Site(applied.span))
        steady = {name: value for name, value in names.items() if name not in open_ones}
        names = {**names, **probe(session, definition, steady, blame, refiner.flow(into), refiner.apply)}
    except Refusal as refusal:
        draft.refuse((0, refusal.diagnostic))
        return []
    found = yield from _witnessed(refiner, definition, names, open_ones, budget, blame, draft)
    admitted = []
    for entry in found:
        try:
            admit(refiner.session(definition), definition, entry, blame)
            admitted.append(entry)
        except Refusal as refusal:
            draft.refuse((0, refusal.diagnostic))
    return admitted


def _is_steady(refiner: "Refiner", value: Value) -> bool:
    return not isinstance(value, ARCHITECTURES) or refiner.plan(value).steady


def _witnessed(
    refiner: "Refiner",
    definition: Definition,
    names: Names,
    open_ones: set[str],
    budget: "Budget",
    blame: Blame,
    draft: Draft,
) -> Generator[tuple[Key, Frame], Group, list[Names]]:
    """Return `names` with the sizes that only the result of an argument with choices tells: one entry for each."""
    found = [names]
    for parameter in definition.declaration.parameters or ():
        if parameter.name not in open_ones or not isinstance(parameter.type, s.TypeArrow):
            continue
        known: dict[tuple[int, ...], Names] = {}
        for entry in found:
            session = refiner.session(definition)
            try:
                source = instantiate(session, parameter.type.source, Env(definition.module, entry), blame)
            except Refusal:  # it must take any size; each mention is typed by itself
                known[len(known),] = entry
                continue
            group = yield from through(refiner, entry[parameter.name], refiner.keys.type(source), budget)
            draft.refuse(group.failure)
            for kind, _ in group.outs:
                more = _result(refiner, definition, parameter.type.target, entry, kind, blame)
                if more is not None:
                    known.setdefault(tuple(refiner.keys.value(more[name]) for name in sorted(more)), more)
        found = list(known.values())
    return found


def _result(
    refiner: "Refiner", definition: Definition, target: s.TypeExpr, names: Names, kind: int, blame: Blame
) -> Names | None:
    try:
        session = refiner.session(definition)
        return match(session, target, refiner.flow(kind), Env(definition.module, names), blame)[0]
    except Refusal:
        return None
