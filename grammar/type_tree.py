"""What each production of arch.lark for a type builds, and what it shares with those of tree.py."""

import re
from collections.abc import Callable

from archc.grammar import syntax as s
from archc.grammar.lex import Token, unescape
from archc.grammar.source import Span

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def doc(token: Token) -> str:
    """Return a doc comment without its marker."""
    return token.text[2:].rstrip().removeprefix(" ")


def at(token: Token, span: Span) -> Span:
    """Return the span of a token inside `span`."""
    return Span(token.start, token.end, span.source)


def docs_of(parts: tuple[object, ...]) -> tuple[str, ...]:
    """Return the doc comments among the children of a production."""
    return tuple(doc(part) for part in parts if isinstance(part, Token))


def annotations_of(parts: tuple[object, ...]) -> tuple[s.Annotation, ...]:
    """Return the annotations among the children of a production."""
    return tuple(part for part in parts if isinstance(part, s.Annotation))


def _union(span: Span, *arms: s.TypeExpr | s.TypeArm) -> s.TypeExpr:
    made = tuple(arm if isinstance(arm, s.TypeArm) else s.TypeArm((), arm, arm.span) for arm in arms)
    return made[0].type if len(made) == 1 and not made[0].docs else s.TypeUnion(made, span)


def _documented(span: Span, *parts: Token | s.TypeExpr) -> s.TypeArm:
    last = parts[-1]
    assert not isinstance(last, Token)
    return s.TypeArm(docs_of(parts), last, span)


def _arrow(span: Span, source: s.TypeExpr, target: s.TypeExpr) -> s.TypeArrow:
    return s.TypeArrow(_of_network(source), _of_network(target), span)


def _of_network(kind: s.TypeExpr) -> s.TypeExpr:
    """Return one side of an arrow, where `causal [n, d]` is a qualified tensor; in a document `t[3]` is a list of `t`."""
    match kind:
        case s.TypeList(s.TypeVariable(name, word), dims, span):
            return s.TypeQualified(name, s.TypeList(None, dims, _after(word, span)), span)
        case s.TypeQualified(name, inner, span):
            return s.TypeQualified(name, _of_network(inner), span)
        case s.TypePower(base, exponent, span):
            return s.TypePower(_of_network(base), exponent, span)
        case s.TypeTuple(items, span):
            return s.TypeTuple(tuple(s.TypeItem(i.label, _of_network(i.type), i.span) for i in items), span)
        case _:
            return kind


def _after(word: Span, span: Span) -> Span:
    """Return what is left of `span` after its first word."""
    assert span.source is not None
    gap = _GAP.match(span.source.text, word.end)
    return Span(gap.end() if gap else word.end, span.end, span.source)


def _qualified(span: Span, qualifier: Token, kind: s.TypeExpr) -> s.TypeQualified:
    return s.TypeQualified(qualifier.text, kind, span)


def _power(span: Span, base: s.TypeExpr, exponent: Token) -> s.TypePower:
    made = s.Number if exponent.kind == "NUMBER" else s.Ref
    return s.TypePower(base, made(exponent.text, at(exponent, span)), span)


Dims = tuple[s.Expr | s.DimRange | s.DimRest, ...]


def _tensor(span: Span, axes: Dims | None) -> s.TypeList:
    return s.TypeList(None, axes or (), span)


def _type_list(span: Span, element: s.TypeExpr, axes: Dims | None) -> s.TypeList:
    return s.TypeList(element, axes or (), span)


def _dims(_: Span, *axes: s.Expr | s.DimRange | s.DimRest) -> Dims:
    return axes


def _dim_range(span: Span, low: s.Expr, high: s.Expr | None) -> s.DimRange:
    return s.DimRange(low, high, span)


def _dim_rest(span: Span, value: s.Expr | None) -> s.DimRange | s.DimRest:
    return s.DimRange(None, value, span) if isinstance(value, s.Number) else s.DimRest(value, span)


def _type_name(
    span: Span, module: Token | None, name: Token, arguments: tuple[s.TypeArgument, ...] | None
) -> s.TypeName:
    return s.TypeName(module.text if module else "", name.text, arguments or (), arguments is not None, span)


def _type_variable(span: Span, name: Token) -> s.TypeVariable:
    return s.TypeVariable(name.text, span)


Literal = s.Number | s.String | s.Regex | s.Boolean


def _type_literal(span: Span, value: Literal) -> s.TypeLiteral:
    return s.TypeLiteral(value, span)


Bound = s.Number | s.String


def _type_range(span: Span, low: Bound, high: Bound | None, step: Bound | None) -> s.TypeRange:
    return s.TypeRange(low, high, step, span)


def _type_up_to(span: Span, high: Bound) -> s.TypeRange:
    return s.TypeRange(None, high, None, span)


def _type_tuple(span: Span, *items: s.TypeItem) -> s.TypeExpr:
    return items[0].type if len(items) == 1 and not items[0].label else s.TypeTuple(items, span)


def _titem(span: Span, label: Token | None, kind: s.TypeExpr) -> s.TypeItem:
    return s.TypeItem(label.text if label else "", kind, span)


def _type_record(span: Span, *members: s.Field | s.TypeSpread) -> s.TypeRecord:
    return s.TypeRecord(members, span)


def _rest(span: Span, base: s.TypeExpr) -> s.TypeSpread:
    return s.TypeSpread(base, span)


def _field(span: Span, *parts: Token | s.Annotation | s.TypeExpr | s.Expr | None) -> s.Field:
    *before, key, optional, kind, fact, default = parts
    assert isinstance(key, Token)
    quoted = key.kind == "STRING"
    name = unescape(key.text[1:-1])[0] if quoted else key.text
    whole = Span(key.start, span.end, span.source)
    docs, annotations = docs_of(tuple(before)), annotations_of(tuple(before))
    return _make_field(docs, annotations, name, optional is not None, kind, fact, default, quoted, at(key, span), whole)


# The parts of a field stand in the order of the production, which the signature of a node cannot say.
_make_field: Callable[..., s.Field] = s.Field


def _targs(_: Span, *arguments: s.TypeArgument) -> tuple[s.TypeArgument, ...]:
    return arguments


def _type_argument(span: Span, value: s.TypeExpr) -> s.TypeArgument:
    return s.TypeArgument("", value, span)


def _named_argument(span: Span, name: Token, value: Literal) -> s.TypeArgument:
    return s.TypeArgument(name.text, s.TypeLiteral(value, value.span), span)


def type_builders() -> dict[str, Callable[..., object]]:
    """Return the function of every production for a type, by the production's name."""
    made = (
        _union, _documented, _arrow, _qualified, _power, _tensor, _type_list, _dims, _dim_range, _dim_rest, _type_name,
        _type_variable, _type_literal, _type_range, _type_up_to, _type_tuple, _titem, _type_record, _rest, _field,
        _targs, _type_argument, _named_argument,
    )  # fmt: skip
    return {function.__name__.removeprefix("_"): function for function in made}
