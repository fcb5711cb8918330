"""Texts -> a small tokenizer and a small language model, made in seconds, for demonstrations and tests."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

    from archc.runtime.decode.model import Model

BEGIN, END, PAD = "<s>", "</s>", "<pad>"
BEGIN_NUMBER, PAD_NUMBER = 0, 2
"""The special tokens come first, in this order."""


def tiny_tokenizer(texts: Iterable[str], size: int) -> "PreTrainedTokenizerFast":
    """Return a byte-level tokenizer of about `size` tokens, those that are most use to write `texts`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[BEGIN, END, PAD], initial_alphabet=alphabet, show_progress=False
    )
    found.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
        tokenizer_object=found, bos_token=BEGIN, eos_token=END, pad_token=PAD
    )


def tiny_model(
    tokenizer: "PreTrainedTokenizerFast", *, width: int = 64, layers: int = 2, context: int = 1024, seed: int = 0
) -> "Model":
    """Return a Llama with random weights for this tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 32),
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # unannotated
    model.eval()
    return model


def trained(
    model: "Model",
    tokenizer: "PreTrainedTokenizerFast",
    texts: Sequence[str],
    *,
    steps: int,
    batch: int = 8,
    seed: int = 0,
) -> float:
    """Teach `model` to write `texts` from the begin token to the end token, and return its last loss."""
    import torch

    rows = [tokenizer.encode(f"{BEGIN}{text}{END}", add_special_tokens=False) for text in texts]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    chance = torch.Generator().manual_seed(seed)
    model.train()
    loss = float("inf")
    for _ in range(steps):
        chosen = torch.randint(len(rows), (batch,), generator=chance).tolist()
        ids, labels = _padded([rows[number] for number in chosen], PAD_NUMBER)
        out = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        out.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        loss = float(out.detach())
    model.eval()
    return loss


def _padded(rows: Sequence[Sequence[int]], pad: int) -> "tuple[torch.Tensor, torch.Tensor]":
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])
    labels = torch.tensor([[*row, *[-100] * (width - len(row))] for row in rows])
    return ids, labels
