"""Functions on sizes and shapes that the checker knows, and lifting over runs of axes."""

from collections.abc import Callable, Mapping, Sequence

from archc.sizes.size import Size, maximum, minimum
from archc.tensor import Dim, Run
from archc.values import Interval, Items, Opaque, Shape, Value


class Undetermined(Exception):
    """A function on a shape asks for an axis that is hidden in a run; the text says which."""


def lift(function: Callable[[Size], Size], shape: Shape) -> Shape:
    """Return `shape` with `function` applied to each axis."""
    return Shape(
        tuple(Run(dim.name, function(dim.each)) if isinstance(dim, Run) else function(dim) for dim in shape.dims)
    )


def rank(shape: Shape) -> Size:
    """Return the number of axes; a run counts as the size variable `rank(s)`."""
    total = Size.of(0)
    for dim in shape.dims:
        total = total + (Size.var(f"rank({dim.name})") if isinstance(dim, Run) else Size.of(1))
    return total


def product(shape: Shape) -> Size:
    """Return the number of elements; a run counts as the size variable `prod(s)`."""
    total = Size.of(1)
    for dim in shape.dims:
        total = total * (Size.var(f"prod({dim})") if isinstance(dim, Run) else dim)
    return total


def axis_index(shape: Shape, axis: Size, extra: int = 0) -> int:
    """Return where `axis` (negative from the end) stands in `shape`; IndexError beyond it.

    Raises Undetermined where a run of axes hides it.
    """
    at = axis.constant
    count = len(shape.dims)
    if at is None:
        raise Undetermined(f"axis {axis}")
    runs = [place for place, dim in enumerate(shape.dims) if isinstance(dim, Run)]
    if at >= 0:
        if runs and at >= runs[0] + extra:
            raise Undetermined(f"axis {at}")
        if at >= count + extra:
            raise IndexError(at)
        return at
    if runs and count + at + extra <= runs[-1]:
        raise Undetermined(f"axis {at}")
    if at < -count - extra:
        raise IndexError(at)
    return count + at + extra


def get(shape: Shape, axis: Size) -> Size:
    """Return the size of one axis."""
    dim = shape.dims[axis_index(shape, axis)]
    assert not isinstance(dim, Run)
    return dim


def put(shape: Shape, axis: Size, value: Size) -> Shape:
    """Return `shape` with one axis resized."""
    at = axis_index(shape, axis)
    return Shape((*shape.dims[:at], value, *shape.dims[at + 1 :]))


def drop(shape: Shape, axis: Size) -> Shape:
    """Return `shape` without one axis."""
    at = axis_index(shape, axis)
    return Shape(shape.dims[:at] + shape.dims[at + 1 :])


def insert(shape: Shape, axis: Size, value: Size) -> Shape:
    """Return `shape` with a new axis of size `value` at `axis`."""
    at = axis_index(shape, axis, extra=1)
    return Shape((*shape.dims[:at], value, *shape.dims[at:]))


def fill(shape: Shape, value: Size) -> Shape:
    """Return `shape` with every axis set to `value`."""
    return lift(lambda _: value, shape)


def permuted(shape: Shape, order: Sequence[Size]) -> Shape:
    """Return the axes of `shape` in `order`; ValueError unless it names every axis once."""
    if any(isinstance(dim, Run) for dim in shape.dims):
        raise Undetermined(f"the order of {shape}")
    places = [entry.constant for entry in order]
    if sorted(place for place in places if place is not None) != list(range(len(shape.dims))):
        raise ValueError(f"the order names each of the {len(shape.dims)} axes once")
    return Shape(tuple(shape.dims[place] for place in places if place is not None))


def _size(value: Value) -> Size:
    if not isinstance(value, Size):
        raise TypeError("a whole number")
    return value


def _shape(value: Value) -> Shape:
    if not isinstance(value, Shape):
        raise TypeError("a shape")
    return value


def _sizes(value: Value) -> tuple[Size, ...]:
    if isinstance(value, Shape):
        return tuple(_size(dim) for dim in value.dims if not isinstance(dim, Run))
    if not isinstance(value, Items):
        raise TypeError("a list of whole numbers")
    return tuple(_size(entry) for entry in value.values)


def _sum(value: Value) -> Value:
    total = Size.of(0)
    for entry in _sizes(value):
        total = total + entry
    return total


def _log(value: Value) -> Value:
    if not isinstance(value, Interval):
        raise TypeError("a range, as in log(1e-4 .. 1e-1)")
    return Interval(value.low, value.high, value.step, logarithmic=True)


def _length(value: Value) -> Value:
    match value:
        case Items(values):
            return Size.of(len(values))
        case Shape():
            return rank(value)
        case _:
            raise TypeError("a list")


def _extreme(pick: Callable[..., Size]) -> Callable[..., Value]:
    def function(*values: Value) -> Value:
        if any(isinstance(value, (float, Opaque)) for value in values):
            raise TypeError("whole numbers")
        entries = _sizes(values[0]) if len(values) == 1 else tuple(_size(value) for value in values)
        return pick(*entries)

    return function


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "max": _extreme(maximum),
    "min": _extreme(lambda *sizes: _fold_min(sizes)),
    "rank": lambda value: rank(_shape(value)),
    "size": lambda value: product(_shape(value)),
    "prod": lambda value: product(Shape(_sizes(value)) if isinstance(value, Items) else _shape(value)),
    "get": lambda shape, axis: get(_shape(shape), _size(axis)),
    "set": lambda shape, axis, value: put(_shape(shape), _size(axis), _size(value)),
    "drop": lambda shape, axis: drop(_shape(shape), _size(axis)),
    "insert": lambda shape, axis, value: insert(_shape(shape), _size(axis), _size(value)),
    "fill": lambda shape, value: fill(_shape(shape), _size(value)),
    "perm": lambda shape, order: permuted(_shape(shape), _sizes(order)),
    "sum": _sum,
    "len": _length,
    "log": _log,
}
"""Functions that need no declaration. They raise TypeError, IndexError, ValueError or Undetermined with what they need."""


def _fold_min(sizes: Sequence[Size]) -> Size:
    least = sizes[0]
    for size in sizes[1:]:
        least = minimum(least, size)
    return least


def has_run(dims: Sequence[Dim]) -> bool:
    """Return whether a run of axes is among `dims`."""
    return any(isinstance(dim, Run) for dim in dims)
