"""Where a document stands while it is written: going on, over, or off the grammar."""

from typing import TYPE_CHECKING

from archc.runtime.decode.engines import Matcher
from archc.runtime.decode.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class State:
    """A document so far. It does not change; `after` a token is another state.

    After an end token the document is over, and after a token that may not come it is dead, as happens to beams that
    have no chance. Both stay so, and only end tokens may follow.
    """

    __slots__ = ("_allowed", "_matcher", "_words", "is_dead")

    def __init__(self, words: Vocabulary, matcher: Matcher | None, *, is_dead: bool = False) -> None:
        self._words = words
        self._matcher = matcher
        self._allowed: NDArray[numpy.bool_] | None = None
        self.is_dead = is_dead

    @property
    def is_over(self) -> bool:
        """Whether an end token was written where it may come."""
        return self._matcher is None and not self.is_dead

    def after(self, token: int) -> "State":
        """Return the state after one token more."""
        words = self._words
        if self._matcher is None:
            return self
        writes = 0 <= token < len(words.tokens) and bool(words.tokens[token])
        if writes or token in words.ends:
            matcher = self._matcher.fork()
            if matcher.accept(token):
                return State(words, None if token in words.ends else matcher)
        return State(words, None, is_dead=True)

    def allowed(self) -> "NDArray[numpy.bool_]":
        """Return, for each token, whether it may come next."""
        import numpy
        import torch

        if self._allowed is None:
            size = len(self._words.tokens)
            if self._matcher is None:
                self._allowed = numpy.zeros(size, dtype=bool)
                self._allowed[list(self._words.ends)] = True
            else:
                mask = torch.zeros(1, (size + 31) // 32, dtype=torch.int32)
                self._matcher.fill(mask)
                bits = numpy.unpackbits(mask.numpy().view(numpy.uint8), bitorder="little")
                self._allowed = bits[:size].astype(bool)
        return self._allowed
