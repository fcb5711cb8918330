"""What a task trains on: three splits of samples, and what a network has to take and give."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Tensors = tuple[torch.Tensor, ...]
    View = Callable[[Tensors], Tensors]

NO_TARGET = -1
"""The target of a place that is not scored: a vertex of another split."""


@dataclass(frozen=True, slots=True)
class Split:
    """Samples along the first axis: what is kept of them, and their targets.

    `view` turns what is kept of some samples into what a network takes, so that composed pictures need not all be in
    memory. Targets have the shape of the network's output but for its last axis, that of the classes.
    """

    kept: "Tensors"
    targets: "torch.Tensor"
    view: "View | None" = None

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, numbers: "torch.Tensor", device: "torch.device") -> "tuple[Tensors, torch.Tensor]":
        """Return the inputs and the targets of some samples, on a device."""
        kept = tuple(tensor[numbers] for tensor in self.kept)
        inputs = kept if self.view is None else self.view(kept)
        return tuple(tensor.to(device) for tensor in inputs), self.targets[numbers].to(device)


@dataclass(frozen=True, slots=True)
class Data:
    """A data set. `takes` is the type of a network's input and `gives` that of its output, as .arch text."""

    name: str
    takes: str
    gives: str
    classes: int
    train: Split
    valid: Split
    test: Split


def resized(data: Data, size: int) -> Data:
    """Return the data with each picture of so many rows and columns. Raises ValueError where samples are no pictures."""
    import torch

    inputs, _ = data.train.batch(torch.arange(1), torch.device("cpu"))
    if len(inputs) != 1 or inputs[0].dim() != 4 or not inputs[0].is_floating_point():
        raise ValueError(f"the recipe: resolution = {size} is of pictures, and {data.name} has none")
    splits = [_resized(split, size) for split in (data.train, data.valid, data.test)]
    takes = f"[{inputs[0].shape[1]}, {size}, {size}]"
    return replace(data, takes=takes, train=splits[0], valid=splits[1], test=splits[2])


def _resized(split: Split, size: int) -> Split:
    from torch.nn import functional

    before = split.view

    def view(kept: "Tensors") -> "Tensors":
        (pictures,) = kept if before is None else before(kept)
        return (functional.interpolate(pictures, (size, size), mode="bilinear", antialias=True),)

    return replace(split, view=view)
