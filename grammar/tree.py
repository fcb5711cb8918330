"""What each production of arch.lark builds: the nodes of syntax.py, from children that are built already.

A function has the name of its production; the parser calls it with the span of the text and the children.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from archc.grammar import syntax as s
from archc.grammar.lex import Token, unescape
from archc.grammar.source import Span
from archc.grammar.type_tree import annotations_of, at, doc, docs_of, type_builders


@dataclass(frozen=True, slots=True)
class Pattern:
    """What stands before the `=` of a statement: one name or a tuple of names."""

    names: tuple[Token, ...]
    is_tuple: bool


def start(span: Span, edition: Token | None, *parts: Token | s.Import | s.Declaration) -> s.File:
    docs = tuple(doc(part) for part in parts if isinstance(part, Token))
    items = tuple(part for part in parts if not isinstance(part, Token))
    return s.File(edition.text if edition else "", docs, items, span.source, span)


def header(_: Span, edition: Token) -> Token:
    return edition


# ---------------------------------------------------------------- declarations
def import_(span: Span, path: tuple[str, bool, Span], alias: Token | None, names: tuple[Token, ...] | None) -> s.Import:
    spans = tuple(at(name, span) for name in names or ())
    texts = tuple(name.text for name in names or ())
    return s.Import(path[0], path[1], alias.text if alias else "", texts, path[2], spans, span)


def file_path(span: Span, path: Token) -> tuple[str, bool, Span]:
    return unescape(path.text[1:-1])[0], True, span


def dotted_path(span: Span, *parts: Token) -> tuple[str, bool, Span]:
    return ".".join(part.text for part in parts), False, span


def names(_: Span, *parts: Token) -> tuple[Token, ...]:
    return parts


def decl(span: Span, *parts: Token | s.Annotation | s.Declaration) -> s.Declaration:
    last = parts[-1]
    assert isinstance(last, s.Declaration)
    if len(parts) == 1:
        return last
    return replace(last, docs=docs_of(parts), annotations=annotations_of(parts))


def annotation(span: Span, name: Token, given: tuple[s.Argument, ...] | None) -> s.Annotation:
    return s.Annotation(name.text, given or (), given is not None, span)


def const_decl(span: Span, name: Token, kind: s.TypeExpr | None, value: s.Expr) -> s.Declaration:
    return s.Declaration("const", name.text, type=kind, value=value, name_span=at(name, span), span=span)


def fn_decl(
    span: Span,
    name: Token,
    parameters: tuple[s.Parameter, ...],
    kind: s.TypeExpr | None,
    facts: tuple[s.Expr, ...] | None,
    value: s.Expr,
) -> s.Declaration:
    return s.Declaration("fn", name.text, parameters, kind, facts or (), value, name_span=at(name, span), span=span)


def type_decl(
    span: Span,
    name: Token,
    parameters: tuple[s.Parameter, ...] | None,
    kind: s.TypeExpr,
    facts: tuple[s.Expr, ...] | None,
) -> s.Declaration:
    return s.Declaration("type", name.text, parameters, kind, facts or (), name_span=at(name, span), span=span)


def op_decl(
    span: Span,
    name: Token,
    parameters: tuple[s.Parameter, ...] | None,
    kind: s.TypeExpr,
    facts: tuple[s.Expr, ...] | None,
) -> s.Declaration:
    return s.Declaration("op", name.text, parameters, kind, facts or (), name_span=at(name, span), span=span)


def block_decl(
    span: Span,
    keyword: Token,
    name: Token,
    parameters: tuple[s.Parameter, ...] | None,
    kind: s.TypeExpr | None,
    facts: tuple[s.Expr, ...] | None,
    value: s.Expr,
) -> s.Declaration:
    word: s.Kind = "block" if keyword.kind == "BLOCK" else "space" if keyword.kind == "SPACE" else "model"
    return s.Declaration(word, name.text, parameters, kind, facts or (), value, name_span=at(name, span), span=span)


def where(_: Span, *facts: s.Expr) -> tuple[s.Expr, ...]:
    return facts


def params(_: Span, *parameters: s.Parameter) -> tuple[s.Parameter, ...]:
    return parameters


def param(span: Span, name: Token, kind: s.TypeExpr | None, default: s.Expr | None) -> s.Parameter:
    return s.Parameter(name.text, kind, default, span)


# ---------------------------------------------------------------- expressions
def number(span: Span, token: Token) -> s.Number:
    return s.Number(token.text, span)


def negative_number(span: Span, token: Token) -> s.Number:
    return s.Number("-" + token.text, span)


def percent(span: Span, token: Token) -> s.Percent:
    return s.Percent(token.text, span)


def string(span: Span, token: Token) -> s.String:
    return s.String(unescape(token.text[1:-1])[0], span)


def regex(span: Span, token: Token) -> s.Regex:
    return s.Regex(token.text[3:-1].replace('\\"', '"'), span)


def boolean(span: Span, token: Token) -> s.Boolean:
    return s.Boolean(token.kind == "TRUE", span)


def ref(span: Span, name: Token) -> s.Ref:
    return s.Ref(name.text, span)


def hole(span: Span) -> s.Hole:
    return s.Hole(span)


def tuple_(span: Span, *items: s.Expr) -> s.Expr:
    return items[0] if len(items) == 1 else s.Tuple(items, span)


def list_(span: Span, *items: s.Expr | s.Spread) -> s.List:
    return s.List(items, span)


def spread(span: Span, value: s.Expr) -> s.Spread:
    return s.Spread(value, span)


def record(span: Span, *bindings: s.Binding) -> s.Record:
    return s.Record(bindings, span)


def binding(span: Span, *parts: Token | s.Expr) -> s.Binding:
    *before, key, value = parts
    assert isinstance(key, Token) and not isinstance(value, Token)
    name = unescape(key.text[1:-1])[0] if key.kind == "STRING" else key.text
    return s.Binding(docs_of(tuple(before)), name, value, Span(key.start, span.end, span.source))


def body(span: Span, *parts: s.Statement | s.Expr) -> s.Body:
    *before, value = parts
    assert not isinstance(value, s.Statement)
    return s.Body(tuple(part for part in before if isinstance(part, s.Statement)), value, span)


def statement(span: Span, keyword: Token, pattern: Pattern, kind: s.TypeExpr | None, value: s.Expr) -> s.Statement:
    texts = tuple(name.text for name in pattern.names)
    spans = tuple(at(name, span) for name in pattern.names)
    return s.Statement("let" if keyword.kind == "LET" else "choose", texts, kind, value, pattern.is_tuple, spans, span)


def one_name(_: Span, name: Token) -> Pattern:
    return Pattern((name,), is_tuple=False)


def several_names(_: Span, *parts: Token) -> Pattern:
    return Pattern(parts, is_tuple=True)


def fold(span: Span, pattern: Pattern, values: s.Expr, inner: s.Expr) -> s.Fold:
    return s.Fold(tuple(name.text for name in pattern.names), values, inner, pattern.is_tuple, span)


def call(span: Span, function: s.Expr, given: tuple[s.Argument, ...]) -> s.Call:
    return s.Call(function, given, span)


def arguments(_: Span, *given: s.Argument) -> tuple[s.Argument, ...]:
    return given


def argument(span: Span, name: Token | None, value: s.Expr) -> s.Argument:
    return s.Argument(name.text if name else "", value, span)


def attribute(span: Span, value: s.Expr, name: Token) -> s.Attribute:
    return s.Attribute(value, name.text, span)


def negative(span: Span, value: s.Expr) -> s.Negative:
    return s.Negative(value, span)


_OPERATORS: dict[str, s.Operator] = {"+": "+", "-": "-", "*": "*", "/": "/", "//": "//", "%": "%"}


def binary(span: Span, left: s.Expr, operator: Token, right: s.Expr) -> s.Binary:
    return s.Binary(_OPERATORS[operator.text], left, right, span)


def range_(span: Span, low: s.Expr, high: s.Expr, step: s.Expr | None) -> s.Range:
    return s.Range(low, high, step, span)


def compare(span: Span, left: s.Expr, operator: Token, right: s.Expr) -> s.Compare:
    return _compare(operator.text, left, right, span)


# The lexer lets no other operator through.
_compare: Callable[[str, s.Expr, s.Expr, Span], s.Compare] = s.Compare  # type: ignore[assignment]


def not_(span: Span, value: s.Expr) -> s.Not:
    return s.Not(value, span)


def conjunction(span: Span, *items: s.Expr) -> s.Logic:
    return s.Logic("and", items, span)


def disjunction(span: Span, *items: s.Expr) -> s.Logic:
    return s.Logic("or", items, span)


def pipe(span: Span, *stages: s.Expr) -> s.Pipe:
    return s.Pipe(stages, span)


def weighted(span: Span, weight: s.Expr, value: s.Expr) -> s.Arm:
    return s.Arm(weight, value, span=span)


def percented(span: Span, weight: s.Expr, sign: Token, value: s.Expr) -> s.Arm:
    if isinstance(weight, s.Number) and weight.text.replace(".", "").isdigit():  # `32 %: value`
        return s.Arm(s.Percent(f"{weight.text}%", Span(span.start, sign.end, span.source)), value, span=span)
    return s.Arm(weight, value, in_percent=True, span=span)


def choice(span: Span, *arms: s.Expr | s.Arm) -> s.Expr:
    made = tuple(arm if isinstance(arm, s.Arm) else s.Arm(None, arm, span=arm.span) for arm in arms)
    return made[0].value if len(made) == 1 and made[0].weight is None else s.Choice(made, span)


def if_(span: Span, condition: s.Expr, then: s.Expr, otherwise: s.Expr) -> s.If:
    return s.If(condition, then, otherwise, span)


def builders() -> dict[str, Callable[..., object]]:
    """Return the function of every production, by the production's name."""
    made = (
        start, header, import_, file_path, dotted_path, names, decl, annotation, const_decl, fn_decl, type_decl,
        op_decl, block_decl, where, params, param, number, negative_number, percent, string, regex, boolean, ref,
        hole, tuple_, list_, spread, record, binding, body, statement, one_name, several_names, fold, call, arguments,
        argument, attribute, negative, binary, range_, compare, not_, conjunction, disjunction, pipe, weighted,
        percented, choice, if_,
    )  # fmt: skip
    return {function.__name__: function for function in made} | type_builders()
