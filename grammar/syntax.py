"""The untyped tree of an .arch file: names and spans, and no meaning."""

from dataclasses import dataclass, field
from typing import Literal

from archc.grammar.source import NOWHERE, Source, Span


def _span() -> Span:
    return field(default=NOWHERE, compare=False, repr=False)


# ---------------------------------------------------------------- expressions
@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: `3`, `1e-5`, `600M` (K, M, B and T are decimal powers)."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Percent:
    """`32%`; `text` keeps the sign."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class String:
    """A string; `value` has its escapes resolved."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Regex:
    """`re"..."`; `pattern` is the text between the quotes, where only `\\"` stands for a quote."""

    pattern: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    value: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Ref:
    """A mention of a name."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Hole:
    """`_`, which ranges over its parameter's finite type."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Tuple:
    """`(a, b)`; parentheses around one expression leave no node. `()` is the empty tuple."""

    items: tuple["Expr", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Spread:
    """`..s` inside a list."""

    value: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class List:
    """`[a, 2*h, ..s]`."""

    items: tuple["Expr | Spread", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Binding:
    """One `name = value` of a record expression."""

    docs: tuple[str, ...]
    name: str
    value: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Record:
    """`{ lr = 0.1, epochs = 100 | 200 }`."""

    bindings: tuple[Binding, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Statement:
    """`let x = value` or `choose (k, s) = value`; `names` has one entry unless the pattern is a tuple."""

    kind: Literal["let", "choose"]
    names: tuple[str, ...]
    type: "TypeExpr | None"
    value: "Expr"
    is_tuple: bool = False
    name_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Body:
    """`{ let ...  choose ...  return value }`."""

    statements: tuple[Statement, ...]
    value: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Fold:
    """`for c in [128, 256] { body }`: `->` folded over a static list."""

    names: tuple[str, ...]
    values: "Expr"
    body: "Expr"
    is_tuple: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call or of an annotation; `name` is empty when it is given by position."""

    name: str
    value: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """`f(a, k=3)`."""

    function: "Expr"
    arguments: tuple[Argument, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Attribute:
    """`table.decode`, `cells.Cell`, `net.macs`."""

    value: "Expr"
    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Negative:
    """`-x`."""

    value: "Expr"
    span: Span = _span()


Operator = Literal["+", "-", "*", "/", "//", "%"]


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right` for `+ - * / // %`, left-associative."""

    operator: Operator
    left: "Expr"
    right: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Range:
    """`low .. high by step`; `high` is None in the open range `1..`."""

    low: "Expr"
    high: "Expr | None"
    step: "Expr | None"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right` for `== != <= >= < > in`."""

    operator: Literal["==", "!=", "<=", ">=", "<", ">", "in"]
    left: "Expr"
    right: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Not:
    """`not x`."""

    value: "Expr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Logic:
    """`a and b and c` or `a or b or c`, flat."""

    operator: Literal["and", "or"]
    items: tuple["Expr", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Pipe:
    """`a -> b -> c`, flat, at least two stages."""

    stages: tuple["Expr", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a choice. `weight` is what stands before its colon, if anything; `in_percent` is set for `p%: value`.

    A number with a sign, `32%`, is a Percent.
    """

    weight: "Expr | None"
    value: "Expr"
    in_percent: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Choice:
    """`32%: a | b | c`; a single arm without a weight leaves no node."""

    arms: tuple[Arm, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class If:
    """`if condition then a else b`."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span = _span()


Expr = (
    Number | Percent | String | Regex | Boolean | Ref | Hole | Tuple | List | Record | Body | Fold | Call
    | Attribute | Negative | Binary | Range | Compare | Not | Logic | Pipe | Choice | If
)  # fmt: skip


# ---------------------------------------------------------------- types
@dataclass(frozen=True, slots=True)
class DimRange:
    """`1..50`, `..100` or `1..` between the brackets of a list type; a missing bound is None."""

    low: Expr | None
    high: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class DimRest:
    """`..s`, `..win(x, k)`, or the bare `..` (value None)."""

    value: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeArgument:
    """An argument of a named type: a type, or `name = literal`."""

    name: str
    value: "TypeExpr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeName:
    """`Line`, `cells.Cell`, `String(1..80)`; `module` is empty without a qualifier."""

    module: str
    name: str
    arguments: tuple[TypeArgument, ...] = ()
    has_parens: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeVariable:
    """A lower-case name: `a`."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeLiteral:
    """A literal as a type; a negative number is a Number whose text starts with `-`."""

    value: Number | String | Regex | Boolean
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeRange:
    """`1..100 by 5`; a missing bound is None. Bounds are literals."""

    low: Number | String | None
    high: Number | String | None
    step: Number | String | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeItem:
    """One item of a tuple type; `label` is empty without one."""

    label: str
    type: "TypeExpr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeTuple:
    """`(x: T, U)`; `(T)` without a label leaves no node."""

    items: tuple[TypeItem, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type."""

    docs: tuple[str, ...]
    annotations: tuple["Annotation", ...]
    name: str
    optional: bool
    type: "TypeExpr"
    where: Expr | None = None
    default: Expr | None = None
    quoted: bool = False
    name_span: Span = _span()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """`{ a: T, ..Base }`; a spread is a DimRest-like TypeSpread."""

    members: tuple["Field | TypeSpread", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeSpread:
    """`..Base` inside a record type."""

    type: "TypeExpr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeList:
    """`E[d1, ..., dn]`; `element` is None for the bare `[c, h, w]`, which is Float. A list type or a tensor."""

    element: "TypeExpr | None"
    dims: tuple["Expr | DimRange | DimRest", ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypePower:
    """`T^n`; `exponent` is a Number or a Ref."""

    base: "TypeExpr"
    exponent: Number | Ref
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeArrow:
    """`A -> B`."""

    source: "TypeExpr"
    target: "TypeExpr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeArm:
    """One arm of a union, with the doc comments before it."""

    docs: tuple[str, ...]
    type: "TypeExpr"
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeUnion:
    """`A | B`; a single arm without docs leaves no node."""

    arms: tuple[TypeArm, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TypeQualified:
    """`causal [n, d]`: what `qualifier` says holds of every tensor of `type`."""

    qualifier: str
    type: "TypeExpr"
    span: Span = _span()

    @property
    def qualifier_span(self) -> Span:
        """Where the qualifier stands."""
        return Span(self.span.start, self.span.start + len(self.qualifier), self.span.source)


TypeExpr = (
    TypeName
    | TypeVariable
    | TypeLiteral
    | TypeRange
    | TypeTuple
    | TypeRecord
    | TypeList
    | TypeQualified
    | TypePower
    | TypeArrow
    | TypeUnion
)


# ---------------------------------------------------------------- declarations
@dataclass(frozen=True, slots=True)
class Annotation:
    """`@objective(maximize = accuracy)`."""

    name: str
    arguments: tuple[Argument, ...]
    has_parens: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a declaration."""

    name: str
    type: TypeExpr | None = None
    default: Expr | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Import:
    """`import std.nn (Residual)`, `import "./cells.arch" as cells`; `is_file` tells a string path from a dotted one."""

    path: str
    is_file: bool
    alias: str = ""
    names: tuple[str, ...] = ()
    path_span: Span = _span()
    name_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)
    span: Span = _span()


Kind = Literal["const", "fn", "op", "block", "model", "space", "type"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """Any declaration.

    `type` is the annotation after the colon; for `type` declarations it is the right-hand side, and `value` is None.
    `parameters` is None when no parentheses were written.
    """

    kind: Kind
    name: str
    parameters: tuple[Parameter, ...] | None = None
    type: TypeExpr | None = None
    where: tuple[Expr, ...] = ()
    value: Expr | None = None
    docs: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    name_span: Span = _span()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class File:
    """One parsed file. `edition` is empty without a header; `docs` are its `#!` lines, without the marker."""

    edition: str
    docs: tuple[str, ...]
    items: tuple[Import | Declaration, ...]
    source: Source | None = field(default=None, compare=False, repr=False)
    span: Span = _span()
