"""What the edges of a forest add to a network: parameters, multiply-accumulates, ops, activations."""

from dataclasses import dataclass, field

from archc.ops import uncounted
from archc.spaces.pieces import MEASURES
from archc.spaces.refine import Refined


@dataclass(slots=True)
class Costs:
    """The costs of one forest, worked out piece by piece when they are first asked for."""

    refined: Refined
    times: tuple[str, ...] = ()
    """Costs that were measured, in nanoseconds."""
    _edges: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def beside(self, time: str, edges: list[int]) -> "Costs":
        """Return these costs and one that was measured, by what each edge adds to it."""
        return Costs(self.refined, (*self.times, time), {**self._edges, (time, ""): edges})

    def edges(self, measure: str, within: str = "") -> list[int]:
        """Return what each edge adds to `measure`: one of MEASURES, or `count(op)` for the number of ops of a name.

        Parameters count weights that are shared once. With `within`, only networks in that field of a record count, which
        has a bound in the space. Raises ValueError on another measure.
        """
        key = measure, within
        if key not in self._edges:
            _require(measure)
            pieces = self.refined.pieces
            counted = self.refined.counted(within)
            self._edges[key] = [
                sum(
                    pieces.measured(use.piece, measure) * (use.copies if measure == "params" else use.runs)
                    for use in uses
                    if counted(use.piece)
                )
                for uses in self.refined.forest.uses
            ]
        return self._edges[key]


def _require(measure: str) -> None:
    """Raise ValueError on what is no measure."""
    if measure in MEASURES:
        return
    if not (isinstance(measure, str) and measure.startswith("count(") and measure.endswith(")")):
        raise ValueError(f"{measure!r} is no cost; there are {', '.join(MEASURES)} and count(op)")
    text, near = uncounted(measure[6:-1])
    if text:
        raise ValueError(f"{text}{f'; nearest: count({near})' if near else ''}")
