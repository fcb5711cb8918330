"""A tokenizer of transformers -> the bytes that each of its tokens writes."""

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary, ref

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.regular.language import ALL, ANY, Chars, chars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import PreTrainedTokenizerBase

INSTALL = "pip install 'archc[decode]'"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What each token writes: nothing for one that stands for something else. `ends` are those that end a text."""

    tokens: tuple[bytes, ...] = field(repr=False)
    ends: tuple[int, ...]
    usual: "Callable[[str], Sequence[int]] | None" = field(default=None, repr=False)
    """How a text is usually cut into tokens."""
    rust: "Callable[[], str | None] | None" = field(default=None, repr=False)
    """The tokenizer as the library tokenizers writes it down, where it is one of that."""

    @cached_property
    def alphabet(self) -> Chars:
        """The characters that can be written, each by a token of its own or byte by byte."""
        single = {token for token in self.tokens if token}
        if all(bytes([code]) in single for code in range(0x80)) and _all_longer(single):
            return ANY
        spans: list[tuple[int | str, int | str]] = []
        for token in single:
            try:
                text = token.decode()
            except UnicodeDecodeError:
                continue
            spans += [(text, text)] if len(text) == 1 else []
        spans += [(low, high) for low, high in ALL[1:] if _all_longer(single)]
        spans += [(0x80, ALL[0][1])] if _all_longer(single) else []
        return chars(*spans)

    def encoded(self, text: bytes) -> list[int]:
        """Return tokens that write `text`, in the usual way where that writes just this, else the longest first.

        Bytes that no token writes are left out.
        """
        if self.usual is not None:
            found = list(self.usual(text.decode("utf-8", "replace")))
            if b"".join(self.tokens[token] for token in found if token < len(self.tokens)) == text:
                return found
        found, at = [], 0
        while at < len(text):
            sizes = range(min(self._longest, len(text) - at), 0, -1)
            size = next((size for size in sizes if text[at : at + size] in self._numbers), 0)
            found += [self._numbers[text[at : at + size]]] if size else []
            at += size or 1
        return found

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {token: number for number, token in reversed([*enumerate(self.tokens)]) if token}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens))


def _all_longer(single: set[bytes]) -> bool:
    return all(bytes([code]) in single for code in (*range(0x80, 0xC0), *range(0xC2, 0xF5)))


_known: "WeakKeyDictionary[PreTrainedTokenizerBase, dict[tuple[int, ...], Vocabulary]]" = WeakKeyDictionary()


def vocabulary(tokenizer: "PreTrainedTokenizerBase", ends: "Sequence[int] | None" = None) -> Vocabulary:
    """Return the tokens of `tokenizer`; `ends` are those after which generation stops, its own end token without.

    Raises CompileError: A0561 when it has no end token, A0564 when the engines are not installed, A0565 when its
    tokens cannot be read.
    """
    found = tuple(ends) if ends is not None else ends_of(tokenizer)
    known = _known.setdefault(tokenizer, {})
    key = (len(tokenizer), *found)
    if key not in known:
        tokens = _tokens(tokenizer, found)
        known[key] = Vocabulary(tokens, found, partial(_usual, ref(tokenizer)), partial(_rust, ref(tokenizer)))
    return known[key]


def _usual(tokenizer: "ref[PreTrainedTokenizerBase]", text: str) -> list[int]:
    known = tokenizer()
    return [] if known is None else known.encode(text, add_special_tokens=False)


def _rust(tokenizer: "ref[PreTrainedTokenizerBase]") -> str | None:
    backend = getattr(tokenizer(), "backend_tokenizer", None)
    if backend is None:
        return None
    alone = copy(backend)
    alone.no_padding()
    alone.no_truncation()
    return str(alone.to_str())


class HasEnd(Protocol):
    """What of a tokenizer says how a text ends."""

    @property
    def eos_token_id(self) -> object:
        """The number of the end token, several, or None."""


def ends_of(tokenizer: HasEnd) -> tuple[int, ...]:
    """Return the tokens that end a text. Raises CompileError (A0561) when there are none."""
    number = tokenizer.eos_token_id
    found = tuple(entry for entry in (number if isinstance(number, list) else [number]) if isinstance(entry, int))
    if not found:
        text = "the tokenizer has no token that ends a text, so a document would never be over"
        raise CompileError([Diagnostic("A0561", text, hint='tokenizer.add_special_tokens({"eos_token": "</s>"})')])
    return found


def _tokens(tokenizer: "PreTrainedTokenizerBase", ends: tuple[int, ...]) -> tuple[bytes, ...]:
    try:
        from xgrammar import TokenizerInfo
    except ImportError:
        raise not_installed("xgrammar") from None
    try:
        tokens = TokenizerInfo.from_huggingface(tokenizer, stop_token_ids=list(ends)).decoded_vocab
    except (ValueError, RuntimeError, AttributeError) as error:
        raise unreadable(type(tokenizer).__name__, str(error)) from error
    silent = {*tokenizer.all_special_ids, *ends}
    silent |= {number for number, added in tokenizer.added_tokens_decoder.items() if added.special}
    return tuple(b"" if number in silent else bytes(token) for number, token in enumerate(tokens))


def unreadable(kind: str, said: str) -> CompileError:
    """Return the complaint that the tokens of a kind of tokenizer cannot be read."""
    reason = next(iter(said.splitlines()), "no reason given")[:120]
    text = f"the tokens of a {kind} cannot be read: {reason}"
    return CompileError([Diagnostic("A0565", text, hint="a fast tokenizer of transformers")])


def not_installed(package: str) -> CompileError:
    """Return the complaint that an engine is missing."""
    return CompileError([Diagnostic("A0564", f"decoding under a constraint needs {package}", hint=INSTALL)])
