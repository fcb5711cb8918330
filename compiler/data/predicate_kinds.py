"""A condition or a default, and the types of what it speaks of -> what it is, or why it can be nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from archc.data.kinds import (
    Arm,
    Constant,
    Data,
    Field,
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
from archc.data.predicates import key
from archc.data.steps import Steps
from archc.data.text import data_text
from archc.data.violations import quoted, scalar
from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_expr
from archc.regular.formats import EXAMPLES, has_format

Kinds = tuple[Data, ...]
"""What a value may be: types without names and without unions."""

NUMBER: Kinds = (Real(),)
STRING: Kinds = (Text(),)
FLAG: Kinds = (Truth(),)
MOST = 2_000
ORDERED = ("date", "date-time", "time")


class Misfit(Exception):
    """An expression that has no value, whatever the document."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Types:
    """Definitions, and the steps that looking through their names takes."""

    schema: Schema
    steps: Steps
    patterns: set[Text] = field(default_factory=set)
    """The patterns that were looked at."""

    def alternatives(self, data: Data) -> Kinds:
        """Return what a value of `data` may be, names and unions looked through. Raises CompileError over the limit."""
        found: dict[int, Data] = {}
        seen: set[str] = set()
        stack = [data]
        while stack and len(found) < MOST:
            self.steps.spend(1)
            match stack.pop():
                case Named(name):
                    stack.extend([] if name in seen else [self.schema.definitions[name].type])
                    seen.add(name)
                case OneOf(arms):
                    stack.extend(arm.type for arm in reversed(arms))
                case plain:
                    found[id(plain)] = plain
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Scene:
    """What names stand for: the fields of a record, and `it`."""

    types: Types
    fields: Mapping[str, Kinds]
    it: Kinds


def scene(types: Types, fields: Iterable[Field]) -> Scene:
    """Return the scene of a condition in a record with `fields`, on the whole of it."""
    entries = tuple(fields)
    known = {entry.name: types.alternatives(entry.type) for entry in entries}
    return Scene(types, known, (Object(entries),))


def whole_scene(types: Types, data: Data) -> Scene:
    """Return the scene of a condition on a value of the type `data`: its fields, or those of its items, and `it`."""
    it = types.alternatives(data)
    names = {entry.name for kind in (*it, *_items(types, it)) for entry in _fields(kind)}
    return Scene(types, {name: _member(types, it, name) for name in names}, it)


def condition(clause: s.Expr, where: Scene) -> None:
    """Raise Misfit unless `clause` is a condition on values as they are in `where`."""
    _require(clause, infer(clause, where), "a flag", "a condition is true or false")


def kind(data: Data) -> str:
    """Return what kind of value a type without names and unions has."""
    match data:
        case Constant(None):
            return "null"
        case Constant(bool()) | Truth():
            return "a flag"
        case Text() | Constant(str()):
            return "a string"
        case Many() | Row():
            return "a list"
        case Object() | Table():
            return "a record"
        case _:
            return "a number"


def infer(expr: s.Expr, where: Scene) -> Kinds:
    """Return what the value of `expr` may be. Raises Misfit where it has none."""
    match expr:
        case s.Number():
            return NUMBER
        case s.String(text):
            return (Constant(text),)
        case s.Boolean(flag):
            return (Constant(flag),)
        case s.Ref("it"):
            return where.it
        case s.Ref(name):
            if name not in where.fields:
                raise Misfit(_no_field(expr, name, where.fields))
            return where.fields[name]
        case s.Attribute(value, name):
            found = _member(where.types, infer(value, where), name)
            if not found:
                raise Misfit(_no_field(expr, name, {entry.name for k in infer(value, where) for entry in _fields(k)}))
            return found
        case s.List(items):
            parts = [infer(item, where) for item in items if not isinstance(item, s.Spread)]
            return (_listed([kind for part in parts for kind in part]),)
        case s.Record():
            return (Object(()),)
        case s.Binary(operator, left, right):
            for side in (left, right):
                _require(side, infer(side, where), "a number", f"`{operator}` takes numbers")
            return NUMBER
        case s.Negative(value):
            _require(value, infer(value, where), "a number", "`-` takes a number")
            return NUMBER
        case _:
            return _logical(expr, where)


def _logical(expr: s.Expr, where: Scene) -> Kinds:
    match expr:
        case s.Compare():
            _comparison(expr, where)
            return FLAG
        case s.Not(value):
            _require(value, infer(value, where), "a flag", "`not` takes a condition")
            return FLAG
        case s.Logic(operator, items):
            for item in items:
                _require(item, infer(item, where), "a flag", f"`{operator}` joins conditions")
            return FLAG
        case s.If(test, then, otherwise):
            _require(test, infer(test, where), "a flag", "`if` takes a condition")
            return (*infer(then, where), *infer(otherwise, where))
        case s.Call(s.Ref(name), arguments):
            return _call(expr, name, [argument.value for argument in arguments], where)
        case _:
            raise AssertionError(expr)


def _listed(kinds: Sequence[Data]) -> Data:
    return Many(OneOf(tuple(Arm(kind) for kind in kinds)))


def _items(types: Types, kinds: Kinds) -> Kinds:
    """Return what the items of lists may be, those of lists in them included."""
    found: list[Data] = []
    stack = [kind for kind in kinds if isinstance(kind, (Many, Row))]
    seen = {id(kind) for kind in stack}
    while stack:
        outer = stack.pop()
        for part in (outer.item,) if isinstance(outer, Many) else outer.items:
            for inner in types.alternatives(part):
                if not isinstance(inner, (Many, Row)):
                    found.append(inner)
                elif id(inner) not in seen:
                    seen.add(id(inner))
                    stack.append(inner)
    return tuple(found)


def _fields(kind: Data) -> tuple[Field, ...]:
    return kind.fields if isinstance(kind, Object) else ()


def _member(types: Types, kinds: Kinds, name: str) -> Kinds:
    """Return what the field `name` may be: of records, or of the items of lists, and then it is a list."""
    items = _items(types, kinds)
    found = [
        inner
        for kind in (*kinds, *items)
        for entry in _fields(kind)
        if entry.name == name
        for inner in types.alternatives(entry.type)
    ]
    return (_listed(found),) if items and found else tuple(found)


def _no_field(expr: s.Expr, name: str, known: Iterable[str]) -> Diagnostic:
    near = get_close_matches(name, list(known)[:MOST], 1)
    label = f"nearest: {near[0]}" if near else ""
    return Diagnostic("A0502", f"there is no field `{name}` here", expr.span, label, hint=near[0] if near else "")


def _require(expr: s.Expr, found: Kinds, wanted: str, rule: str) -> None:
    """Raise Misfit where a value may be of another kind than `wanted`; a null is passed over, as it is when judging."""
    for inner in found:
        if kind(inner) not in (wanted, "null"):
            text = f"{rule}, and `{format_expr(expr)[:40]}` is {_named(inner)}"
            raise Misfit(Diagnostic("A0509", text, expr.span))


def _named(data: Data) -> str:
    word, text = kind(data), data_text(data)
    return f"{word}, {text}" if isinstance(data, (Text, Whole, Fixed)) and data not in (Text(), Whole()) else word


# ---------------------------------------------------------------- comparisons
def _comparison(expr: s.Compare, where: Scene) -> None:
    left = infer(expr.left, where)
    if isinstance(expr.right, s.Range):
        for bound in (expr.left, expr.right.low, expr.right.high, expr.right.step):
            if bound is not None:
                _require(bound, infer(bound, where), "a number", "a range has numbers")
        return
    right = infer(expr.right, where)
    if expr.operator == "in":
        if any(kind(inner) not in ("a list", "a record", "null") for inner in right):
            text = f"`in` takes a list, a map or a range; `{format_expr(expr.right)[:40]}` is {_named(right[0])}"
            raise Misfit(Diagnostic("A0509", text, expr.right.span, hint="x in [1, 2]"))
        items = _items(where.types, right) if any(isinstance(inner, (Many, Row)) for inner in right) else STRING
        _require_equal(expr, left, items)
    elif expr.operator in ("==", "!="):
        _require_equal(expr, left, right)
    else:
        _require_order(expr, left, right)


def _require_equal(expr: s.Compare, left: Kinds, right: Kinds) -> None:
    """Raise Misfit where no value of one side is ever one of the other."""
    if not left or not right or any(_may_equal(one, other) for one in left for other in right):
        return
    verdict = "always holds" if expr.operator == "!=" else "never holds"
    text = f"`{format_expr(expr)[:60]}` {verdict}: {_told(expr.left, left)}, {_told(expr.right, right)}"
    raise Misfit(Diagnostic("A0509", text, expr.span))


def _told(side: s.Expr, kinds: Kinds) -> str:
    """Return what one side of a comparison is, in words."""
    shown = " | ".join(data_text(inner) for inner in kinds[:6]) + (" | ..." if len(kinds) > 6 else "")
    return f"`{format_expr(side)[:40]}` is {shown}"


def _may_equal(one: Data, other: Data) -> bool:
    if kind(one) != kind(other):
        return False
    match one, other:
        case Constant(first), Constant(second):
            return key(first) == key(second)
        case (Constant(str(text)), (Text() as plain)) | ((Text() as plain), Constant(str(text))):
            return not scalar(plain, text)
        case Text(_, _, _, str(first)), Text(_, _, _, str(second)):
            return first == second
        case _:
            return True


def _require_order(expr: s.Compare, left: Kinds, right: Kinds) -> None:
    """Raise Misfit unless the sides are numbers, or strings, and of dates both are dates of one format."""
    words = {kind(inner) for inner in (*left, *right)} - {"null"}
    if not words <= {"a number"} and not words <= {"a string"}:
        sides = [_named(next((inner for inner in side if kind(inner) != "null"), side[0])) for side in (left, right)]
        text = f"`{expr.operator}` orders two numbers or two strings, and here it has {sides[0]} and {sides[1]}"
        raise Misfit(Diagnostic("A0509", text, expr.span))
    formats = {inner.format: inner for inner in (*left, *right) if isinstance(inner, Text) and inner.format in ORDERED}
    if len(formats) > 1:
        one, other = (data_text(inner) for inner in list(formats.values())[:2])
        text = f"a {one} is neither before nor after a {other}"
        raise Misfit(Diagnostic("A0509", text, expr.span))
    for side, kinds in ((expr.left, left), (expr.right, right)):
        for inner in kinds:
            if isinstance(inner, Constant) and isinstance(inner.value, str) and formats:
                format, text_type = next(iter(formats.items()))
                if format is not None and not has_format(inner.value, format):
                    text = f"{quoted(inner.value)} is no {data_text(text_type)}"
                    raise Misfit(Diagnostic("A0509", text, side.span, hint=f'"{EXAMPLES[format]}"'))


# ---------------------------------------------------------------- functions
def _call(call: s.Expr, name: str, arguments: Sequence[s.Expr], where: Scene) -> Kinds:
    found = [infer(argument, where) for argument in arguments]
    first = found[0]
    if name == "round":
        for argument, kinds in zip(arguments, found, strict=True):
            _require(argument, kinds, "a number", "`round` takes numbers")
        return NUMBER
    if name == "len":
        for inner in first:
            if kind(inner) not in ("a string", "a list", "null") and not isinstance(inner, Table):
                text = (
                    f"`len` takes a string, a list or a map, and `{format_expr(arguments[0])[:40]}` is {_named(inner)}"
                )
                raise Misfit(Diagnostic("A0509", text, arguments[0].span))
        return NUMBER
    if name in ("min", "max") and len(arguments) > 1:
        items = tuple(inner for kinds in found for inner in kinds)
    else:
        _require(arguments[0], first, "a list", f"`{name}` takes a list")
        items = _items(where.types, first)
    if name == "unique":
        return FLAG
    if name == "sum" or any(kind(inner) == "a number" for inner in items):
        for inner in items:
            _require(arguments[0], (inner,), "a number", f"`{name}` takes numbers")
        return NUMBER
    if any(kind(inner) not in ("a string", "null") for inner in items):
        text = f"`{name}` takes numbers or strings, and `{format_expr(call)[:40]}` has {_named(items[0])}"
        raise Misfit(Diagnostic("A0509", text, call.span))
    return STRING
