"""Where a language model comes from: any callable from a prompt to text, named, or a transformers model in a local folder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from archc.runtime.decode.generate import Writer as Loaded
from archc.runtime.decode.generate import load_writer
from archc.search.brought import BroughtError, brought, raised_by

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
        found = brought(rest)
        if callable(found):
            return Called(rest, found)
    wanted = "model=python:module:callable, or model=transformers:FOLDER with a model in it"
    raise ValueError(f"expected a language model, {wanted}; found model={name}")


@dataclass(frozen=True, slots=True)
class Called:
    """A callable of the user, from a prompt to text."""

    name: str
    call: Callable[[str], object]

    def __call__(self, prompt: str) -> str:
        """Return what it writes. Raises BroughtError where it raises something, or what it returns is no text."""
        with raised_by(self.name):
            found = self.call(prompt)
        if not isinstance(found, str):
            raise BroughtError(f"expected {self.name} to return text, found {found!r:.100}")
        return found


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
