"""A folder with a model of transformers, a constraint and a prompt -> a document."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.runtime.decode.vocabulary import not_installed

if TYPE_CHECKING:
    import torch
    from transformers import GenerationMixin, PreTrainedTokenizerBase

    from archc.runtime.decode.constrain import Constraint


@dataclass(frozen=True, eq=False)
class Writer:
    """A language model and its tokenizer; `ends` are the tokens after which it stops."""

    model: "GenerationMixin" = field(repr=False)
    tokenizer: "PreTrainedTokenizerBase" = field(repr=False)
    ends: tuple[int, ...]


def load_writer(path: Path) -> Writer:
    """Return the model in the folder `path`: weights are safetensors, no code of the folder is run, nothing downloaded.

    Raises CompileError: A0564 when transformers is not installed, A0566 when no model can be read there.
    """
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        raise not_installed("transformers") from None
    disable_progress_bar()
    try:
        if not (path / "config.json").is_file():
            raise OSError("there is no config.json in it")
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:160]
        text = f"no language model can be read from `{path}`: {reason}"
        hint = "a folder that save_pretrained wrote, with config.json, model.safetensors and tokenizer.json"
        raise CompileError([Diagnostic("A0566", text, hint=hint)]) from error
    ends = model.generation_config.eos_token_id
    found = (ends,) if isinstance(ends, int) else tuple(ends or ())
    own = tokenizer.eos_token_id
    return Writer(model.eval(), tokenizer, found or (() if own is None else (own,)))


def written(writer: Writer, constraint: "Constraint", prompt: str, *, most: int, seed: int | None) -> str:
    """Return the document that a model writes after `prompt`, of `most` tokens at most.

    It takes the likeliest token each time, or with a `seed` draws them. Raises CompileError (A0567) when the document is
    not over by then.
    """
    import torch

    begin = writer.tokenizer(prompt, return_tensors="pt").input_ids if prompt else _begin(writer)
    room = getattr(writer.model.config, "max_position_embeddings", None)
    most = most if room is None else min(most, room - begin.shape[1])
    tokens: list[int] = []
    if most > 0:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed or 0)
            rows = writer.model.generate(
                begin.to(writer.model.device),
                attention_mask=torch.ones_like(begin),
                max_new_tokens=most,
                do_sample=seed is not None,
                num_beams=1,
                eos_token_id=list(constraint.vocabulary.ends),
                pad_token_id=constraint.vocabulary.ends[0],
                logits_processor=[constraint.logits_processor()],
            )
        tokens = rows[0, begin.shape[1] :].tolist()
    if not tokens or tokens[-1] not in constraint.vocabulary.ends:
        text = f"the document is not over after {max(most, 0):,} tokens"
        full = room is not None and begin.shape[1] + most >= room
        hint = "a shorter prompt, or shorter bounds in the type" if full else f"--max-new-tokens {4 * max(most, 1)}"
        label = constraint.text(tokens)[-60:]
        raise CompileError([Diagnostic("A0567", text, label=f"it ends with {label!r}" if label else "", hint=hint)])
    return constraint.text(tokens)


def _begin(writer: Writer) -> "torch.Tensor":
    """Return what generation begins with where there is no prompt."""
    import torch

    begins = writer.tokenizer.bos_token_id
    return torch.tensor([[writer.ends[0] if begins is None and writer.ends else begins or 0]])
