"""A declaration -> the sizes, runs of axes and types that its signature names without declaring them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from archc.grammar import syntax as s
from archc.grammar.source import Span

Sort = Literal["size", "run", "type", ""]


@dataclass(frozen=True, slots=True)
class Named:
    """A lower-case name in a type, as a size, a run or a type; "" where a function may take either."""

    name: str
    sort: Sort
    span: Span


@dataclass(frozen=True, slots=True)
class Implicit:
    """What a signature names. `visible` holds in the body; `given` are mentions that only the output makes."""

    visible: Mapping[str, Named]
    output_only: tuple[Named, ...]
    mentions: tuple[Named, ...]


def implicit(declaration: s.Declaration) -> Implicit:
    """Return the names that the type of `declaration` and those of its arrow parameters mention; parameters are among them."""
    kind = declaration.type
    source = tuple(named(kind.source)) if isinstance(kind, s.TypeArrow) else ()
    target = tuple(named(kind.target)) if isinstance(kind, s.TypeArrow) else ()
    visible: dict[str, Named] = {}
    inner: list[Named] = []
    for entry in source:
        visible.setdefault(entry.name, entry)
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow):
            before = tuple(named(parameter.type.source))
            after = tuple(named(parameter.type.target))
            inner.extend((*before, *after))
            taken = {entry.name for entry in before}
            for entry in after:
                if entry.name not in taken:
                    visible.setdefault(entry.name, entry)
    bound = {*visible, *(parameter.name for parameter in declaration.parameters or ())}
    output_only = tuple(entry for entry in target if entry.name not in bound)
    return Implicit(visible, output_only, (*source, *inner, *target))


def named(kind: s.TypeExpr | None) -> Iterator[Named]:
    """Yield every mention of a lower-case name in a type, functions that it calls excepted."""
    match kind:
        case s.TypeVariable(name, span):
            yield Named(name, "type", span)
        case s.TypeList(element, dims):
            yield from named(element)
            for dim in dims:
                yield from _dim(dim)
        case s.TypeTuple(items):
            for item in items:
                yield from named(item.type)
        case s.TypeQualified(_, inner):
            yield from named(inner)
        case s.TypePower(base, exponent):
            yield from named(base)
            if isinstance(exponent, s.Ref):
                yield Named(exponent.name, "size", exponent.span)
        case s.TypeArrow(source, target):
            yield from named(source)
            yield from named(target)
        case s.TypeName(_, name, arguments):
            for argument in arguments:
                for entry in named(argument.value):
                    yield Named(entry.name, "size", entry.span) if name == "Id" and entry.sort == "type" else entry
        case s.TypeUnion(arms):
            for arm in arms:
                yield from named(arm.type)
        case _:
            pass


def _dim(dim: "s.Expr | s.DimRange | s.DimRest") -> Iterator[Named]:
    match dim:
        case s.DimRest(s.Ref(name, span)):
            yield Named(name, "run", span)
        case s.DimRest(value):
            if value is not None:
                yield from _expression(value, "")
        case s.DimRange(low, high):
            for bound in (low, high):
                if bound is not None:
                    yield from _expression(bound, "size")
        case _:
            yield from _expression(dim, "size")


def _expression(expr: "s.Expr | s.Spread", sort: Sort) -> Iterator[Named]:
    match expr:
        case s.Ref(name, span):
            yield Named(name, sort, span)
        case s.Call(_, arguments):
            for argument in arguments:
                yield from _expression(argument.value, "")
        case s.Binary(_, left, right) | s.Compare(_, left, right):
            yield from _expression(left, sort)
            yield from _expression(right, sort)
        case s.Negative(value) | s.Not(value) | s.Spread(value):
            yield from _expression(value, sort)
        case s.Logic(_, items) | s.Tuple(items) | s.List(items):
            for item in items:
                yield from _expression(item, sort)
        case s.If(condition, then, otherwise):
            for part in (condition, then, otherwise):
                yield from _expression(part, sort)
        case _:
            pass
