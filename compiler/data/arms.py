"""A union and a value -> the arms that may take it, and what to say where none does."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from archc.data.kinds import Constant, Data, Json, Many, Named, Object, OneOf, Row, Schema, Table, Text, Truth
from archc.data.predicates import key, noun
from archc.data.tags import resolved
from archc.data.text import data_text
from archc.data.violations import Violation, shown, unlike

SPELLED = 2_000
LISTED = 8


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of a union by what they take: literals by value, others by the kind of value, records by their tag."""

    union: OneOf
    literals: Mapping[Hashable, Data]
    others: Mapping[str, Sequence[Data]]
    tags: Mapping[Hashable, Data]


def arms_of(schema: Schema, union: OneOf) -> Arms:
    """Return the arms of `union`, sorted."""
    literals: dict[Hashable, Data] = {}
    others: dict[str, list[Data]] = {}
    tags: dict[Hashable, Data] = {}
    for arm in union.arms:
        inner = resolved(arm.type, schema.definitions)
        if isinstance(arm.type, Constant):
            literals[key(arm.type.value)] = arm.type
            continue
        for kind in kinds(schema, arm.type):
            others.setdefault(kind, []).append(arm.type)
        if union.tag is not None and isinstance(inner, Object):
            literal = next(entry.type for entry in inner.fields if entry.name == union.tag)
            assert isinstance(literal, Constant), literal
            tags[key(literal.value)] = arm.type
    return Arms(union, literals, others, tags)


def kinds(schema: Schema, data: Data) -> set[str]:
    """Return the kinds of value that a type takes, as `noun` names them."""
    found: set[str] = set()
    seen: set[str] = set()
    stack: list[Data] = [data]
    while stack:
        match stack.pop():
            case Named(name):
                stack.extend([] if name in seen else [schema.definitions[name].type])
                seen.add(name)
            case OneOf(arms):
                stack.extend(arm.type for arm in arms)
            case Constant(value):
                found.add(noun(value))
            case Text():
                found.add("a string")
            case Truth():
                found.add("a flag")
            case Many() | Row():
                found.add("a list")
            case Table() | Object():
                found.add("a record")
            case _:
                found.add("a number")
    return found


def kinds_by_name(schema: Schema) -> Mapping[str, frozenset[str]]:
    """Return the kinds of value that each definition takes, in time linear in the definitions."""
    known: dict[str, set[str]] = {}
    users: dict[str, list[str]] = {}
    for name, entry in schema.definitions.items():
        known[name] = set()
        stack: list[Data] = [entry.type]
        while stack:
            match stack.pop():
                case Named(other):
                    users.setdefault(other, []).append(name)
                case OneOf(arms):
                    stack.extend(arm.type for arm in arms)
                case plain:
                    known[name] |= kinds(schema, plain)
    waiting = list(known)
    while waiting:
        name = waiting.pop()
        for user in users.get(name, ()):
            if not known[name] <= known[user]:
                known[user] |= known[name]
                waiting.append(user)
    return {name: frozenset(found) for name, found in known.items()}


def candidates(arms: Arms, value: Json) -> tuple[Data, ...] | tuple[Violation, ...]:
    """Return the arms that may take `value`, or what is wrong where there is none."""
    if arms.tags:
        return _by_tag(arms, value)
    found: list[Data] = []
    if not isinstance(value, (list, dict)) and key(value) in arms.literals:
        found.append(arms.literals[key(value)])
    found.extend(arms.others.get(noun(value), ()))
    return tuple(found) or _none(arms, value)


def _by_tag(arms: Arms, value: Json) -> tuple[Data, ...] | tuple[Violation, ...]:
    tag = arms.union.tag
    assert tag is not None
    if not isinstance(value, dict):
        return unlike(f"a record, {data_text(arms.union)}", value)
    names = [str(name[1]) for name in arms.tags if isinstance(name, tuple)]
    if tag not in value:
        return (Violation((tag,), "A0523", f"expected this field, {_either(names)}, which tells the arms apart"),)
    given = value[tag]
    arm = arms.tags.get(key(given)) if not isinstance(given, (list, dict)) else None
    if arm is not None:
        return (arm,)
    return (Violation((tag,), "A0527", f"expected {_either(names)}, found {shown(given)}{_near(given, names)}"),)


def _either(names: Sequence[str]) -> str:
    more = f" or one of {len(names) - LISTED} others" if len(names) > LISTED else ""
    return " or ".join(map(shown, names[:LISTED])) + more


def _near(value: Json, names: Iterable[str]) -> str:
    near = get_close_matches(value, list(names)[:SPELLED], 1) if isinstance(value, str) and len(value) < 200 else []
    return f"; nearest: {shown(near[0])}" if near else ""


def _none(arms: Arms, value: Json) -> tuple[Violation, ...]:
    """Return the complaint that no arm takes a value of this kind, or that it is none of the literals."""
    texts = [arm.value for arm in arms.literals.values() if isinstance(arm, Constant) and isinstance(arm.value, str)]
    if isinstance(value, str) and len(texts) == len(arms.union.arms):
        return (Violation((), "A0527", f"expected {_either(texts)}, found {shown(value)}{_near(value, texts)}"),)
    same = any(isinstance(arm, Constant) and noun(arm.value) == noun(value) for arm in arms.literals.values())
    if same:
        text = f"expected {data_text(arms.union)}, found {shown(value)}{_near(value, texts)}"
        return (Violation((), "A0527", text),)
    return unlike(data_text(arms.union), value)


def closest(arms: Arms, value: Json, tried: Sequence[tuple[Violation, ...]]) -> tuple[Violation, ...]:
    """Return what to say where each arm that may take `value` refuses it: what the arm says that got furthest."""
    if len(tried) > 1 and not isinstance(value, (list, dict)):
        return (Violation((), "A0527", f"expected {data_text(arms.union)}, found {shown(value)}"),)
    return min(tried, key=_distance)


def _distance(violations: Sequence[Violation]) -> tuple[int, int]:
    """Return how far a value is from an arm: fields that should be another literal first, then all that is wrong."""
    return sum(found.code == "A0527" and len(found.path) == 1 for found in violations), len(violations)
