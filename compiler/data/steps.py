"""The steps that looking at types may take, so that small programs with large effects end soon."""

from dataclasses import dataclass

from archc.grammar.diagnostics import CompileError
from archc.grammar.limits import DEFAULT, Limits, exceeded
from archc.grammar.source import NOWHERE, Span


@dataclass(slots=True)
class Steps:
    """What was spent of the limit `steps`."""

    limits: Limits = DEFAULT
    spent: int = 0

    def spend(self, count: int, span: Span = NOWHERE) -> None:
        """Count steps. Raises CompileError over the limit."""
        self.spent += count
        if self.spent > self.limits.steps:
            text = "the types of this program take too many steps"
            raise CompileError([exceeded(self.limits, "steps", message=text, span=span)])
