"""Types of known sizes <-> nested tuples of whole numbers, which are quick to make, to compare and to look up."""

from collections.abc import Sequence

from archc.sizes.size import Size
from archc.spaces.arithmetic import Shape
from archc.tensor import Product, Tensor, Type

FLOAT = "Float"
MOST = (1 << 31) - 1
"""The largest size of an axis."""


class Parts(tuple["Shape | Parts", ...]):
    """The sizes of the parts of a tuple."""

    __slots__ = ()


Sized = Shape | Parts
"""The axes of a plain tensor of numbers, or what the parts of a tuple of such are."""


def sized(kind: Type) -> Sized | None:
    """Return the sizes of a type of plain tensors; None where a size is not known, or the rules must read it.

    A tuple of one stands for its only item as well, and is left to the rules, as is a tuple of none.
    """
    if isinstance(kind, Tensor):
        if kind.kind != FLOAT or kind.tags:
            return None
        found = [dim.constant if isinstance(dim, Size) else None for dim in kind.dims]
        sizes = tuple([size for size in found if size is not None])
        return sizes if len(sizes) == len(found) else None
    if not isinstance(kind, Product) or len(kind.items) < 2:
        return None
    parts = [sized(item) for item in kind.items]
    known = [part for part in parts if part is not None]
    return Parts(known) if len(known) == len(parts) else None


def type_of(sizes: Sized) -> Type:
    """Return the type of these sizes."""
    if isinstance(sizes, Parts):
        return Product(tuple(map(type_of, sizes)))
    return Tensor(tuple(map(Size.of, _whole(sizes))))


def _whole(sizes: Sized) -> Sequence[int]:
    return [size for size in sizes if isinstance(size, int)]
