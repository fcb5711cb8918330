"""Trials as they end -> what a terminal, a log or a program sees of a search."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from archc.cli.output import coloured, emit

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from archc.search.protocol import Objective, Trial

EVERY = 30.0
"""Seconds between two lines of a log in which nothing became better."""

SHOWN = 8
"""Rows of the table at most: of the front, and of reasons."""


class View(Protocol):
    """Shows a search while it runs."""

    def begin(self, known: "Sequence[Trial]") -> None:
        """Begin, with the trials of an earlier run."""

    def ended(self, trial: "Trial") -> None:
        """Show a trial that is stored."""

    def end(self) -> None:
        """Leave the terminal in order."""


@dataclass(slots=True)
class Tally:
    """What is known of a search: numbers by status, reasons, the best and the front."""

    objective: "Objective"
    most: int | None
    begun: float = field(default_factory=time.monotonic)
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    front: "list[Trial]" = field(default_factory=list)
    best: "Trial | None" = None
    same: int = 0
    before: int = 0

    def take(self, trial: "Trial") -> bool:
        """Note a trial that ended, and return whether it is the best so far."""
        from archc.search.protocol import dominates

        self.statuses[trial.status] += 1
        if trial.same_as is not None:
            self.same += 1
        if trial.reason:
            self.reasons[trial.reason.splitlines()[0][:60]] += 1
        if not trial.done or trial.fidelity != 1.0:
            return False
        own = self.objective.values(trial.metrics)
        values = [self.objective.values(other.metrics) for other in self.front]
        if not any(dominates(other, own) or other == own for other in values):
            self.front = [t for t, other in zip(self.front, values, strict=True) if not dominates(own, other)] + [trial]
        if self.best is None or own[0] > self.objective.values(self.best.metrics)[0]:
            self.best = trial
            return True
        return False

    @property
    def evaluations(self) -> int:
        """How many trials were evaluated, each architecture once."""
        return sum(self.statuses.values()) - self.same - self.statuses["refused"] - self.statuses["lost"]

    @property
    def rate(self) -> float:
        """Evaluations a second, of this run."""
        return (self.evaluations - self.before) / max(time.monotonic() - self.begun, 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds until the last evaluation, if it goes on like this; None where that is not known."""
        if self.most is None or self.rate == 0.0:
            return None
        return max(0, self.most - self.evaluations) / self.rate

    def line(self) -> str:
        """Return where the search stands, in one line."""
        of = f"/{self.most}" if self.most is not None else ""
        best = f"  best {metrics_text(self.best, self.objective)} (trial {self.best.number})" if self.best else ""
        bad = f"  {self.statuses['failed']} without result" if self.statuses["failed"] else ""
        left = f"  {duration(self.left)} left" if self.left is not None else ""
        return f"{self.evaluations}{of}  {self.rate:.1f}/s{best}{bad}{left}"


def metrics_text(trial: "Trial", objective: "Objective") -> str:
    """Return the metrics of the goals, in their order."""
    return ", ".join(f"{goal.metric} {figure(trial.metrics[goal.metric])}" for goal in objective.goals)


def figure(value: float) -> str:
    """Return a number as people write it."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value.is_integer() else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds, the greatest two."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


class Quiet:
    """Shows nothing."""

    def begin(self, known: "Sequence[Trial]") -> None:
        """Show nothing."""

    def ended(self, trial: "Trial") -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


class JsonLines(Quiet):
    """Prints a JSON object for each trial, on a line."""

    def ended(self, trial: "Trial") -> None:
        """Print a trial."""
        import json

        from archc.search.export import record

        emit(json.dumps({"trial": record(trial)}))


class Log(Quiet):
    """Prints a line when something became better, and now and then."""

    def __init__(self, tally: Tally) -> None:
        self.tally, self.last, self.shown = tally, time.monotonic(), -1

    def begin(self, known: "Sequence[Trial]") -> None:
        """Note what is known."""
        _note(self.tally, known)

    def ended(self, trial: "Trial") -> None:
        """Print a reason that is new, and a line if it is time."""
        known = len(self.tally.reasons)
        is_best = self.tally.take(trial)
        if len(self.tally.reasons) > known and known < SHOWN:
            emit(f"trial {trial.number} has no result: {trial.reason.splitlines()[0][:200]}")
        if is_best or time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            self.shown = self.tally.evaluations
            emit(self.tally.line())

    def end(self) -> None:
        """Print how it ended."""
        if self.shown != self.tally.evaluations:
            emit(self.tally.line())


class Screen(Quiet):
    """Keeps a table on the terminal up to date."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.live: Live | None = None

    def begin(self, known: "Sequence[Trial]") -> None:
        """Put the table up."""
        from rich.console import Console
        from rich.live import Live

        _note(self.tally, known)
        console = Console(no_color=not coloured(sys.stdout))
        self.live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)
        self.live.start()

    def ended(self, trial: "Trial") -> None:
        """Note a trial; the table is drawn four times a second."""
        self.tally.take(trial)

    def end(self) -> None:
        """Take the table down and say where the search stands."""
        if self.live is not None:
            self.live.stop()
            self.live = None
            emit(self.tally.line())

    def _table(self) -> "Table":
        return table(self.tally)


def table(tally: Tally) -> "Table":
    """Return the table: where the search stands, the best, the front, and why trials have no result."""
    from rich.table import Table
    from rich.text import Text

    found = Table.grid(padding=(0, 2))
    found.add_column(style="dim", no_wrap=True)
    found.add_column()
    of = f" of {tally.most}" if tally.most is not None else ""
    left = f", {duration(tally.left)} left" if tally.left is not None else ""
    found.add_row("evaluated", f"{tally.evaluations}{of}, {tally.rate:.2f} a second{left}")
    found.add_row("known", f"{tally.same} were evaluated before, {tally.statuses['refused']} out of bounds")
    if tally.best is not None:
        text = f"{metrics_text(tally.best, tally.objective)}  (trial {tally.best.number})"
        found.add_row("best", Text(text, style="bold"))
    if len(tally.objective.goals) > 1:
        ordered = sorted(tally.front, key=lambda trial: tally.objective.values(trial.metrics), reverse=True)
        for at, trial in enumerate(ordered[:SHOWN]):
            name = f"front ({len(ordered)})" if at == 0 else ""
            found.add_row(name, f"{metrics_text(trial, tally.objective)}  (trial {trial.number})")
    for at, (reason, many) in enumerate(tally.reasons.most_common(SHOWN)):
        found.add_row("no result" if at == 0 else "", Text(f"{many} x {reason}"))
    return found


def _note(tally: Tally, known: "Sequence[Trial]") -> None:
    for trial in known:
        if trial.ended:
            tally.take(trial)
    tally.before = tally.evaluations
