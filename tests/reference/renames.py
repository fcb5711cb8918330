"""What archc calls the weights of the networks of `transformers`: patterns of their names; an empty name is dropped."""

from collections.abc import Mapping

import torch
from torch import Tensor

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
    r"transformer\.h\.(\d+)\.attn\.c_attn\.": r"decoder.\1.self_attention.linear|linear_2|linear_3.",
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

MAMBA = {
    r"backbone\.embeddings\.": "embedding.",
    r"backbone\.layers\.(\d+)\.norm\.": r"repeat.\1.rms_norm.",
    r"backbone\.layers\.(\d+)\.mixer\.in_proj\.": r"repeat.\1.mamba.linear|linear_2.",
    r"backbone\.layers\.(\d+)\.mixer\.conv1d\.": r"repeat.\1.mamba.causal_conv.",
    r"backbone\.layers\.(\d+)\.mixer\.x_proj\.": r"repeat.\1.mamba.linear_3|linear_5|linear_6.",
    r"backbone\.layers\.(\d+)\.mixer\.dt_proj\.": r"repeat.\1.mamba.linear_4.",
    r"backbone\.layers\.(\d+)\.mixer\.(A_log|D)": r"repeat.\1.mamba.selective_scan.\2",
    r"backbone\.layers\.(\d+)\.mixer\.out_proj\.": r"repeat.\1.mamba.linear_7.",
    r"backbone\.norm_f\.": "rms_norm.",
    r"lm_head\.": "",
}

T5 = {
    r"shared\.": "embedding.",
    r"encoder\.embed_tokens\.": "",
    r"encoder\.block\.0\.layer\.0\.SelfAttention\.relative_attention_bias\.": "relative_bias.",
    r"encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.q\.": r"layer.\1.attention.linear.",
    r"encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.k\.": r"layer.\1.attention.linear_2.",
    r"encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.v\.": r"layer.\1.attention.linear_3.",
    r"encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.o\.": r"layer.\1.attention.linear_4.",
    r"encoder\.block\.(\d+)\.layer\.0\.layer_norm\.": r"layer.\1.rms_norm.",
    r"encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi\.": r"layer.\1.linear.",
    r"encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\.": r"layer.\1.linear_2.",
    r"encoder\.block\.(\d+)\.layer\.1\.layer_norm\.": r"layer.\1.rms_norm_2.",
    r"encoder\.final_layer_norm\.": "rms_norm.",
}


def apart(named: Mapping[str, Tensor], sizes: tuple[int, ...] = ()) -> dict[str, Tensor]:
    """Return `named` with the matrices cut that stand for several, named `a|b`; `sizes` are the rows of uneven ones."""
    found = {}
    for name, tensor in named.items():
        stem, _, leaf = name.rpartition(".")
        path, _, keys = stem.rpartition(".")
        parts = keys.split("|")
        if len(parts) == 1:
            found[name] = tensor
            continue
        rows = sizes if len(parts) == len(sizes) else len(tensor) // len(parts)
        for key, part in zip(parts, torch.split(tensor, rows), strict=True):
            found[f"{path}.{key}.{leaf}"] = part
    return found


def turned(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `named` with its matrices of linear layers in torch's orientation, which GPT-2's are not."""
    return {name: t.mT if "linear" in name and name.endswith(".weight") else t for name, t in named.items()}
