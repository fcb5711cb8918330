"""Networks of `transformers`, built from a configuration with random weights."""

from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    ResNetConfig,
    ResNetForImageClassification,
    T5Config,
    T5EncoderModel,
    ViTConfig,
    ViTForImageClassification,
)


class Logits(nn.Module):
    """A model of `transformers` as a function of one tensor; an encoder gives its last states."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.model(x)[0]
        return out


def resnet18(classes: int = 1000) -> nn.Module:
    """Return ResNet-18."""
    widths = [64, 128, 256, 512]
    config = ResNetConfig(
        embedding_size=64, hidden_sizes=widths, depths=[2, 2, 2, 2], layer_type="basic", num_labels=classes
    )
    return ResNetForImageClassification(config)


def vit_tiny(classes: int = 1000, side: int = 14, depth: int = 12) -> nn.Module:
    """Return ViT-Ti/16 with the paper's eps."""
    config = ViTConfig(
        hidden_size=192,
        num_hidden_layers=depth,
        num_attention_heads=3,
        intermediate_size=768,
        image_size=16 * side,
        num_labels=classes,
        layer_norm_eps=1e-6,
    )
    return ViTForImageClassification(config)


def gpt2_small(vocab: int = 50257, context: int = 1024, depth: int = 12) -> nn.Module:
    """Return GPT-2 small, its first weights large enough for the two forms of GELU to differ."""
    return GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_positions=context, n_layer=depth, initializer_range=0.1))


def convnext_tiny(classes: int = 1000) -> nn.Module:
    """Return ConvNeXt-T with the paper's eps in every norm."""
    return ConvNextForImageClassification(ConvNextConfig(num_labels=classes, layer_norm_eps=1e-6))


def llama_1b(vocab: int = 128256, depth: int = 16) -> nn.Module:
    """Return Llama 3.2 1B."""
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=depth,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        max_position_embeddings=131072,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 5e5,
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    )
    return LlamaForCausalLM(config)


def mamba_130m(vocab: int = 50280, depth: int = 24) -> nn.Module:
    """Return Mamba 130M."""
    return MambaForCausalLM(MambaConfig(vocab_size=vocab, hidden_size=768, num_hidden_layers=depth))


def t5_encoder(vocab: int = 32128, depth: int = 6) -> nn.Module:
    """Return the encoder of T5 small."""
    return T5EncoderModel(T5Config(vocab_size=vocab, num_layers=depth))
