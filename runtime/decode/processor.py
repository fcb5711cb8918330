"""A constraint as a logits processor of transformers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from archc.runtime.decode.state import State

if TYPE_CHECKING:
    import torch

Row = tuple[int, ...]


class Processor:
    """Gives every token that may not come a score of minus infinity.

    It may be used for any number of generations, one after the other: a call whose rows are not those of the last call
    with one token more begins anew, all that is there being prompts. So generation goes on with a document where the
    last one had to stop. Rows may change places, as beams do. It has the form of transformers' LogitsProcessor, whose
    lists take any callable.
    """

    def __init__(self, start: Callable[[], State]) -> None:
        self._start = start
        self._states: dict[Row, State] = {}

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Return `scores` with those of every token that may not come next at minus infinity."""
        import torch

        rows = [tuple(row) for row in input_ids.tolist()]
        if not self._goes_on(rows):
            self._states = {row: self._start() for row in rows}
        else:
            self._states = {row: self._states[row[:-1]].after(row[-1]) for row in rows}
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        for number, row in enumerate(rows):
            known = torch.from_numpy(self._states[row].allowed())[: scores.shape[-1]]
            allowed[number, : len(known)] = known
        return scores.masked_fill(~allowed.to(scores.device), -float("inf"))

    def _goes_on(self, rows: list[Row]) -> bool:
        """Whether each row is one of the last call and a token more, and some document among those was not over."""
        before = [self._states.get(row[:-1]) for row in rows]
        return all(before) and not all(state is not None and state.is_over for state in before)
