"""A condition or default of a type -> the same without the names of constants, which only its module knows."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from archc.data.predicates import Impossible, Unknown, evaluate
from archc.data.scalars import written
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.names.scope import Scopes
from archc.values import Definition

FUNCTIONS = ("len", "sum", "min", "max", "unique", "round")
"""What a condition on a document may call."""


def closed(expr: s.Expr, known: Callable[[s.Ref], s.Expr | None]) -> s.Expr:
    """Return `expr` with each name for which `known` has a value replaced by it.

    Raises CompileError where it is written with what documents do not have.
    """
    match expr:
        case s.Number() | s.String() | s.Boolean():
            return expr
        case s.Ref():
            return known(expr) or expr
        case s.Attribute(value):
            return replace(expr, value=closed(value, known))
        case s.List(items):
            return replace(expr, items=tuple(_item(item, known) for item in items))
        case s.Record(bindings):
            inner = tuple(replace(binding, value=closed(binding.value, known)) for binding in bindings)
            return replace(expr, bindings=inner)
        case s.Binary(_, left, right):
            return replace(expr, left=closed(left, known), right=closed(right, known))
        case s.Compare(operator, left, right):
            after = _range(right, known) if operator == "in" and isinstance(right, s.Range) else closed(right, known)
            return replace(expr, left=closed(left, known), right=after)
        case s.Negative(value) | s.Not(value):
            return replace(expr, value=closed(value, known))
        case _:
            return _compound(expr, known)


def _compound(expr: s.Expr, known: Callable[[s.Ref], s.Expr | None]) -> s.Expr:
    match expr:
        case s.Logic(_, items):
            return replace(expr, items=tuple(closed(item, known) for item in items))
        case s.If(condition, then, otherwise):
            parts = [closed(part, known) for part in (condition, then, otherwise)]
            return replace(expr, condition=parts[0], then=parts[1], otherwise=parts[2])
        case s.Call(s.Ref(name), arguments) if name in FUNCTIONS:
            _require_arguments(expr, name, arguments)
            inner = tuple(replace(argument, value=closed(argument.value, known)) for argument in arguments)
            return replace(expr, arguments=inner)
        case s.Call(s.Ref(name) as function, _):
            text = f"a condition on a document calls no `{name}`"
            raise CompileError([Diagnostic("A0509", text, function.span, f"there are {', '.join(FUNCTIONS)}")])
        case _:
            text = "this is no part of a condition on a document"
            hint = "numbers, strings, fields, comparisons, and or not if in, + - * / // %"
            raise CompileError([Diagnostic("A0509", text, expr.span, f"there are {hint}")])


def _require_arguments(call: s.Expr, name: str, arguments: tuple[s.Argument, ...]) -> None:
    """Raise CompileError unless a function is given what it takes."""
    named = next((argument for argument in arguments if argument.name), None)
    most = {"round": 2, "min": 8, "max": 8}.get(name, 1)
    if named is None and 1 <= len(arguments) <= most:
        return
    takes = {"round": "a number and perhaps how many places", "min": "a list or some values"}
    usage = takes.get("min" if name == "max" else name, "one list" if name in ("sum", "unique") else "one value")
    text = f"`{name}` takes {usage}" + (", without names" if named else f"; this gives {len(arguments)}")
    raise CompileError([Diagnostic("A0509", text, call.span)])


def _item(item: "s.Expr | s.Spread", known: Callable[[s.Ref], s.Expr | None]) -> "s.Expr | s.Spread":
    return replace(item, value=closed(item.value, known)) if isinstance(item, s.Spread) else closed(item, known)


def _range(span: s.Range, known: Callable[[s.Ref], s.Expr | None]) -> s.Range:
    high, step = (None if bound is None else closed(bound, known) for bound in (span.high, span.step))
    return replace(span, low=closed(span.low, known), high=high, step=step)


class Constants:
    """The values of constants, each found once."""

    __slots__ = ("_known", "_scopes")

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._known: dict[int, s.Expr] = {}

    def value(self, module: int, name: str, mention: s.Ref) -> s.Expr | None:
        """Return the value of the constant `name`, or None where that is no constant. Raises CompileError."""
        definition = self._scopes.find(module, name)
        if definition is None or definition.declaration.kind != "const" or definition.declaration.value is None:
            return None
        key = id(definition.declaration)
        if key not in self._known:
            self._known[key] = self._evaluated(definition, mention)
        return self._known[key]

    def _evaluated(self, definition: Definition, mention: s.Ref) -> s.Expr:
        value = definition.declaration.value
        assert value is not None
        inner = closed(value, lambda ref: self.value(definition.module, ref.name, ref))
        return folded(inner, mention)


def folded(expr: s.Expr, mention: s.Ref) -> s.Expr:
    """Return the literal with the value of `expr`, which mentions no field, at the place of `mention`."""
    nothing: Mapping[str, None] = {}
    try:
        value = evaluate(expr, nothing)
    except Impossible as error:
        text = f"`{mention.name}` has no value in a document: {error}"
        raise CompileError([Diagnostic("A0509", text, mention.span)]) from None
    if value is None or isinstance(value, Unknown):
        raise CompileError([Diagnostic("A0509", f"`{mention.name}` has no value in a document", mention.span)])
    return written(value, mention.span)


def names_in(expr: s.Expr) -> set[str]:
    """Return the names that `expr` mentions as values, `it` included; of a path such as `lines.amount`, the first."""
    found: set[str] = set()
    stack: list[s.Expr | s.Spread | None] = [expr]
    while stack:
        match stack.pop():
            case s.Ref(name):
                found.add(name)
            case s.Call(_, arguments):
                stack.extend(argument.value for argument in arguments)
            case s.Binary(_, left, right) | s.Compare(_, left, right):
                stack.extend((left, right))
            case s.Attribute(inner) | s.Negative(inner) | s.Not(inner) | s.Spread(inner):
                stack.append(inner)
            case s.Logic(_, items) | s.List(items):
                stack.extend(items)
            case s.Record(bindings):
                stack.extend(binding.value for binding in bindings)
            case s.If(first, second, third) | s.Range(first, second, third):
                stack.extend((first, second, third))
            case _:
                pass
    return found
