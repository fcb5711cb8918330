"""Unions -> complaints about those of which a document may be of two arms, so that nobody can tell which is meant."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from archc.data.arms import kinds
from archc.data.common import Commons
from archc.data.fill import written_text
from archc.data.kinds import Arm, Constant, Data, Json, Named, OneOf, Schema, parts
from archc.data.predicates import key
from archc.data.text import data_text
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Span

MOST_PAIRS = 20_000


def overlaps(commons: Commons, names: Mapping[str, frozenset[str]], data: Data, place: Span) -> Iterator[Diagnostic]:
    """Yield a complaint for each union in `data` that has two arms for one document; `place` is where `data` stands,
    `names` tells the kinds of value that each definition takes.

    Raises CompileError where that takes too many steps.
    """
    stack: list[Data] = [data]
    while stack:
        inner = stack.pop()
        stack.extend(parts(inner))
        if isinstance(inner, OneOf) and inner.tag is None:
            found = _overlap(commons, names, inner, place)
            if found is not None:
                yield found


def _overlap(commons: Commons, names: Mapping[str, frozenset[str]], union: OneOf, place: Span) -> Diagnostic | None:
    schema = commons.schema
    literals = [arm for arm in union.arms if isinstance(arm.type, Constant)]
    others = [arm for arm in union.arms if not isinstance(arm.type, Constant)]
    first: dict[object, Arm] = {}
    for arm in literals:
        assert isinstance(arm.type, Constant)
        twin = first.setdefault(key(arm.type.value), arm)
        if twin is not arm:
            return _complaint(schema, (twin, arm), arm.type.value, place)
    pairs = [*combinations(others, 2), *((arm, literal) for arm in others for literal in literals)]
    takes = {
        id(arm): names[arm.type.name] if isinstance(arm.type, Named) else kinds(schema, arm.type) for arm in union.arms
    }
    for one, other in pairs[:MOST_PAIRS]:
        commons.total.spend(1, place)
        if takes[id(one)] & takes[id(other)]:
            found = commons.common(one.type, other.type)
            if found is not None:
                return _complaint(schema, (one, other), found[0], place)
    return None


def _complaint(schema: Schema, arms: tuple[Arm, Arm], witness: Json, place: Span) -> Diagnostic:
    first, second = sorted(arms, key=lambda arm: arm.span.start)
    span = second.span if second.span.source is not None else place
    text = written_text(witness)
    message = f"{text} is of two arms of this union, so no reader can tell which is meant"
    notes = (Note(data_text(first.type), "the first", first.span),) if first.span.source is not None else ()
    return Diagnostic("A0507", message, span, "the second", notes, _fix(schema, first.type, second.type))


def _fix(schema: Schema, first: Data, second: Data) -> str:
    if "a record" in kinds(schema, first) & kinds(schema, second):
        return 'a field with a literal of its own in each arm, such as kind: "a" and kind: "b"'
    return f"leave out one of {data_text(first)} and {data_text(second)}, or give them bounds or patterns that differ"
