"""Where a language model comes from: any callable from a prompt to text, named, or a transformers model in a local folder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

from archc.runtime.decode.generate import Writer as Loaded
from archc.runtime.decode.generate import load_writer

Writer = Callable[[str], str]
"""A prompt -> what a language model writes behind it."""

LONGEST = 800
"""How many tokens a local model writes at most, where its context is long enough."""


def writer(name: str) -> Writer:
    """Return `python:module:callable` or `transformers:FOLDER`.

    Python code of the user runs here, and only where it is named so. Raises ValueError where there is no such writer.
    """
    kind, _, rest = name.partition(":")
    if kind == "transformers" and (Path(rest) / "config.json").is_file():
        return Local(Path(rest))
    if kind == "python":
        module, _, attribute = rest.partition(":")
        try:
            found: object = getattr(import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"{name} is not there: {error}") from None
        if callable(found):
            return found
    wanted = "python:module:callable, or transformers:FOLDER with a model in it"
    raise ValueError(f"expected a language model, {wanted}; found {name!r}")


@dataclass(slots=True)
class Local:
    """A causal language model from files. What it writes depends on nothing but the prompt, of which it sees the end."""

    folder: Path
    _loaded: "Loaded | None" = field(default=None, repr=False)

    def __call__(self, prompt: str) -> str:
        """Return what the model writes. Raises CompileError as `load_writer` does where no model can be read."""
        import torch

        loaded = self._loaded = self._loaded or load_writer(self.folder)
        model, tokenizer = loaded.model, loaded.tokenizer
        context = getattr(model.config, "max_position_embeddings", None)
        new = min(LONGEST, context * 3 // 4) if isinstance(context, int) else LONGEST
        ids = tokenizer.encode(prompt, add_special_tokens=False)
        ids = ids[new - context :] if isinstance(context, int) else ids
        seed = int.from_bytes(blake2b(prompt.encode(), digest_size=7).digest(), "big")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            rows = model.generate(
                torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                max_new_tokens=new,
                do_sample=True,
                pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
            )
        return str(tokenizer.decode(rows[0][len(ids) :], skip_special_tokens=True))
