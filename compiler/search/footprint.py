"""A network and a batch -> the memory that training takes, found on the meta device: nothing is computed or allocated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.graph import Graph
from archc.members import Member
from archc.search.parts import parts
from archc.search.tasks.inputs import random_inputs

if TYPE_CHECKING:
    import torch

MOMENTS = 2
"""Numbers that Adam keeps of each weight."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one step of training with Adam in float32: weights with buffers, gradients and moments, saved activations."""

    weights: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of them; what the operations take for themselves comes on top."""
        return self.weights + self.optimizer + self.activations


@dataclass(frozen=True, slots=True)
class Memory:
    """Refuses, in a search, networks whose training at a batch would take more than `high` bytes."""

    high: int
    batch: int = 64
    low: None = None

    @property
    def cost(self) -> str:
        """What is looked at."""
        return f"bytes of training at batch {self.batch}"

    def refuses(self, member: Member) -> str | None:
        """Return why a member is refused, None where it is not. Raises ValueError as `footprint` and `parts` do."""
        found = footprint(parts(member)[0].graph, self.batch).total
        return f"{self.cost} = {found}, at most {self.high} wanted" if found > self.high else None


def footprint(graph: Graph, batch: int) -> Footprint:
    """Return the memory of a training step. Raises ValueError where a size of the input is not known.

    Activations are those that torch saves for the backward pass, each storage once, without the weights.
    """
    import torch
    from torch.autograd.graph import saved_tensors_hooks

    from archc.lower.torch_module import to_module

    module = to_module(graph, device="meta").train()
    learned = sum(weight.numel() * weight.element_size() for weight in module.parameters())
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in module.buffers())
    own = {_storage(tensor) for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, torch.Tensor] = {}

    def save(tensor: torch.Tensor) -> torch.Tensor:
        saved.setdefault(_storage(tensor), tensor)
        return tensor

    inputs = random_inputs(graph, batch, "meta")
    with saved_tensors_hooks(save, lambda tensor: tensor):
        module(*inputs)
    activations = sum(t.untyped_storage().nbytes() for key, t in saved.items() if key not in own)
    return Footprint(learned + buffers, learned * (1 + MOMENTS), activations)


def _storage(tensor: "torch.Tensor") -> int:
    """Return what two tensors have in common that share their memory; on meta, all addresses are 0."""
    found: int = tensor.untyped_storage()._cdata
    return found
