"""Schema -> Forest: the compact JSON text of every document, fields in declared order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from archc.data.kinds import (
    Constant,
    Data,
    Fixed,
    Many,
    Named,
    Object,
    OneOf,
    Real,
    Row,
    Schema,
    Table,
    Text,
    Truth,
    Whole,
)
from archc.data.text import data_text
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.format import format_expr
from archc.grammars.damp import damped
from archc.grammars.forest import Account, Call, Edge, Forest, Lexeme, Literal, Part, State
from archc.grammars.lexemes import Bound, number_language, text_language
from archc.grammars.prune import merged, productive
from archc.regular.strings import escape

COUNTED = 256
"""A list is counted to at most so many items while decoding, since each number of items is a state."""

ALL_COUNTED = 2000
"""So many states count items in all lists of one type together."""

GROWS = 2.0
"""How much likelier one item more is than the end of a list."""

Parts = tuple[Part, ...]


@dataclass(slots=True)
class _Draft:
    schema: Schema
    states: list[State] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    defined: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    accounts: dict[Account, None] = field(default_factory=dict)
    truth: int = -1
    counted: int = 0

    def state(self, name: str, kind: str, edges: Sequence[Edge] = ()) -> Call:
        """Return a mention of a new state, whose name is made up of letters, digits and `_`, and its own."""
        base = "".join(char if char.isascii() and char.isalnum() else "_" for char in name)
        base = base if base[:1].isalpha() else f"S{base}"
        number = self.names.get(base, 0)
        self.names[base] = number + 1
        unique = base
        while number and (unique := f"{base}_{number}") in self.names:
            number += 1
        self.names.setdefault(unique, 1)
        self.states.append(State(unique, kind, tuple(edges)))
        return Call(len(self.states) - 1)

    def fill(self, call: Call, *edges: Edge) -> None:
        """Give a state that was reserved its edges."""
        old = self.states[call.state]
        self.states[call.state] = State(old.name, old.type, edges)

    def account(self, subject: str, bounds: Sequence[Bound]) -> None:
        """Note where the bounds of a type are enforced."""
        for bound in bounds:
            self.accounts[Account(subject, bound.text, not bound.hinders, bound.hinders)] = None


def forest(schema: Schema) -> Forest:
    """Return the grammar of the documents of `schema`.

    Computed fields are left out, which a document may leave out as well. Raises CompileError when there is no document.
    """
    draft = _Draft(schema)
    root = _definition(draft, schema.root)
    while draft.waiting:
        name = draft.waiting.pop()
        defined = schema.definitions[name]
        for clause in defined.where:
            draft.account(name, [Bound(format_expr(clause), "a grammar does not compare values")])
        draft.fill(Call(draft.defined[name]), *_edges(draft, defined.type, name))
    kept = productive(draft.states, root.state)
    if kept is None:
        text = f"no document is of the type `{schema.root}`"
        raise CompileError([Diagnostic("A0503", text, schema.definitions[schema.root].span)])
    states = damped(*merged(*kept))
    return Forest(states, 0, exact=True, accounts=tuple(draft.accounts))


def _definition(draft: _Draft, name: str) -> Call:
    if name not in draft.defined:
        call = draft.state(name, data_text(draft.schema.definitions[name].type))
        draft.defined[name] = call.state
        draft.waiting.append(name)
    return Call(draft.defined[name])


def joined(*parts: Part) -> Parts:
    """Return `parts` with literals that follow each other in one."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Literal) and found and isinstance(found[-1], Literal):
            found[-1] = Literal(found[-1].text + part.text)
        else:
            found.append(part)
    return tuple(found)


# ---------------------------------------------------------------- types
def _edges(draft: _Draft, data: Data, path: str) -> tuple[Edge, ...]:
    """Return the ways to write a value: one for each arm of a union."""
    if isinstance(data, OneOf):
        return tuple(
            Edge(_parts(draft, arm.type, f"{path}_{number}"), label=data_text(arm.type))
            for number, arm in enumerate(data.arms)
        )
    return (Edge(_parts(draft, data, path)),)


def _parts(draft: _Draft, data: Data, path: str) -> Parts:
    """Return a value as parts; what has alternatives is a state of its own."""
    match data:
        case Text() | Whole() | Real() | Fixed():
            return _lexeme(draft, data, data_text(data))
        case Constant(value):
            return (Literal(constant_text(value)),)
        case Truth():
            return (_truth(draft),)
        case Named(name):
            return _named(draft, name)
        case OneOf():
            return (draft.state(path, data_text(data), _edges(draft, data, path)),)
        case Row(items):
            inner: list[Part] = [Literal("[")]
            for number, item in enumerate(items):
                inner += [Literal(",")] if number else []
                inner += _parts(draft, item, f"{path}_{number}")
            return joined(*inner, Literal("]"))
        case Many(item, low, high):
            one = _parts(draft, item, f"{path}_item")
            return _list(draft, _Items(path, data_text(data), one, "[]"), low, high)
        case Table():
            return _table(draft, data, path)
        case Object():
            return _object(draft, data, path)


def _named(draft: _Draft, name: str) -> Parts:
    """Return a mention of a definition, or what it stands for where that is one string or number."""
    seen = {name}
    defined = draft.schema.definitions[name]
    while isinstance(defined.type, Named) and not defined.where and defined.type.name not in seen:
        seen.add(defined.type.name)
        defined = draft.schema.definitions[defined.type.name]
    if isinstance(defined.type, Text | Whole | Real | Fixed):
        for clause in defined.where:
            draft.account(defined.name, [Bound(format_expr(clause), "a grammar does not compare values")])
        return _lexeme(draft, defined.type, defined.name)
    return (_definition(draft, name),)


def _lexeme(draft: _Draft, data: Text | Whole | Real | Fixed, name: str) -> Parts:
    language, bounds = text_language(data) if isinstance(data, Text) else number_language(data)
    draft.account(name, bounds)
    lexeme = Lexeme(name, language)
    return (Literal('"'), lexeme, Literal('"')) if isinstance(data, Text) else (lexeme,)


def constant_text(value: None | bool | int | Decimal | str) -> str:
    """Return a literal as compact JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{escape(value)}"'
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)


def _truth(draft: _Draft) -> Call:
    if draft.truth < 0:
        edges = [Edge((Literal(text),), label=text) for text in ("true", "false")]
        draft.truth = draft.state("Bool", "Bool", edges).state
    return Call(draft.truth)


# ---------------------------------------------------------------- lists and maps
@dataclass(frozen=True, slots=True)
class _Items:
    """What a list or a map repeats, between which brackets."""

    path: str
    type: str
    item: Parts
    brackets: str


def _table(draft: _Draft, data: Table, path: str) -> Parts:
    key, value = _parts(draft, data.key, f"{path}_key"), _parts(draft, data.value, f"{path}_value")
    draft.account(path.replace("_", "."), [Bound("no key twice", "a grammar does not remember keys")])
    return _list(draft, _Items(path, data_text(data), joined(*key, Literal(":"), *value), "{}"), data.low, data.high)


def _list(draft: _Draft, items: _Items, low: int, high: int | None) -> Parts:
    if len(items.item) > 3:
        call = draft.state(f"{items.path}_item", f"an item of {items.type}", [Edge(items.item)])
        items = _Items(items.path, items.type, (call,), items.brackets)
    low, high = _countable(draft, items, low, high)
    start, end = Literal(items.brackets[0]), Literal(items.brackets[1])
    tail: list[Part] = [end]
    if high is None:
        again = draft.state(f"{items.path}_more", items.type)
        draft.fill(again, Edge((end,)), Edge(joined(Literal(","), *items.item, again), GROWS))
        tail = [again]
    for written in range((low if high is None else high) - 1, 0, -1):
        more = [Literal(","), *items.item, *tail]
        tail = more if written < low else [_may_end(draft, items, written, more)]
    if high == 0:
        return (Literal(items.brackets),)
    first = [*items.item, *tail]
    return joined(start, *(first if low else [_may_end(draft, items, 0, first)]))


def _may_end(draft: _Draft, items: _Items, written: int, more: Sequence[Part]) -> Call:
    edges = Edge((Literal(items.brackets[1]),)), Edge(joined(*more), GROWS)
    return draft.state(f"{items.path}_after{written}", items.type, edges)


def _countable(draft: _Draft, items: _Items, low: int, high: int | None) -> tuple[int, int | None]:
    """Return the bounds that states can count, and note which are counted."""
    if not low and high is None:
        return low, high
    what = "items" if items.brackets == "[]" else "entries"
    text = f"{low} {what}" if low == high else f"{low or ''}..{'' if high is None else high} {what}"
    top = low if high is None else high
    if top <= COUNTED and draft.counted + top <= ALL_COUNTED:
        draft.counted += top
        draft.account(items.type, [Bound(text)])
        return low, high
    draft.account(items.type, [Bound(text, f"a grammar would need {top:,} rules to count so far")])
    return min(low, 1), None


# ---------------------------------------------------------------- records
def _object(draft: _Draft, data: Object, path: str) -> Parts:
    """Return a record: after each optional field a state, which knows whether a comma is due.

    Built from the last field to the first; `rest` is what follows once a field is written, `bare` what follows when
    none is, in reverse order both.
    """
    _conditions(draft, data, path)
    fields = [entry for entry in data.fields if not entry.computed]
    required = next((number for number, entry in enumerate(fields) if not entry.optional), len(fields))
    rest: list[Part] = [Literal("}")]
    bare: list[Part] = [Literal("}")]
    for number in range(len(fields) - 1, -1, -1):
        entry = fields[number]
        key = f'"{escape(entry.name)}":'
        value = _parts(draft, entry.type, f"{path}_{entry.name}")[::-1]
        present = [*value, Literal(f",{key}")] if number else []
        if entry.optional:
            if number <= required:
                alone = joined(*[*rest, *value, Literal(key)][::-1])
                bare = [_optional(draft, path, entry.name, (alone, joined(*bare[::-1])))]
            if number:
                rest = [_optional(draft, path, entry.name, (joined(*[*rest, *present][::-1]), joined(*rest[::-1])))]
            continue
        if number == required:
            bare = [*rest, *value, Literal(key)]
        rest.extend(present)
    return joined(Literal("{"), *bare[::-1])


def _optional(draft: _Draft, path: str, name: str, ways: tuple[Parts, Parts]) -> Call:
    return draft.state(f"{path}_{name}", f"{name}?", [Edge(ways[0], label=name), Edge(ways[1])])


def _conditions(draft: _Draft, data: Object, path: str) -> None:
    subject = path.replace("_", ".")
    for clause in data.where:
        draft.account(subject, [Bound(format_expr(clause), "a grammar does not compare values")])
    for entry in data.fields:
        name = f"{subject}.{entry.name}"
        if entry.computed and entry.default is not None:
            draft.account(name, [Bound(f"= {format_expr(entry.default)}", "it is computed from other fields")])
        if entry.where is not None:
            draft.account(name, [Bound(format_expr(entry.where), "a grammar does not compare values")])
