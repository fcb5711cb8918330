"""An op node's parameters, read at the type that its signature gives them."""

from archc.graph import OpNode
from archc.sizes.size import Size


def whole(node: OpNode, name: str) -> Size:
    """Return a parameter that is a size or an integer."""
    value = node[name]
    assert isinstance(value, Size), (node.op, name, value)
    return value


def integer(node: OpNode, name: str) -> int:
    """Return a parameter that decides the code itself, such as an axis, and so is always known."""
    value = whole(node, name).constant
    assert value is not None, (node.op, name, node[name])
    return value


def wholes(node: OpNode, name: str) -> tuple[Size, ...]:
    """Return a parameter that is a list of sizes."""
    value = node[name]
    assert isinstance(value, tuple), (node.op, name, value)
    sizes = tuple(item for item in value if isinstance(item, Size))
    assert len(sizes) == len(value), (node.op, name, value)
    return sizes


def real(node: OpNode, name: str) -> float:
    """Return a parameter that is a number; one written without a fraction is a float all the same."""
    value = node[name]
    if isinstance(value, Size) and value.constant is not None:
        return float(value.constant)
    assert isinstance(value, float), (node.op, name, value)
    return value


def flag(node: OpNode, name: str) -> bool:
    """Return a parameter that is `true` or `false`."""
    value = node[name]
    assert isinstance(value, bool), (node.op, name, value)
    return value


def word(node: OpNode, name: str) -> str:
    """Return a parameter that is one of a few strings."""
    value = node[name]
    assert isinstance(value, str), (node.op, name, value)
    return value


def dimension(axis: int) -> int:
    """Return torch's number of a sample's axis: the batch stands in front, and negative axes count from the end."""
    return axis if axis < 0 else axis + 1
