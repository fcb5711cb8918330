"""One operation's output, handed to the emitter where there is one."""

from collections.abc import Mapping

from archc.grammar import syntax as s
from archc.grammar.source import Span
from archc.graph import Pattern, Static
from archc.rules.qualify import carry
from archc.rules.session import Session, Site
from archc.shapes import Undetermined
from archc.sizes.size import Size
from archc.tensor import Run, Tensor, Type
from archc.values import ARCHITECTURES, Definition, Flow, Items, Opaque, Shape, Value, flow


def emit(
    session: Session,
    definition: Definition,
    values: Mapping[str, Value | Pattern],
    into: Flow,
    output: Type,
    site: Site,
    names: Mapping[str, Value] | None = None,
) -> Flow:
    """Return the output of an operation on `into`, of the type that its rule found, or else its signature with `names`."""
    kind = definition.declaration.type
    signed = _carried(kind, into, output, site.span) if names is not None and isinstance(kind, s.TypeArrow) else None
    origins = signed or trace(into, output, site.span)
    output = carry(session, definition, values if names is None else names, into, output, site.span)
    if session.emitter is None:
        made = flow(output, site.span)
        return Flow(made.type, made.parts, None, origins) if isinstance(output, Tensor) else made
    attributes = tuple((key, static(value)) for key, value in values.items() if not isinstance(value, ARCHITECTURES))
    made = session.emitter.op(definition.name, attributes, into, output, site)
    return Flow(made.type, made.parts, made.handle, origins)


def _carried(kind: s.TypeArrow, into: Flow, output: Type, span: Span) -> tuple[Span | None, ...] | None:
    """Return for each axis of `output` the text that set it, where the signature says which axes pass through."""
    source, target = kind.source, kind.target
    if not isinstance(source, s.TypeList) or not isinstance(target, s.TypeList) or not isinstance(output, Tensor):
        return None
    length = len(into.origins) - len(source.dims) + 1
    passed: dict[str, tuple[Span | None, ...]] = {}
    at = 0
    for dim in source.dims:
        inner = dim.value if isinstance(dim, s.DimRest) else dim
        step = length if isinstance(dim, s.DimRest) else 1
        if isinstance(inner, s.Ref):
            passed[inner.name] = into.origins[at : at + step]
        at += step
    found: list[Span | None] = []
    for dim in target.dims:
        inner = dim.value if isinstance(dim, s.DimRest) else dim
        if isinstance(inner, s.Ref) and inner.name in passed:
            found.extend(passed[inner.name])
        elif isinstance(dim, s.DimRest):
            return None
        else:
            found.append(span)
    return tuple(found) if len(found) == len(output.dims) else None


def static(value: Value | Pattern) -> Static:
    """Return `value` as a graph keeps it."""
    match value:
        case Size() | float() | bool() | str() | Pattern():
            return value
        case Items(values):
            return tuple(static(entry) for entry in values)
        case Shape(dims):
            return tuple(dim for dim in dims if not isinstance(dim, Run))
        case Opaque(name):
            raise Undetermined(name)
        case _:
            raise AssertionError(value)


def trace(into: Flow, output: Type, span: Span) -> tuple[Span | None, ...]:
    """Return for each axis of `output` the text that set its size: an axis that passes through keeps its origin."""
    if not isinstance(output, Tensor):
        return ()
    source = into.type
    if not isinstance(source, Tensor) or len(into.origins) != len(source.dims):
        return (span,) * len(output.dims)
    if len(source.dims) == len(output.dims):
        pairs = zip(source.dims, output.dims, into.origins, strict=True)
        return tuple(origin if one == other else span for one, other, origin in pairs)
    by_size = dict(zip(source.dims, into.origins, strict=True))
    return tuple(by_size.get(dim, span) for dim in output.dims)
