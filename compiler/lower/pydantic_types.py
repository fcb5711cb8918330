"""Data types -> annotations that pydantic checks: the names, formats and numbers of one generated module."""

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
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.source import NOWHERE, Span
from archc.grammars.forest import Account
from archc.lower.ecma import anchored
from archc.lower.names import literal
from archc.lower.pieces import Piece, call, subscript, union
from archc.regular.formats import PATTERNS
from archc.regular.language import Chars, Choice, PatternError, Regular, Repeat, Series, regular

FORMATS = {"date": "Date", "date-time": "DateTime", "time": "Time", "uuid": "Uuid", "uri": "Uri", "email": "Email"}
RANGES = 100_000
"""So many ranges of characters, repeats multiplied out, pydantic's engine takes in one pattern."""


@dataclass(slots=True)
class Module:
    """What a generated module has mentioned so far: imports and helpers, formats, widths of decimals."""

    schema: Schema
    names: dict[str, str]
    fields: dict[tuple[str, str], str]
    used: dict[str, None] = field(default_factory=dict)
    formats: dict[str, None] = field(default_factory=dict)
    places: set[int] = field(default_factory=set)
    accounts: dict[Account, None] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    unsure: dict[tuple[str, str], bool] = field(default_factory=dict)
    absent: bool = False
    aliased: bool = False
    lazy: bool = False
    kinds: set[str] = field(default_factory=set)
    span: Span = NOWHERE

    def use(self, name: str) -> str:
        """Note that `name` is imported or a helper, and return it."""
        self.used[name] = None
        return name


def quoted(text: str) -> str:
    """Return the source of a string, in the quotes that need fewer escapes."""
    double, single = text.count('"'), text.count("'")
    if double <= single:
        return literal(text)
    inner = literal(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def resolved(schema: Schema, data: Data) -> Data:
    """Return what a name stands for in the end."""
    while isinstance(data, Named):
        data = schema.definitions[data.name].type
    return data


def annotation(module: Module, data: Data) -> Piece:
    """Return the type of `data`. Raises CompileError (A0530, A0505) on a pattern that pydantic cannot hold."""
    match data:
        case Text():
            return _text(module, data)
        case Whole(low, high, step):
            return _whole(module, low, high, step)
        case Real(low, high):
            bounds = _bounds(module, low, high)
            module.kinds.add("float")
            return annotated(module, "float", call(module.use("Field"), strict="True", **bounds, allow_inf_nan="False"))
        case Fixed(places, low, high):
            module.places.add(places)
            bounds = _bounds(module, low, high)
            name = f"Decimal{places}"
            return annotated(module, name, call(module.use("Field"), **bounds)) if bounds else name
        case Truth():
            return module.use("StrictBool")
        case Constant():
            return _constants(module, [data])
        case Many(item, low, high):
            return _sized(module, subscript("list", annotation(module, item)), low, high)
        case Row(items):
            return subscript("tuple", *(annotation(module, item) for item in items)) if items else "tuple[()]"
        case Table(key, value, low, high):
            inner = subscript("dict", annotation(module, key), annotation(module, value))
            return _sized(module, inner, low, high)
        case OneOf():
            return _one_of(module, data)
        case Named(name):
            return module.names[name]
        case Object():
            raise AssertionError(data)


def annotated(module: Module, kind: Piece, *more: Piece) -> Piece:
    """Return `Annotated[kind, more]`."""
    return subscript(module.use("Annotated"), kind, *more) if more else kind


def _sized(module: Module, kind: Piece, low: int, high: int | None) -> Piece:
    lengths = _lengths(low, high)
    return annotated(module, kind, call(module.use("Field"), **lengths)) if lengths else kind


def _lengths(low: int, high: int | None) -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    found.update({"min_length": str(low)} if low else {})
    found.update({"max_length": str(high)} if high is not None else {})
    return found


# ---------------------------------------------------------------- strings
def _text(module: Module, data: Text) -> Piece:
    kind: Piece = "str"
    bounds = _lengths(data.low, data.high)
    if data.format is not None:
        module.formats[data.format] = None
        kind = FORMATS[data.format]
        if data.format == "date":
            return kind
    elif data.pattern is not None:
        bounds["pattern"] = pattern_source(module, data.pattern)
    return annotated(module, kind, call(module.use("Field"), **bounds)) if bounds else kind


def format_alias(module: Module, format: str) -> Piece:
    """Return what the alias of a format stands for; dates alone are more than text, which is kept as it was read."""
    if format == "date":
        return annotated(
            module, module.use("date"), call(module.use("BeforeValidator"), module.use("calendar_day")),
        )  # fmt: skip
    checks: list[Piece] = [call(module.use("Field"), pattern=pattern_source(module, PATTERNS[format]))]
    if format == "date-time":
        checks.append(call(module.use("AfterValidator"), module.use("on_calendar_day")))
    return annotated(module, "str", *checks)


def pattern_source(module: Module, source: str) -> str:
    """Return the pattern as a Python string for the engine of pydantic, which never backtracks."""
    try:
        language = regular(source)
    except PatternError as error:
        raise CompileError([Diagnostic("A0505", error.message, module.span, hint=error.hint)]) from None
    if _ranges(language) > RANGES:
        text = "this pattern is larger than the regular expressions of pydantic may be"
        raise CompileError([Diagnostic("A0530", text, module.span, hint="smaller counts, or `String(..200)`")])
    text = anchored(language)
    raw = text.isascii() and text.isprintable() and '"' not in text and "\\" in text
    return f'r"{text}"' if raw else quoted(text)


def _ranges(language: Regular) -> int:
    """Return how many ranges of characters a pattern comes to, its repeats multiplied out."""
    match language:
        case Chars(ranges):
            return len(ranges)
        case Series(parts) | Choice(parts):
            return sum(map(_ranges, parts)) + 1
        case Repeat(body, low, high):
            return _ranges(body) * max(1, low, high or 0)


# ---------------------------------------------------------------- numbers
def _whole(module: Module, low: int | None, high: int | None, step: int | None) -> Piece:
    bounds: dict[str, Piece] = {}
    bounds.update({"ge": str(low)} if low is not None else {})
    bounds.update({"le": str(high)} if high is not None else {})
    more: list[Piece] = []
    if step not in (None, 1):
        if (low or 0) % step == 0:
            bounds["multiple_of"] = str(step)
        else:
            more.append(call(module.use("in_steps"), str(low or 0), str(step)))
    if not bounds and not more:
        return module.use("StrictInt")
    return annotated(module, "int", call(module.use("Field"), strict="True", **bounds), *more)


def _bounds(module: Module, low: Decimal | None, high: Decimal | None) -> dict[str, Piece]:
    return {key: number(module, bound) for key, bound in (("ge", low), ("le", high)) if bound is not None}


def number(module: Module, value: Decimal | int) -> str:
    """Return the source of a number, whole or exact."""
    if isinstance(value, int) or (value == value.to_integral_value() and value.adjusted() < 18):
        return str(int(value))
    return f'{module.use("Decimal")}("{value}")'


# ---------------------------------------------------------------- unions
def _one_of(module: Module, data: OneOf) -> Piece:
    constants = [arm.type for arm in data.arms if isinstance(arm.type, Constant)]
    others = [arm.type for arm in data.arms if not isinstance(arm.type, Constant)]
    found = union(*([_constants(module, constants)] if constants else []), *(annotation(module, arm) for arm in others))
    names = _tag_names(module, data) if data.tag is not None else set()
    if len(names) == 1:
        tag = quoted(names.pop())
        return annotated(module, found, call(module.use("Field"), discriminator=tag))
    return found


def _tag_names(module: Module, data: OneOf) -> set[str]:
    """Return what the field that tells the arms apart is called in Python; nothing where pydantic cannot use it."""
    found: set[str] = set()
    for arm in data.arms:
        record = resolved(module.schema, arm.type)
        if not isinstance(arm.type, Named) or not isinstance(record, Object) or data.tag is None:
            return set()
        kinds = [entry.type for entry in record.fields if entry.name == data.tag]
        if not (kinds and isinstance(kinds[0], Constant) and isinstance(kinds[0].value, str)):
            return set()
        if not isinstance(module.schema.definitions[arm.type.name].type, Object):
            return set()
        found.add(module.fields[arm.type.name, data.tag])
    return found


def _constants(module: Module, constants: Sequence[Constant]) -> Piece:
    """Return literals; numbers and flags are held apart, which Python takes for equal."""
    values = [constant.value for constant in constants]
    texts = [quoted(value) if isinstance(value, str) else "None" for value in values if isinstance(value, str | None)]
    flags = [literal(value) for value in values if isinstance(value, bool)]
    numbers = [literal(value) for value in values if isinstance(value, int) and not isinstance(value, bool)]
    found: list[Piece] = []
    if texts:
        found.append("None" if texts == ["None"] else subscript(module.use("Literal"), *texts))
    if len(flags) == 2:
        found.append(module.use("StrictBool"))
    for kind, items in (("true_or_false", flags if len(flags) == 1 else []), ("whole_number", numbers)):
        if items:
            check = call(module.use("BeforeValidator"), module.use(kind))
            found.append(annotated(module, subscript(module.use("Literal"), *items), check))
    for value in values:
        if isinstance(value, Decimal):
            bound = number(module, value)
            found.append(annotated(module, "float", call(module.use("Field"), strict="True", ge=bound, le=bound)))
    return union(*found)
