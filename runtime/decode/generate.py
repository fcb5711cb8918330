"""A folder with a model of transformers, a constraint and a prompt -> a document."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.runtime.decode.vocabulary import not_installed

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from archc.runtime.decode.constrain import Constraint
    from archc.runtime.decode.model import Model


@dataclass(frozen=True, eq=False)
class Writer:
    """A language model and its tokenizer; `ends` are the tokens after which it stops."""

    model: "Model" = field(repr=False)
    tokenizer: "PreTrainedTokenizerBase" = field(repr=False)
    ends: tuple[int, ...]


def load_writer(path: Path) -> Writer:
    """Return the model in the folder `path`: weights are safetensors, no code of the folder is run, nothing downloaded.

    Raises CompileError: A0564 when transformers is not installed, A0566 when no model can be read there.
    """
    try:
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        raise not_installed("transformers") from None
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    # What the parts of transformers raise at a folder that is torn, or was written by hand.
    torn = (SafetensorError, StrictDataclassError, ArithmeticError, AssertionError, AttributeError, ImportError)
    try:
        if not (path / "config.json").is_file():
            raise OSError("there is no config.json in it" if path.is_dir() else "it is no folder")
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        loaded: tuple[Model, dict[str, list[str]]] = AutoModelForCausalLM.from_pretrained(  # type: ignore[assignment]  # annotated by a mere stand-in
            path, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
        model = loaded[0]
        if missing := sorted(loaded[1]["missing_keys"]):
            raise OSError(f"its weights lack {missing[0]}" + f" and {len(missing) - 1} more" * (len(missing) > 1))
    except (OSError, ValueError, LookupError, RuntimeError, TypeError, *torn) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:160]
        text = f"no language model can be read from `{path}`: {reason}"
        hint = "a folder that save_pretrained wrote, with config.json, model.safetensors and tokenizer.json"
        raise CompileError([Diagnostic("A0566", text, hint=hint)]) from error
    model.eval()
    ends = getattr(model.generation_config, "eos_token_id", None)
    return Writer(model, tokenizer, _numbers(ends) or _numbers(tokenizer.eos_token_id))


def _numbers(ids: object) -> tuple[int, ...]:
    found = ids if isinstance(ids, list | tuple) else [ids]
    return tuple(number for number in found if isinstance(number, int))


def written(writer: Writer, constraint: "Constraint", prompt: str, *, most: int, seed: int | None) -> str:
    """Return the document that a model writes after `prompt`, of `most` tokens at most.

    It takes the likeliest token each time, or with a `seed` draws them. Raises CompileError (A0567) when the document is
    not over by then.
    """
    import torch
    from transformers import LogitsProcessorList

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
                logits_processor=LogitsProcessorList([constraint.logits_processor()]),
            )
        tokens = rows[0, begin.shape[1] :].tolist()
    if not tokens or tokens[-1] not in constraint.vocabulary.ends:
        is_full = room is not None and begin.shape[1] + most >= room
        raise unfinished(max(most, 0), constraint.text(tokens), is_full=is_full)
    return constraint.text(tokens)


def unfinished(tokens: int, text: str, *, is_full: bool = False) -> CompileError:
    """Return the complaint that a document is not over; `is_full` when the model can read no more."""
    hint = "a shorter prompt, or shorter bounds in the type" if is_full else f"--max-new-tokens {4 * max(tokens, 1)}"
    label = f"it ends with {text[-60:]!r}" if text else ""
    return CompileError(
        [Diagnostic("A0567", f"the document is not over after {tokens:,} tokens", label=label, hint=hint)]
    )


def _begin(writer: Writer) -> "torch.Tensor":
    """Return what generation begins with where there is no prompt."""
    import torch

    begins = writer.tokenizer.bos_token_id
    return torch.tensor([[writer.ends[0] if begins is None and writer.ends else begins or 0]])
