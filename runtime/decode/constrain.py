"""A data type and a tokenizer -> the constraint that keeps a language model inside the type."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.data.kinds import Schema
from archc.grammar.diagnostics import CompileError
from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Account, Forest
from archc.grammars.refine import forest
from archc.lower.dialect import DIALECTS, fitted, relaxes
from archc.lower.grammar_text import grammar_text
from archc.runtime.decode.engines import DIALECT, ENGINES, Engine, engine
from archc.runtime.decode.processor import Processor
from archc.runtime.decode.spelling import spelled
from archc.runtime.decode.state import State
from archc.runtime.decode.vocabulary import Vocabulary, vocabulary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, eq=False)
class Constraint:
    """What a model may write next, at any point of a document.

    `engine` keeps watch over the `grammar`, and `accounts` say which bounds it enforces and which are left to
    validation.
    """

    name: str
    engine: str
    grammar: str = field(repr=False)
    accounts: tuple[Account, ...] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    compiled: Engine = field(repr=False)

    def logits_processor(self) -> Processor:
        """Return a logits processor for transformers' generate, which begins anew with each call of that."""
        return Processor(self.start)

    def start(self) -> State:
        """Return the state of a document of which nothing is written."""
        return State(self.vocabulary, self.compiled.matcher())

    def mask(self, prefix: Sequence[int] = ()) -> "torch.Tensor":
        """Return, for each token, whether it may come after the tokens `prefix` of a document.

        Raises ValueError when `prefix` itself may not come.
        """
        import torch

        state = self.start()
        for at, token in enumerate(prefix):
            state = state.after(token)
            if state.is_dead:
                raise ValueError(f"token {token} may not come at {at}")
        return torch.from_numpy(state.allowed())

    def text(self, tokens: Sequence[int]) -> str:
        """Return what `tokens` write, up to the first end token; bytes that are no character become U+FFFD."""
        words = self.vocabulary
        end = next((at for at, token in enumerate(tokens) if token in words.ends), len(tokens))
        known = (words.tokens[token] for token in tokens[:end] if 0 <= token < len(words.tokens))
        return b"".join(known).decode("utf-8", "replace")

    def accepts(self, text: str) -> bool:
        """Whether `text` is a whole document of the grammar; what is left to validation is not looked at."""
        try:
            return self.compiled.accepts(text)
        except UnicodeEncodeError:
            return False


def constraint(
    of: Schema | Forest,
    tokenizer: "PreTrainedTokenizerBase",
    engine: str = "auto",
    *,
    ends: Sequence[int] | None = None,
    foreign: bool = False,
    limits: Limits = DEFAULT,
) -> Constraint:
    """Return the constraint that keeps a model with this tokenizer inside a type.

    The engine is `xgrammar`, `llguidance`, or chosen: xgrammar, unless llguidance enforces bounds that xgrammar is slow
    at. `ends` are the tokens that end a document, the tokenizer's own without. A type that is not the user's own is
    `foreign`: a child process with limits tries its grammar first. Raises ValueError for another engine, CompileError
    when the tokenizer cannot spell the type (A0560) or has no end (A0561), when an engine refuses the grammar (A0562),
    takes too much for it (A0563) or is not installed (A0564), and when the tokens cannot be read (A0565).
    """
    if engine not in ("auto", *ENGINES):
        raise ValueError(f"{engine!r} is no engine; there are auto, {', '.join(ENGINES)}")
    words = vocabulary(tokenizer, ends)
    whole = spelled(of if isinstance(of, Forest) else forest(of), words.alphabet)
    if engine != "auto":
        return _by(engine, whole, words, foreign=foreign, limits=limits)
    if not relaxes(whole, DIALECTS["ebnf"]):
        return _by("xgrammar", whole, words, foreign=foreign, limits=limits)
    try:
        return _by("llguidance", whole, words, foreign=foreign, limits=limits)
    except CompileError as error:
        if {found.code for found in error.diagnostics} - {"A0562", "A0563", "A0564"}:
            raise
        return _by("xgrammar", whole, words, foreign=foreign, limits=limits)


def _by(name: str, whole: Forest, words: Vocabulary, *, foreign: bool, limits: Limits) -> Constraint:
    dialect = DIALECT[name]
    grammar = grammar_text(whole, dialect, limits)
    if foreign:
        from archc.runtime.decode.trial import tried

        tried(name, grammar, words)
    accounts = fitted(whole, DIALECTS[dialect], limits).accounts
    return Constraint(whole.states[whole.root].name, name, grammar, accounts, words, engine(name, grammar, words))
