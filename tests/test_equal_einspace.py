"""The four seed networks of einspace: parameters and numbers."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from reference import einspace
from reference.weights import compare, take_in_order, train
from torch import Tensor, nn

import archc
from archc.sizes.size import Size

SEEDS = Path(__file__).parent.parent / "examples" / "einspace_seeds.arch"

NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, tuple[int, ...]]] = {
    "ResNet18NoMaxPool": (einspace.resnet18_no_maxpool, 11_210_560, (512, 4, 4)),
    "WideResNet16x4": (einspace.wideresnet16_4, 2_748_576, (256, 16, 16)),
    "TransformerSeed": (einspace.transformer, 4_367_872, (256, 512)),
    "MlpMixerSeed": (einspace.mlp_mixer, 6_472_192, (256, 512)),
}


def weights(network: nn.Module) -> Iterable[Tensor]:
    """Return the weights of a seed as the program reads."""
    return network.in_order() if isinstance(network, einspace.Tokens) else network.state_dict().values()


@pytest.fixture(autouse=True)
def seed() -> None:
    """Make every test begin with the same chance."""
    torch.manual_seed(0)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_is_there(name: str) -> None:
    model = archc.load(SEEDS)[name]
    module = model.module(device="meta")
    assert sum(weight.numel() for weight in module.parameters()) == NETWORKS[name][1]
    assert model.summary().params == Size.of(NETWORKS[name][1])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_gives_the_numbers_of_plain_torch(name: str) -> None:
    build, _, shape = NETWORKS[name]
    ours, theirs = archc.load(SEEDS)[name].module(), build()
    pictures = torch.randn(2, 3, 64, 64)
    train(theirs, pictures, steps=6)
    take_in_order(ours, weights(theirs))
    compare(ours, theirs, pictures)
    assert ours(pictures).shape == (2, *shape)
