"""What a measurement says, and whether it is what was promised."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside its bound, if one was promised; `note` says what it was measured on."""

    name: str
    value: float
    bound: float | None
    unit: str = "s"
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the number is within its bound, if it has one."""
        return self.bound is None or self.value <= self.bound

    def row(self) -> str:
        """Return the figure as a row of a Markdown table."""
        bound = "" if self.bound is None else f"{self.bound:g} {self.unit}"
        verdict = "" if self.bound is None else "yes" if self.met else "**no**"
        return f"| {self.name} | {self.value:.3g} {self.unit} | {bound} | {verdict} | {self.note} |"


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median over rounds of our time by theirs: neighbours in time share what else the machine does."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))
