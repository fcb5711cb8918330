"""Pictures in: the compiled examples have their originals' parameters and give their numbers."""

from pathlib import Path

import pytest
import torch
from reference import convolutional, hugging, renames, tokens
from reference.weights import compare, renamed, take_by_name, take_in_order, train
from torch import nn

import archc
from archc.sizes.size import Size

EXAMPLES = Path(__file__).parent.parent / "examples"

SIZES = {
    ("resnet18", "ResNet18"): 11_689_512,
    ("vit_tiny", "ViTTiny"): 5_717_416,
    ("mlp_mixer", "MlpMixer"): 59_880_472,
    ("efficientnet_b0", "EfficientNetB0"): 5_288_548,
    ("densenet121", "DenseNet121"): 7_978_856,
    ("convnext_tiny", "ConvNextTiny"): 28_589_128,
    ("unet", "UNet"): 31_037_698,
}


def compiled(example: str, model: str, **sizes: int) -> nn.Module:
    """Return the module of a model, its pictures of any size that the model leaves open."""
    return archc.load(EXAMPLES / f"{example}.arch")[model].module(**sizes)


def pictures(side: int = 64) -> torch.Tensor:
    """Return four pictures of noise, always the same."""
    torch.manual_seed(side)
    return torch.randn(4, 3, side, side)


@pytest.fixture(autouse=True)
def seed() -> None:
    """Make every test begin with the same chance."""
    torch.manual_seed(0)


@pytest.mark.parametrize(("example", "name"), SIZES)
def test_every_parameter_is_there(example: str, name: str) -> None:
    model = archc.load(EXAMPLES / f"{example}.arch")[name]
    module = model.module(at=(3, 224, 224), device="meta")
    assert sum(weight.numel() for weight in module.parameters()) == SIZES[example, name]
    assert model.summary(at=(3, 224, 224)).params == Size.of(SIZES[example, name])


def test_resnet18_is_the_one_of_transformers() -> None:
    ours, theirs = compiled("resnet18", "ResNet18", classes=10), hugging.resnet18(classes=10)
    train(hugging.Logits(theirs), pictures())
    take_by_name(ours, renamed(theirs, renames.RESNET18))
    compare(ours, hugging.Logits(theirs), pictures())


def test_vit_is_the_one_of_transformers() -> None:
    ours = compiled("vit_tiny", "ViTTiny", classes=10, side=4)
    theirs = hugging.vit_tiny(classes=10, side=4)
    train(hugging.Logits(theirs), pictures())
    take_by_name(ours, renamed(theirs, renames.VIT))
    compare(ours, hugging.Logits(theirs), pictures())


def test_convnext_is_the_one_of_transformers() -> None:
    ours, theirs = compiled("convnext_tiny", "ConvNextTiny", classes=10), hugging.convnext_tiny(classes=10)
    train(hugging.Logits(theirs), pictures(), steps=6, lr=1e-2)
    take_by_name(ours, renamed(theirs, renames.CONVNEXT))
    compare(ours, hugging.Logits(theirs), pictures())


@pytest.mark.parametrize(
    ("example", "name", "theirs"),
    [
        ("efficientnet_b0", "EfficientNetB0", convolutional.EfficientNetB0),
        ("densenet121", "DenseNet121", convolutional.DenseNet121),
        ("unet", "UNet", convolutional.UNet),
    ],
)
def test_a_convolutional_network_gives_the_numbers_of_plain_torch(
    example: str, name: str, theirs: type[nn.Module]
) -> None:
    sizes = {"classes": 10} if name != "UNet" else {"classes": 3, "c": 16}
    ours, reference = compiled(example, name, **sizes), theirs(**sizes)
    train(reference, pictures())
    take_in_order(ours, reference.state_dict().values())
    compare(ours, reference, pictures())


def test_mixer_gives_the_numbers_of_plain_torch() -> None:
    sizes = {"classes": 10, "side": 4, "d": 256, "depth": 4}
    ours, theirs = compiled("mlp_mixer", "MlpMixer", **sizes), tokens.MlpMixer(**sizes)
    train(theirs, pictures())
    take_in_order(ours, theirs.in_order())
    compare(ours, theirs, pictures())


def test_one_resnet_serves_pictures_of_several_sizes() -> None:
    ours, theirs = compiled("resnet18", "ResNet18", classes=10), hugging.resnet18(classes=10)
    train(hugging.Logits(theirs), pictures())
    take_by_name(ours, renamed(theirs, renames.RESNET18))
    for side in (224, 256, 64):
        compare(ours, hugging.Logits(theirs), pictures(side)[:2])


@pytest.mark.parametrize(
    ("shape", "part"), [((3, 100, 100), "100"), ((1, 64, 64), "1"), ((3, 64), "64")], ids=["size", "channels", "rank"]
)
def test_a_picture_of_the_wrong_shape_is_refused_with_its_size(shape: tuple[int, ...], part: str) -> None:
    module = compiled("resnet18", "ResNet18", classes=10)
    with pytest.raises(ValueError, match=part):
        module(torch.zeros(2, *shape))
