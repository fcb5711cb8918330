"""The types of a program -> complaints about what no document could be, or what no reader could tell."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archc.data.arms import kinds_by_name
from archc.data.closed import names_in
from archc.data.common import Commons
from archc.data.disjoint import overlaps
from archc.data.fill import default_value
from archc.data.judge import judge, violated
from archc.data.kinds import Data, Defined, Field, Object, Schema, Text, parts
from archc.data.predicate_kinds import Misfit, Scene, Types, condition, infer, kind, scene, whole_scene
from archc.data.schema import everything
from archc.data.steps import Steps
from archc.data.text import data_text
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.source import Span
from archc.load import Loaded
from archc.names.scope import Scopes
from archc.regular.automaton import STATES, TooLarge, bounded, is_empty
from archc.regular.language import PatternError, automaton, regular

STATE = 20
"""The steps that each state of a pattern counts for."""


def documents(loaded: Loaded, names: Scopes, limits: Limits = DEFAULT) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the types of all modules but the library; their names are known to be right."""
    definitions = [
        definition
        for number, module in enumerate(names.modules)
        if number != 0 or loaded.main == 0
        for definition in module.own.values()
        if definition.declaration.kind == "type" and not definition.declaration.parameters
    ]
    steps = Steps(limits)
    found, complaints = everything(names, definitions, limits, steps)
    if any(entry.code == "A0807" for entry in complaints):
        return complaints
    types = Types(Schema("", found), steps)
    commons = Commons(types.schema, steps)
    kinds = kinds_by_name(types.schema)
    more: dict[Diagnostic, None] = {}
    try:
        for defined in found.values():
            more.update(dict.fromkeys(overlaps(commons, kinds, defined.type, defined.span)))
            more.update(dict.fromkeys(_definition(types, defined)))
    except CompileError as error:
        more.update(dict.fromkeys(error.diagnostics))
    return tuple(dict.fromkeys((*complaints, *more)))


def _definition(types: Types, defined: Defined) -> Iterator[Diagnostic]:
    if defined.where:
        yield from _conditions(whole_scene(types, defined.type), defined.where)
    stack: list[tuple[Data, Span]] = [(defined.type, defined.span)]
    while stack:
        data, span = stack.pop()
        if isinstance(data, Text):
            yield from _pattern(types, data, span)
        if isinstance(data, Object):
            yield from _record(types, data)
            stack.extend((entry.type, entry.span) for entry in reversed(data.fields))
        else:
            stack.extend((part, span) for part in parts(data))


def _conditions(where: Scene, clauses: Sequence[s.Expr]) -> Iterator[Diagnostic]:
    for clause in clauses:
        try:
            condition(clause, where)
        except Misfit as error:
            yield error.diagnostic


def _pattern(types: Types, data: Text, span: Span) -> Iterator[Diagnostic]:
    """Complain of a pattern that is too large, and of one that has no words of the lengths that are asked for."""
    if data.pattern is None or data in types.patterns:
        return
    types.patterns.add(data)
    try:
        machine = automaton(regular(data.pattern))
        types.steps.spend(STATE * len(machine.moves), span)
        empty = is_empty(machine if (data.low, data.high) == (0, None) else bounded(machine, data.low, data.high))
    except PatternError as error:
        types.steps.spend(STATE * STATES, span)
        yield Diagnostic("A0505", error.message, span, hint=error.hint)
    except TooLarge:
        types.steps.spend(STATE * STATES, span)
    else:
        if empty:
            yield Diagnostic("A0506", f"no value is left: no {data_text(data)} has such a length", span)


# ---------------------------------------------------------------- records
def _record(types: Types, record: Object) -> Iterator[Diagnostic]:
    for entry in record.fields:
        if entry.default is not None and not entry.computed:
            yield from _default(types, entry)
    if not record.where and all(entry.where is None and not entry.computed for entry in record.fields):
        return
    inside = scene(types, record.fields)
    yield from _conditions(inside, record.where)
    for entry in record.fields:
        if entry.where is not None:
            yield from _conditions(replace(inside, it=inside.fields[entry.name]), (entry.where,))
        if entry.computed and entry.default is not None:
            yield from _computed(entry, inside)


def _computed(entry: Field, inside: Scene) -> Iterator[Diagnostic]:
    assert entry.default is not None
    try:
        found = infer(entry.default, inside)
    except Misfit as error:
        yield error.diagnostic
        return
    wanted = {kind(inner) for inner in inside.fields[entry.name]}
    if not any(kind(inner) in wanted for inner in found):
        text = f"`{entry.name}` is computed as {' or '.join(sorted({kind(inner) for inner in found}))}"
        yield Diagnostic("A0504", text, entry.default.span, f"expected {data_text(entry.type)}")


def _default(types: Types, entry: Field) -> Iterator[Diagnostic]:
    assert entry.default is not None
    schema = types.schema
    types.steps.spend(1, entry.span)
    value = default_value(schema, entry)
    found = list(judge(schema, value, entry.type).violations)
    if not found and entry.where is not None and names_in(entry.where) <= {"it", entry.name}:
        found.extend(violated(entry.where, {entry.name: value}, value))
    if found:
        place = f"{found[0].place}: " if found[0].path else ""
        text = f"the default of `{entry.name}` is no value of its type"
        yield Diagnostic("A0504", text, entry.default.span, f"{place}{found[0].message}")
