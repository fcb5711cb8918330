"""The input types of a graph -> a random batch."""

from typing import TYPE_CHECKING

from archc.graph import Graph
from archc.tensor import Tensor

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import Tensors

INT_BELOW = 8
"""Whole numbers without a bound are drawn below this."""


def random_inputs(graph: Graph, batch: int, device: "torch.device | str" = "cpu") -> "Tensors":
    """Return random tensors that the network takes. Raises ValueError where a size of the input is not known."""
    return tuple(_filled(entry.type, batch, device) for entry in graph.inputs)


def _filled(kind: Tensor, batch: int, device: "torch.device | str") -> "torch.Tensor":
    import torch

    shape = [batch]
    for size in kind.sizes:
        if size.constant is None:
            raise ValueError(f"expected a network of which every input size is known, found {kind}; take it at a type")
        shape.append(size.constant)
    match kind.kind:
        case "Float":
            return torch.randn(shape, device=device)
        case "Bool":
            return torch.rand(shape, device=device) < 0.5
        case _:
            below = kind.bound.constant if kind.bound is not None else None
            return torch.randint(INT_BELOW if below is None else below, shape, device=device)
