"""Networks of `transformers`, built from a configuration with random weights, and the names archc gives their weights."""

from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)


class Logits(nn.Module):
    """A model of `transformers` as a function of one tensor."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.model(x).logits
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
    """Return GPT-2 small."""
    return GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_positions=context, n_layer=depth))


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


# Patterns of their names, and what archc calls the same weight; an empty name is dropped.
RESNET18 = {
    r"resnet\.embedder\.embedder\.convolution\.": "conv.",
    r"resnet\.embedder\.embedder\.normalization\.": "batch_norm.",
    r"resnet\.encoder\.stages\.0\.layers\.(\d)\.layer\.0\.convolution\.": r"basic.\1.conv.",
    r"resnet\.encoder\.stages\.0\.layers\.(\d)\.layer\.0\.normalization\.": r"basic.\1.batch_norm.",
    r"resnet\.encoder\.stages\.0\.layers\.(\d)\.layer\.1\.convolution\.": r"basic.\1.conv_2.",
    r"resnet\.encoder\.stages\.0\.layers\.(\d)\.layer\.1\.normalization\.": r"basic.\1.batch_norm_2.",
    **{
        rf"resnet\.encoder\.stages\.{stage}\.layers\.{layer}\.{theirs}\.{kind}\.": f"stage.{stage - 1}.{block}.{ours}."
        for stage in (1, 2, 3)
        for layer, block in enumerate(("basic", "basic_2"))
        for theirs, kind, ours in (
            (r"layer\.0", "convolution", "conv"),
            (r"layer\.0", "normalization", "batch_norm"),
            (r"layer\.1", "convolution", "conv_2"),
            (r"layer\.1", "normalization", "batch_norm_2"),
            ("shortcut", "convolution", "conv_3"),
            ("shortcut", "normalization", "batch_norm_3"),
        )
    },
    r"classifier\.1\.": "linear.",
}

VIT = {
    r"vit\.embeddings\.patch_embeddings\.projection\.": "conv.",
    r"vit\.embeddings\.cls_token": "prepend_token.weight",
    r"vit\.embeddings\.position_embeddings": "pos_learned.weight",
    r"vit\.layers\.(\d+)\.layernorm_before\.": r"encoder.\1.layer_norm.",
    r"vit\.layers\.(\d+)\.attention\.q_proj\.": r"encoder.\1.self_attention.linear.",
    r"vit\.layers\.(\d+)\.attention\.k_proj\.": r"encoder.\1.self_attention.linear_2.",
    r"vit\.layers\.(\d+)\.attention\.v_proj\.": r"encoder.\1.self_attention.linear_3.",
    r"vit\.layers\.(\d+)\.attention\.o_proj\.": r"encoder.\1.self_attention.linear_4.",
    r"vit\.layers\.(\d+)\.layernorm_after\.": r"encoder.\1.layer_norm_2.",
    r"vit\.layers\.(\d+)\.mlp\.fc1\.": r"encoder.\1.mlp.linear.",
    r"vit\.layers\.(\d+)\.mlp\.fc2\.": r"encoder.\1.mlp.linear_2.",
    r"vit\.layernorm\.": "layer_norm.",
    r"classifier\.": "linear.",
}

GPT2 = {
    r"transformer\.wte\.": "embedding.",
    r"transformer\.wpe\.": "pos_learned.",
    r"transformer\.h\.(\d+)\.ln_1\.": r"decoder.\1.layer_norm.",
    r"transformer\.h\.(\d+)\.attn\.c_attn\.": r"decoder.\1.self_attention.qkv.",
    r"transformer\.h\.(\d+)\.attn\.c_proj\.": r"decoder.\1.self_attention.linear_4.",
    r"transformer\.h\.(\d+)\.ln_2\.": r"decoder.\1.layer_norm_2.",
    r"transformer\.h\.(\d+)\.mlp\.c_fc\.": r"decoder.\1.linear.",
    r"transformer\.h\.(\d+)\.mlp\.c_proj\.": r"decoder.\1.linear_2.",
    r"transformer\.ln_f\.": "layer_norm.",
    r"lm_head\.": "",
}

CONVNEXT = {
    r"convnext\.embeddings\.patch_embeddings\.": "conv.",
    r"convnext\.embeddings\.layernorm\.": "channel_norm.layer_norm.",
    **{
        rf"convnext\.encoder\.stages\.{stage}\.layers\.(\d+)\.{theirs}": (
            (rf"stage.{stage - 1}." if stage else "") + rf"cell.\1.{ours}"
        )
        for stage in range(4)
        for theirs, ours in (
            (r"dwconv\.", "depthwise."),
            (r"layernorm\.", "layer_norm."),
            (r"pwconv1\.", "mlp.linear."),
            (r"pwconv2\.", "mlp.linear_2."),
            ("layer_scale_parameter", "layer_scale.weight"),
        )
    },
    **{
        rf"convnext\.encoder\.stages\.{stage}\.downsampling_layer\.{theirs}\.": f"stage.{stage - 1}.{ours}."
        for stage in (1, 2, 3)
        for theirs, ours in ((0, "channel_norm.layer_norm"), (1, "conv"))
    },
    r"convnext\.layernorm\.": "layer_norm.",
    r"classifier\.": "linear.",
}

LLAMA = {
    r"model\.embed_tokens\.": "embedding.",
    r"model\.layers\.(\d+)\.input_layernorm\.": r"layer.\1.rms_norm.",
    r"model\.layers\.(\d+)\.self_attn\.q_proj\.": r"layer.\1.attention.linear.",
    r"model\.layers\.(\d+)\.self_attn\.k_proj\.": r"layer.\1.attention.linear_2.",
    r"model\.layers\.(\d+)\.self_attn\.v_proj\.": r"layer.\1.attention.linear_3.",
    r"model\.layers\.(\d+)\.self_attn\.o_proj\.": r"layer.\1.attention.linear_4.",
    r"model\.layers\.(\d+)\.post_attention_layernorm\.": r"layer.\1.rms_norm_2.",
    r"model\.layers\.(\d+)\.mlp\.gate_proj\.": r"layer.\1.swi_glu.linear.",
    r"model\.layers\.(\d+)\.mlp\.up_proj\.": r"layer.\1.swi_glu.linear_2.",
    r"model\.layers\.(\d+)\.mlp\.down_proj\.": r"layer.\1.swi_glu.linear_3.",
    r"model\.norm\.": "rms_norm.",
    r"lm_head\.": "",
}


def gpt2_weights(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return GPT-2's weights with queries, keys and values apart, and its matrices turned to torch's orientation."""
    found = {}
    for name, tensor in named.items():
        stem, leaf = name.rsplit(".", 1)
        turned = tensor.mT if leaf == "weight" and "linear" in name or name.endswith("qkv.weight") else tensor
        if not stem.endswith(".qkv"):
            found[name] = turned
            continue
        for key, part in zip(("linear", "linear_2", "linear_3"), turned.chunk(3), strict=True):
            found[f"{stem.removesuffix('qkv')}{key}.{leaf}"] = part
    return found
