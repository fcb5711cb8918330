"""The types of a program -> complaints about what no document could be, or what no reader could tell."""

from collections.abc import Iterator, Sequence

from archc.data.closed import names_in
from archc.data.disjoint import overlaps
from archc.data.fill import default_value
from archc.data.judge import judge, violated
from archc.data.kinds import Data, Defined, Field, Object, Schema, Text, parts
from archc.data.predicate_kinds import Misfit, Scene, alternatives, condition, infer, kind, scene, whole_scene
from archc.data.schema import everything
from archc.data.text import data_text
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.source import Span
from archc.load import Loaded
from archc.names.scope import Scopes
from archc.regular.automaton import TooLarge, bounded, is_empty
from archc.regular.language import PatternError, automaton, regular


def documents(loaded: Loaded, names: Scopes, limits: Limits = DEFAULT) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the types of all modules but the library; their names are known to be right."""
    definitions = [
        definition
        for number, module in enumerate(names.modules)
        if number != 0 or loaded.main == 0
        for definition in module.own.values()
        if definition.declaration.kind == "type" and not definition.declaration.parameters
    ]
    found, complaints = everything(names, definitions, limits)
    schema = Schema("", found)
    more = dict.fromkeys(entry for defined in found.values() for entry in _definition(schema, defined))
    return (*complaints, *more)


def _definition(schema: Schema, defined: Defined) -> Iterator[Diagnostic]:
    yield from overlaps(schema, defined.type, defined.span)
    yield from _conditions(whole_scene(schema, defined.type), defined.where)
    stack: list[tuple[Data, Span]] = [(defined.type, defined.span)]
    while stack:
        data, span = stack.pop()
        if isinstance(data, Text):
            yield from _pattern(data, span)
        if isinstance(data, Object):
            yield from _record(schema, data)
            stack.extend((entry.type, entry.span) for entry in reversed(data.fields))
        else:
            stack.extend((part, span) for part in parts(data))


def _conditions(where: Scene, clauses: Sequence[s.Expr]) -> Iterator[Diagnostic]:
    for clause in clauses:
        try:
            condition(clause, where)
        except Misfit as error:
            yield error.diagnostic


def _pattern(data: Text, span: Span) -> Iterator[Diagnostic]:
    """Complain of a pattern that is too large, and of one that has no words of the lengths that are asked for."""
    if data.pattern is None:
        return
    try:
        machine = automaton(regular(data.pattern))
        empty = is_empty(machine if (data.low, data.high) == (0, None) else bounded(machine, data.low, data.high))
    except PatternError as error:
        yield Diagnostic("A0505", error.message, span, hint=error.hint)
    except TooLarge:
        return
    else:
        if empty:
            yield Diagnostic("A0506", f"no value is left: no {data_text(data)} has such a length", span)


# ---------------------------------------------------------------- records
def _record(schema: Schema, record: Object) -> Iterator[Diagnostic]:
    inside = scene(schema, record.fields)
    yield from _conditions(inside, record.where)
    for entry in record.fields:
        if entry.where is not None:
            yield from _conditions(scene(schema, record.fields, entry.type), (entry.where,))
        if entry.computed and entry.default is not None:
            yield from _computed(schema, entry, inside)
        elif entry.default is not None:
            yield from _default(schema, entry)


def _computed(schema: Schema, entry: Field, inside: Scene) -> Iterator[Diagnostic]:
    assert entry.default is not None
    try:
        found = infer(entry.default, inside)
    except Misfit as error:
        yield error.diagnostic
        return
    wanted = {kind(inner) for inner in alternatives(schema, entry.type)}
    if not any(kind(inner) in wanted for inner in found):
        text = f"`{entry.name}` is computed as {' or '.join(sorted({kind(inner) for inner in found}))}"
        yield Diagnostic("A0504", text, entry.default.span, f"expected {data_text(entry.type)}")


def _default(schema: Schema, entry: Field) -> Iterator[Diagnostic]:
    assert entry.default is not None
    value = default_value(schema, entry)
    found = list(judge(schema, value, entry.type).violations)
    if not found and entry.where is not None and names_in(entry.where) <= {"it", entry.name}:
        found.extend(violated(entry.where, {entry.name: value}, value))
    if found:
        place = f"{found[0].place}: " if found[0].path else ""
        text = f"the default of `{entry.name}` is no value of its type"
        yield Diagnostic("A0504", text, entry.default.span, f"{place}{found[0].message}")
