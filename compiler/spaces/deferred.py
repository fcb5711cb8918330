"""The bounds of declarations that a refinement has met."""

from dataclasses import dataclass, field

from archc.grammar.diagnostics import Diagnostic
from archc.rules.session import Refusal
from archc.spaces.measures import Bound
from archc.spaces.selecting import Selection


@dataclass(slots=True)
class Regions:
    """What is known of the bounds of declarations."""

    root: tuple[Bound, ...] | None = None
    recursive: dict[int, bool] = field(default_factory=dict)
    selections: dict[tuple[int, Bound], Selection] = field(default_factory=dict)

    def defer(self, bounds: tuple[Bound, ...]) -> None:
        """Keep the bounds of the space that is refined, which hold for the whole of its forest. Raises Refusal."""
        if self.root not in (None, bounds):
            text = "a bound on a measure of this space depends on a choice that the space makes"
            raise Refusal(Diagnostic("A0410", text, bounds[0].span, hint="mention it in another space, and count that"))
        self.root = bounds
