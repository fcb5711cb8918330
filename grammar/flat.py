"""Syntax to text on one line, with the parentheses it needs and no more.

A doc comment ends its line, so the text of a node that holds one has line breaks; a node without has none.
"""

import json
import re
from typing import assert_never

from archc.grammar import syntax as s

_PLAIN_KEY = re.compile("[A-Za-z][A-Za-z0-9_]*")
# A sign behind it would make it a percentage of its own.
_NUMBER_LAST = re.compile(r"(?<![A-Za-z0-9_.])[0-9.]+$")
# Not seen, or changing the order in which others are seen: written as an escape.
_HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

# How tightly a node binds: a part that binds less than its place asks for stands in parentheses.
ANY, PIPE, OR, AND, NOT, COMPARE, RANGE, SUM, TERM, UNARY, POST, ATOM = range(12)
ANY_TYPE, ARROW, POWER, TENSOR, LIST, ATOM_TYPE = range(6)


def flat_expr(node: s.Expr | s.Spread, place: int = ANY) -> str:
    """Return `node` on one line, in parentheses if it binds less tightly than `place` asks for."""
    text = _expr(node)
    return f"({text})" if binding(node) < place else text


def flat_type(node: s.TypeExpr, place: int = ANY_TYPE) -> str:
    """Return `node` on one line, in parentheses if it binds less tightly than `place` asks for."""
    text = _type(node)
    return f"({text})" if type_binding(node) < place else text


def binding(node: s.Expr | s.Spread) -> int:
    """Return how tightly `node` binds, from ANY to ATOM."""
    match node:
        case s.Choice() | s.If():
            return ANY
        case s.Pipe():
            return PIPE
        case s.Logic(operator):
            return OR if operator == "or" else AND
        case s.Not():
            return NOT
        case s.Compare():
            return COMPARE
        case s.Range():
            return RANGE
        case s.Binary(operator):
            return SUM if operator in ("+", "-") else TERM
        case s.Negative():
            return UNARY
        case s.Call() | s.Attribute():
            return POST
        case _:
            return ATOM


def type_binding(node: s.TypeExpr) -> int:
    """Return how tightly `node` binds, from ANY_TYPE to ATOM_TYPE."""
    match node:
        case s.TypeUnion():
            return ANY_TYPE
        case s.TypeArrow():
            return ARROW
        case s.TypePower():
            return POWER
        case s.TypeList(element):
            return TENSOR if element is None else LIST
        case s.TypeQualified():
            return TENSOR
        case _:
            return ATOM_TYPE


def _expr(node: s.Expr | s.Spread) -> str:
    match node:
        case s.Number(text) | s.Percent(text):
            return text
        case s.String(value):
            return quoted(value)
        case s.Regex(pattern):
            return 're"' + pattern.replace('"', '\\"') + '"'
        case s.Boolean(value):
            return "true" if value else "false"
        case s.Ref(name):
            return name
        case s.Hole():
            return "_"
        case s.Tuple(items):
            return "(" + ", ".join([flat_expr(item) for item in items]) + ")"
        case s.List(items):
            return "[" + ", ".join([flat_expr(item) for item in items]) + "]"
        case s.Spread(value):
            return ".." + flat_expr(value, POST)
        case s.Record(bindings):
            return "{ " + ", ".join([flat_binding(one) for one in bindings]) + " }"
        case s.Body(statements, value):
            return "{ " + "".join([flat_statement(one) + " " for one in statements]) + f"return {flat_expr(value)} }}"
        case s.Fold(_, values, body):
            return f"{fold_head(node)} in {flat_expr(values, RANGE)} {{ {flat_expr(body)} }}"
        case s.Call(function, arguments):
            return flat_expr(function, POST) + flat_arguments(arguments)
        case s.Attribute(value, name):
            return f"{flat_expr(value, POST)}.{name}"
        case s.Choice(arms):
            return " | ".join([arm_head(arm) + flat_expr(arm.value, PIPE) for arm in arms])
        case s.If(condition, then, otherwise):
            return f"if {flat_expr(condition, OR)} then {flat_expr(then)} else {flat_expr(otherwise)}"
        case s.Pipe(stages):
            return " -> ".join([flat_expr(stage, OR) for stage in stages])
        case _:
            return _operation(node)


def _operation(
    node: s.Negative | s.Binary | s.Range | s.Compare | s.Not | s.Logic,
) -> str:
    match node:
        case s.Negative(value):
            return "-" + flat_expr(value, UNARY)
        case s.Binary(operator, left, right):
            place = binding(node)
            sign = operator if is_tight(node) else f" {operator} "
            return flat_expr(left, place) + sign + flat_expr(right, place + 1)
        case s.Range(low, high, step):
            ends = (low, high)
            gap = "" if all(isinstance(end, s.Number | s.Ref) and is_simple(end) for end in ends) else " "
            top = flat_expr(high, SUM) if high is not None else ""
            by = f" by {flat_expr(step, SUM)}" if step is not None else ""
            return f"{flat_expr(low, SUM)}{gap}..{gap}{top}{by}"
        case s.Compare(operator, left, right):
            return f"{flat_expr(left, RANGE)} {operator} {flat_expr(right, RANGE)}"
        case s.Not(value):
            return "not " + flat_expr(value, NOT)
        case s.Logic(operator, items):
            return f" {operator} ".join([flat_expr(item, binding(node) + 1) for item in items])
        case _:
            assert_never(node)


def is_simple(node: s.Expr) -> bool:
    """Return whether `node` is a name or a whole number."""
    return isinstance(node, s.Ref) or (isinstance(node, s.Number) and node.text.isdigit())


def is_tight(node: s.Binary) -> bool:
    """Return whether `*` is written without spaces: in a product of sizes, not in a repetition of something built."""
    if node.operator != "*":
        return False
    return all(
        (isinstance(side, s.Binary) and (side.operator in "+-" or is_tight(side)))
        or isinstance(side, s.Number)
        or (isinstance(side, s.Ref) and side.name[:1].islower())
        for side in (node.left, node.right)
    )


def quoted(value: str) -> str:
    """Return the string literal for `value`."""
    return _HIDDEN.sub(lambda m: json.dumps(m.group())[1:-1], json.dumps(value, ensure_ascii=False))


def key(name: str) -> str:
    """Return the key of a record as it is written."""
    return name if _PLAIN_KEY.fullmatch(name) else quoted(name)


def docs(lines: tuple[str, ...]) -> list[str]:
    """Return doc comments as they are written."""
    return [f"## {line}".rstrip() for line in lines]


def _flat_docs(lines: tuple[str, ...]) -> str:
    return "".join([line + "\n" for line in docs(lines)])


def flat_binding(node: s.Binding) -> str:
    return f"{_flat_docs(node.docs)}{key(node.name)} = {flat_expr(node.value)}"


def names(given: tuple[str, ...], is_tuple: bool) -> str:
    """Return the pattern of a statement or of a `for`."""
    return f"({', '.join(given)})" if is_tuple else given[0]


def statement_head(node: s.Statement) -> str:
    """Return a statement up to its `=`."""
    annotated = f": {flat_type(node.type)}" if node.type is not None else ""
    return f"{node.kind} {names(node.names, node.is_tuple)}{annotated} ="


def flat_statement(node: s.Statement) -> str:
    return f"{statement_head(node)} {flat_expr(node.value)}"


def fold_head(node: s.Fold) -> str:
    """Return a `for` up to its names."""
    return f"for {names(node.names, node.is_tuple)}"


def arm_head(node: s.Arm) -> str:
    """Return the weight of an arm with its colon, if it has one."""
    if node.weight is None:
        return ""
    text = flat_expr(node.weight, TERM)
    if not node.in_percent:
        return f"{text}: "
    return f"({text})%: " if _NUMBER_LAST.search(text) else f"{text}%: "


def is_short(node: s.Arm) -> bool:
    """Return whether an arm is a plain value, which may share its line with others."""
    value = node.value
    items = value.items if isinstance(value, s.Tuple) else (value,)
    return node.weight is None and all(isinstance(item, s.Number | s.String | s.Boolean) for item in items)


def is_literal(node: s.TypeExpr) -> bool:
    """Return whether an arm of a union is a literal, which may share its line with others."""
    return isinstance(node, s.TypeLiteral)


def argument_head(node: s.Argument, *, is_spaced: bool = False) -> str:
    """Return the name of an argument with its `=`; tight before a plain value, as in `pad=1` and `pad = k // 2`."""
    if not node.name:
        return ""
    plain = isinstance(node.value, s.Number | s.String | s.Boolean | s.Ref | s.Hole)
    return f"{node.name}=" if plain and not is_spaced else f"{node.name} = "


def flat_arguments(arguments: tuple[s.Argument, ...], *, is_spaced: bool = False) -> str:
    parts = [argument_head(one, is_spaced=is_spaced) + flat_expr(one.value) for one in arguments]
    return "(" + ", ".join(parts) + ")"


def flat_annotation(node: s.Annotation) -> str:
    return f"@{node.name}" + (flat_arguments(node.arguments, is_spaced=True) if node.has_parens else "")


def flat_parameter(node: s.Parameter) -> str:
    kind = f": {flat_type(node.type)}" if node.type is not None else ""
    return node.name + kind + (f" = {flat_expr(node.default)}" if node.default is not None else "")


def _type(node: s.TypeExpr) -> str:
    match node:
        case s.TypeName(module, name, arguments):
            given = f"({', '.join([flat_type_argument(one) for one in arguments])})" if arguments else ""
            return (f"{module}." if module else "") + name + given
        case s.TypeVariable(name):
            return name
        case s.TypeLiteral(value):
            return flat_expr(value)
        case s.TypeRange(low, high, step):
            ends = [flat_expr(end) if end is not None else "" for end in (low, high)]
            return "..".join(ends) + (f" by {flat_expr(step)}" if step is not None else "")
        case s.TypeTuple(items):
            return "(" + ", ".join([flat_item(item) for item in items]) + ")"
        case s.TypeRecord(members):
            return "{ " + ", ".join([flat_member(one) for one in members]) + " }" if members else "{}"
        case s.TypeList(element, dims):
            head = flat_type(element, LIST) if element is not None else ""
            return f"{head}[{', '.join([flat_dim(dim) for dim in dims])}]"
        case s.TypeQualified(qualifier, kind):
            return f"{qualifier} {flat_type(kind, TENSOR)}"
        case s.TypePower(base, exponent):
            return f"{flat_type(base, POWER)}^{flat_expr(exponent)}"
        case s.TypeArrow(source, target):
            return f"{flat_type(source, POWER)} -> {flat_type(target, ARROW)}"
        case s.TypeUnion(arms):
            return " | ".join([_flat_docs(arm.docs) + flat_type(arm.type, ARROW) for arm in arms])
        case _:
            assert_never(node)


def flat_type_argument(node: s.TypeArgument) -> str:
    return (f"{node.name}=" if node.name else "") + flat_type(node.value)


def flat_item(node: s.TypeItem) -> str:
    return (f"{node.label}: " if node.label else "") + flat_type(node.type)


def flat_dim(node: s.Expr | s.DimRange | s.DimRest) -> str:
    match node:
        case s.DimRange(low, high):
            return "..".join([flat_expr(end, SUM) if end is not None else "" for end in (low, high)])
        case s.DimRest(value):
            return ".." + (flat_expr(value, POST) if value is not None else "")
        case _:
            return flat_expr(node, SUM)


def flat_member(node: s.Field | s.TypeSpread) -> str:
    if isinstance(node, s.TypeSpread):
        # Four dots would not be read as two and two.
        is_open = isinstance(node.type, s.TypeRange) and node.type.low is None
        return f"..({flat_type(node.type)})" if is_open else ".." + flat_type(node.type, ATOM_TYPE)
    before = "".join([flat_annotation(one) + " " for one in node.annotations])
    return f"{_flat_docs(node.docs)}{before}{field_head(node)} {flat_type(node.type)}{field_tail(node)}"


def field_head(node: s.Field) -> str:
    """Return a field up to its colon."""
    return (quoted(node.name) if node.quoted else key(node.name)) + ("?:" if node.optional else ":")


def field_tail(node: s.Field) -> str:
    """Return what follows the type of a field."""
    fact = f" where {flat_expr(node.where, OR)}" if node.where is not None else ""
    return fact + (f" = {flat_expr(node.default)}" if node.default is not None else "")
