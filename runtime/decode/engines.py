"""Grammar text and a vocabulary -> what may come next, asked of xgrammar or llguidance in the same words."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.runtime.decode.vocabulary import Vocabulary, not_installed

if TYPE_CHECKING:
    import torch
    import xgrammar
    from llguidance import LLMatcher, LLTokenizer

ENGINES = ("xgrammar", "llguidance")
DIALECT = {"xgrammar": "ebnf", "llguidance": "lark"}


class Matcher(Protocol):
    """A text so far, as one engine sees it."""

    def fill(self, mask: "torch.Tensor") -> None:
        """Set the bits of the tokens that may come next in the only row of `mask`."""

    def accept(self, token: int) -> bool:
        """Go on by `token`; return False, and stay where it was, when the token may not come."""

    def fork(self) -> "Matcher":
        """Return the same text, to be gone on with by itself."""


class Engine(Protocol):
    """A grammar, compiled for one vocabulary."""

    def matcher(self) -> Matcher:
        """Return the empty text."""

    def accepts(self, text: str) -> bool:
        """Whether `text` is derived, whatever the tokens are."""


def engine(name: str, grammar: str, words: Vocabulary) -> Engine:
    """Return `grammar` compiled by the engine of that name.

    Raises CompileError: A0562 when the engine refuses the grammar, A0564 when it is not installed.
    """
    return _Xgrammar(grammar, words) if name == "xgrammar" else _Llguidance(grammar, words)


def refused(name: str, said: str) -> CompileError:
    """Return the complaint that an engine does not take a grammar."""
    lines = [line for line in said.splitlines() if line.strip()] or ["no reason given"]
    hint = f'engine="{ENGINES[name == "xgrammar"]}"'
    return CompileError([Diagnostic("A0562", f"{name} does not take this grammar: {lines[0][:200]}", hint=hint)])


# ---------------------------------------------------------------- xgrammar
class _Xgrammar:
    def __init__(self, grammar: str, words: Vocabulary) -> None:
        try:
            self._compiled = _xgrammar_compiler(words).compile_grammar(grammar)
        except RuntimeError as error:
            raise refused("xgrammar", str(error)) from error

    def matcher(self) -> Matcher:
        from xgrammar import GrammarMatcher

        return _XgrammarMatcher(GrammarMatcher(self._compiled))

    def accepts(self, text: str) -> bool:
        from xgrammar import GrammarMatcher

        matcher = GrammarMatcher(self._compiled, terminate_without_stop_token=True)
        return bool(text) and matcher.accept_string(text.encode()) and matcher.is_completed()


@lru_cache(maxsize=8)
def _xgrammar_compiler(words: Vocabulary) -> "xgrammar.GrammarCompiler":
    try:
        import xgrammar
    except ImportError:
        raise not_installed("xgrammar") from None
    info = xgrammar.TokenizerInfo(list(words.tokens), vocab_size=len(words.tokens), stop_token_ids=list(words.ends))
    return xgrammar.GrammarCompiler(info, max_threads=min(8, os.cpu_count() or 1), cache_enabled=False)


class _XgrammarMatcher:
    __slots__ = ("_matcher",)

    def __init__(self, matcher: "xgrammar.GrammarMatcher") -> None:
        self._matcher = matcher

    def fill(self, mask: "torch.Tensor") -> None:
        self._matcher.fill_next_token_bitmask(mask)

    def accept(self, token: int) -> bool:
        return self._matcher.accept_token(token)

    def fork(self) -> Matcher:
        return _XgrammarMatcher(self._matcher.fork())


# ---------------------------------------------------------------- llguidance
class _Llguidance:
    def __init__(self, grammar: str, words: Vocabulary) -> None:
        try:
            from llguidance import LLMatcher
        except ImportError:
            raise not_installed("llguidance") from None
        self._grammar = grammar
        self._first = LLMatcher(_llguidance_tokenizer(words), grammar, log_level=0)
        if self._first.is_error():
            raise refused("llguidance", self._first.get_error())

    def matcher(self) -> Matcher:
        return _LlguidanceMatcher(self._first.deep_copy())

    def accepts(self, text: str) -> bool:
        from llguidance import LLMatcher

        matcher = LLMatcher(_bytes_tokenizer(), self._grammar, log_level=0)
        tokens = list(text.encode())
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@lru_cache(maxsize=8)
def _llguidance_tokenizer(words: Vocabulary) -> "LLTokenizer":
    from llguidance import LLTokenizer, TokenizerWrapper

    rust = words.rust() if words.rust is not None else None
    if rust is not None:
        found = LLTokenizer(rust, n_vocab=len(words.tokens), eos_token=list(words.ends))
        if all(found.is_special_token(number) for number, token in enumerate(words.tokens) if not token):
            return found  # asks no Python how to cut text that is fixed, which takes a third of the time
    return LLTokenizer(TokenizerWrapper(_Tokens(words)), n_vocab=len(words.tokens), eos_token=list(words.ends))


@lru_cache(maxsize=1)
def _bytes_tokenizer() -> "LLTokenizer":
    from llguidance import LLTokenizer

    return LLTokenizer("byte")


class _Tokens:
    """A tokenizer as llguidance asks for one, which writes text that is fixed in the tokens that it is given here."""

    def __init__(self, words: Vocabulary) -> None:
        self.eos_token_id = words.ends[0]
        self.bos_token_id = None
        self.tokens = list(words.tokens)
        self.special_token_ids = [number for number, token in enumerate(words.tokens) if not token]
        self._words = words

    def __call__(self, text: bytes) -> list[int]:
        return self._words.encoded(text)


class _LlguidanceMatcher:
    __slots__ = ("_matcher",)

    def __init__(self, matcher: "LLMatcher") -> None:
        self._matcher = matcher

    def fill(self, mask: "torch.Tensor") -> None:
        self._matcher.unsafe_compute_mask_ptr(mask.data_ptr(), mask.numel() * mask.element_size())
        if self._matcher.is_error():
            raise refused("llguidance", self._matcher.get_error())

    def accept(self, token: int) -> bool:
        return self._matcher.try_consume_tokens([token]) == 1

    def fork(self) -> Matcher:
        return _LlguidanceMatcher(self._matcher.deep_copy())
