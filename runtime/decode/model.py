"""What archc asks of a language model of transformers."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class Output(Protocol):
    """What a model says to tokens and labels."""

    loss: "torch.Tensor"


class Model(Protocol):
    """A causal language model of transformers, whose own annotations leave most of this open."""

    config: object
    generation_config: object

    @property
    def device(self) -> "torch.device":
        """Where its weights are."""

    def generate(self, inputs: "torch.Tensor", **options: object) -> "torch.Tensor":
        """Return `inputs` with what the model writes after them."""

    def __call__(self, **inputs: "torch.Tensor") -> Output:
        """Return what the model says to `input_ids` and `labels`."""

    def parameters(self) -> Iterator["torch.nn.Parameter"]:
        """Return the weights."""

    def train(self) -> object:
        """Go over to training."""

    def eval(self) -> object:
        """Go over from training to use."""

    def save_pretrained(self, folder: Path) -> object:
        """Write the model to `folder`."""
