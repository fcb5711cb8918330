"""Literals of the language -> exact values, and whether a type takes one."""

from fractions import Fraction

from archc.grammar import syntax as s
from archc.names.scope import Scopes

SUFFIXES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
LONGEST = 40
DEEPEST = 32
TEXTS = ("String", "Date", "DateTime", "Time", "Uuid", "Uri", "Email")


def exact(text: str) -> Fraction | None:
    """Return the number that `text` spells; None where it has more digits than anyone needs."""
    scale = SUFFIXES.get(text[-1:], 1)
    digits = text[:-1] if scale > 1 else text
    power = digits.lower().partition("e")[2].lstrip("+-").lstrip("0")
    if len(digits) > LONGEST or len(power) > 3:
        return None
    return Fraction(digits) * scale


def constant(expr: s.Expr) -> "s.Number | s.String | s.Boolean | s.List | None":
    """Return a literal, a signed one included, as one node; None for anything that must be computed."""
    if isinstance(expr, s.Negative) and isinstance(expr.value, s.Number):
        return s.Number(f"-{expr.value.text}", expr.span)
    return expr if isinstance(expr, (s.Number, s.String, s.Boolean, s.List)) else None


def is_of(scopes: Scopes, module: int, kind: s.TypeExpr, expr: s.Expr, depth: int = 0) -> bool:
    """Return whether the literal `expr` may be a value of `kind`; what is unknown here counts as yes."""
    value = constant(expr)
    if value is None or depth > DEEPEST:
        return True
    match kind:
        case s.TypeUnion(arms):
            return any(is_of(scopes, module, arm.type, expr, depth + 1) for arm in arms)
        case s.TypeLiteral(literal):
            return _same(literal, value)
        case s.TypeRange(low, high, step):
            return _in_range(low, high, step, value)
        case s.TypeList(element, dims):
            return _is_list(scopes, module, element, dims, value, depth)
        case s.TypeRecord() | s.TypeTuple():
            return False
        case s.TypeName():
            return _is_named(scopes, module, kind, value, depth)
        case _:
            return True


def _same(literal: s.Number | s.String | s.Regex | s.Boolean, value: s.Expr) -> bool:
    match literal, value:
        case s.Number(one), s.Number(other):
            return exact(one) == exact(other)
        case s.Regex(), s.String():
            return True
        case (s.String(), s.String()) | (s.Boolean(), s.Boolean()):
            return literal == value
        case _:
            return False


def _in_range(
    low: s.Number | s.String | None, high: s.Number | s.String | None, step: s.Number | s.String | None, value: s.Expr
) -> bool:
    if any(isinstance(bound, s.String) for bound in (low, high)):
        return isinstance(value, s.String)
    if not isinstance(value, s.Number):
        return False
    number = exact(value.text)
    first, last, by = (exact(bound.text) if isinstance(bound, s.Number) else None for bound in (low, high, step))
    if number is None:
        return True
    if (first is not None and number < first) or (last is not None and number > last):
        return False
    whole = all(bound is None or bound.denominator == 1 for bound in (first, last, by))
    spelled = any(isinstance(bound, s.Number) and "." in bound.text for bound in (low, high, step))
    if whole and not spelled and number.denominator != 1:
        return False
    return by is None or by == 0 or first is None or ((number - first) / by).denominator == 1


def _is_list(
    scopes: Scopes,
    module: int,
    element: s.TypeExpr | None,
    dims: "tuple[s.Expr | s.DimRange | s.DimRest, ...]",
    value: s.Expr,
    depth: int,
) -> bool:
    if not isinstance(value, s.List):
        return False
    if len(dims) == 1 and not any(isinstance(item, s.Spread) for item in value.items):
        low, high = (dims[0].low, dims[0].high) if isinstance(dims[0], s.DimRange) else (dims[0], dims[0])
        least = exact(low.text) if isinstance(low, s.Number) else None
        most = exact(high.text) if isinstance(high, s.Number) else None
        if (least is not None and len(value.items) < least) or (most is not None and len(value.items) > most):
            return False
        inner = element or s.TypeName("", "Float")
        return all(
            is_of(scopes, module, inner, item, depth + 1) for item in value.items if not isinstance(item, s.Spread)
        )
    return True


def _is_named(scopes: Scopes, module: int, kind: s.TypeName, value: s.Expr, depth: int) -> bool:
    definition = scopes.member(module, kind.module, kind.name) if kind.module else scopes.find(module, kind.name)
    if definition is not None:
        inner = definition.declaration.type
        known = definition.declaration.kind == "type" and inner is not None and not definition.declaration.parameters
        return not known or inner is None or is_of(scopes, definition.module, inner, value, depth + 1)
    match kind.name:
        case "String":
            return isinstance(value, s.String) and _has_length(kind, value.value)
        case "Bool":
            return isinstance(value, s.Boolean)
        case "Int" | "Id":
            number = exact(value.text) if isinstance(value, s.Number) else None
            return isinstance(value, s.Number) and (number is None or number.denominator == 1)
        case "Float" | "Decimal":
            return isinstance(value, s.Number)
        case "Null" | "Map":
            return False
        case name if name in TEXTS:
            return isinstance(value, s.String)
        case _:
            return True


def _has_length(kind: s.TypeName, text: str) -> bool:
    length = kind.arguments[0].value if kind.arguments else None
    if isinstance(length, s.TypeLiteral):
        length = s.TypeRange(length.value, length.value) if isinstance(length.value, s.Number) else None
    return not isinstance(length, s.TypeRange) or _in_range(length.low, length.high, None, s.Number(str(len(text))))
