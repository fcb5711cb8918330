"""Where a language model comes from: any callable from a prompt to text, named, or a transformers model in a local folder.

Either writes what it likes, or under the grammar of a space.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from archc.grammar.diagnostics import CompileError
from archc.grammar.limits import Limits
from archc.lower.grammar_text import grammar_text
from archc.runtime.decode.constrain import Constraint, constraint
from archc.runtime.decode.generate import Writer as Loaded
from archc.runtime.decode.generate import load_writer
from archc.search.brought import BroughtError, brought, raised_by
from archc.spaces.sentences import MOST_EDGES, Sentences

if TYPE_CHECKING:
    import torch

LONGEST, LONGEST_KEPT = 800, 4_000
"""How many tokens a local model writes at most, where its context is long enough; the second under a grammar."""

LIMITS = Limits(rules=MOST_EDGES, alternatives=MOST_EDGES)


class Writer(Protocol):
    """A prompt -> what a language model writes behind it."""

    @property
    def is_constrained(self) -> bool:
        """Whether what it writes is under the grammar that it was made with."""

    def __call__(self, prompt: str) -> str:
        """Return what it writes."""


def writer(name: str, sentences: Sentences | None = None) -> Writer:
    """Return `python:module:callable` or `transformers:FOLDER`, kept to some sentences where it can be.

    Python code of the user runs here, and only where it is named so. Raises ValueError where there is no such writer.
    """
    kind, _, rest = name.partition(":")
    if kind == "transformers" and (Path(rest) / "config.json").is_file():
        return Local(Path(rest), sentences)
    if kind == "python":
        found = brought(rest)
        if callable(found):
            return Called(rest, found, sentences)
    wanted = "model=python:module:callable, or model=transformers:FOLDER with a model in it"
    raise ValueError(f"expected a language model, {wanted}; found model={name}")


@dataclass(frozen=True, eq=False)
class Called:
    """A callable of the user, from a prompt to text; one that takes `grammar` gets that as EBNF, or None without one."""

    name: str
    call: Callable[..., object]
    sentences: Sentences | None = None

    @cached_property
    def is_constrained(self) -> bool:
        """Whether it takes a grammar, and there is one."""
        return self._takes and self.sentences is not None

    def __call__(self, prompt: str) -> str:
        """Return what it writes. Raises BroughtError where it raises something, or what it returns is no text."""
        with raised_by(self.name):
            found = self.call(prompt, grammar=self._grammar) if self._takes else self.call(prompt)
        if not isinstance(found, str):
            raise BroughtError(f"expected {self.name} to return text, found {found!r:.100}")
        return found

    @cached_property
    def _takes(self) -> bool:
        try:
            known = signature(self.call).parameters.get("grammar")
        except (TypeError, ValueError):  # some callables in C have no signature
            return False
        return known is not None and known.kind in (known.POSITIONAL_OR_KEYWORD, known.KEYWORD_ONLY)

    @cached_property
    def _grammar(self) -> str | None:
        return None if self.sentences is None else grammar_text(self.sentences.grammar, "ebnf", LIMITS)


@dataclass(frozen=True, eq=False)
class Local:
    """A causal language model from files. What it writes depends on nothing but the prompt, of which it sees the end."""

    folder: Path
    sentences: Sentences | None = None

    @property
    def is_constrained(self) -> bool:
        """Whether there is a grammar, and an engine keeps the model to it; where none does, a warning says why."""
        return self._constraint is not None

    def __call__(self, prompt: str) -> str:
        """Return what the model writes. Raises CompileError as `load_writer` does where no model can be read."""
        import torch

        context = getattr(self._loaded.model.config, "max_position_embeddings", None)
        most = LONGEST if self._constraint is None else min(self._longest, LONGEST_KEPT)
        new = min(most, context * 3 // 4) if isinstance(context, int) else most
        ids = self._loaded.tokenizer.encode(prompt, add_special_tokens=False)
        ids = ids[new - context :] if isinstance(context, int) else ids
        seed = int.from_bytes(blake2b(prompt.encode(), digest_size=7).digest(), "big")
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._generated(torch.tensor([ids]), new)

    def _generated(self, ids: "torch.Tensor", new: int) -> str:
        import torch
        from transformers import LogitsProcessorList

        model, tokenizer, keeps = self._loaded.model, self._loaded.tokenizer, self._constraint
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        options: dict[str, object] = {"pad_token_id": pad}
        if keeps is not None:
            ends, processors = keeps.vocabulary.ends, LogitsProcessorList([keeps.logits_processor()])
            options = {"pad_token_id": ends[0], "eos_token_id": list(ends), "logits_processor": processors}
        ids = ids.to(model.device)
        rows = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=True, **options)
        made = rows[0][ids.shape[1] :]
        return str(tokenizer.decode(made, skip_special_tokens=True)) if keeps is None else keeps.text(made.tolist())

    @property
    def _longest(self) -> int:
        """More tokens than the longest text has, since each has a character at least and an end comes behind them."""
        assert self.sentences is not None
        return self.sentences.longest + 1

    @cached_property
    def _loaded(self) -> Loaded:
        return load_writer(self.folder)

    @cached_property
    def _constraint(self) -> Constraint | None:
        loaded = self._loaded
        if self.sentences is None:
            return None
        try:
            grammar = self.sentences.grammar
            return constraint(grammar, loaded.tokenizer, "xgrammar", ends=loaded.ends or None, limits=LIMITS)
        except CompileError as error:
            said = error.diagnostics[0].message
            text = (
                f"{self.folder} writes without the grammar of the space: {said}; `constrained=false` says so beforehand"
            )
            warnings.warn(text, stacklevel=2)
            return None
