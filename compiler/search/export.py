"""Trials -> rows for other programs: CSV, Parquet, and a study of Optuna that its dashboard shows."""

import csv
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from archc.search.protocol import Json, Objective, Trial

FORMATS = ("csv", "parquet", "optuna")

FIELDS = (
    "number",
    "status",
    "reason",
    "fidelity",
    "key",
    "identity",
    "seed",
    "same_as",
    "attempts",
    "asked",
    "seconds",
    "origin",
)


class ExportError(Exception):
    """Trials could not be written; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


PACKAGES = {"parquet": ("Parquet", "pyarrow"), "optuna": ("this", "optuna"), "safetensors": ("this", "safetensors")}


def require_package(name: str) -> None:
    """Raise ExportError where the package of a format, or of weights, is not installed."""
    what, package = PACKAGES.get(name, ("", ""))
    if package and find_spec(package) is None:
        raise ExportError(f"{what} needs {package}", "pip install 'archc[search]'")


def record(trial: Trial) -> dict[str, Json]:
    """Return a trial as JSON."""
    whole = asdict(trial)
    return {name: whole[name] for name in FIELDS} | {"metrics": dict(trial.metrics)}


def table(trials: Sequence[Trial]) -> tuple[list[str], list[list[Json]]]:
    """Return columns and rows: the fields, then every metric that some trial has, empty where there is none."""
    metrics = sorted({name for trial in trials for name in trial.metrics})
    rows: list[list[Json]] = []
    for trial in trials:
        own = record(trial)
        values = [own[name] if name != "origin" else json.dumps(own[name]) for name in FIELDS]
        rows.append([*values, *(trial.metrics.get(name) for name in metrics)])
    return [*FIELDS, *metrics], rows


def export(trials: Sequence[Trial], objective: Objective, form: str, path: Path) -> None:
    """Write all trials to a file in a format of FORMATS. Raises ExportError where a package is missing, OSError."""
    match form:
        case "csv":
            path.write_text(to_csv(trials), encoding="utf-8", newline="")
        case "parquet":
            _parquet(trials, path)
        case "optuna":
            _optuna(trials, objective, path)
        case _:
            raise AssertionError(form)


def to_csv(trials: Sequence[Trial]) -> str:
    """Return all trials as CSV with a header. A text that a spreadsheet would take for a formula gets a quote before it."""
    columns, rows = table(trials)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@" else cell for cell in row])
    return out.getvalue()


def _parquet(trials: Sequence[Trial], path: Path) -> None:
    require_package("parquet")
    import pyarrow  # type: ignore[import-untyped]  # it ships no types
    import pyarrow.parquet  # type: ignore[import-untyped]

    columns, rows = table(trials)
    cells = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
    pyarrow.parquet.write_table(pyarrow.table(dict(zip(columns, cells, strict=True))), path)


def _optuna(trials: Sequence[Trial], objective: Objective, path: Path) -> None:
    """Write a study to an SQLite file: values are those of the goals, parameters the decisions where all have the same."""
    require_package("optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{path}",
        study_name=path.name.removesuffix(".db").removesuffix(".optuna"),
        directions=["maximize" if goal.maximize else "minimize" for goal in objective.goals],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([goal.metric for goal in objective.goals])
    choices = _choices(trials)
    found = []
    for trial in trials:
        params = {f"choice {at}": int(word) for at, word in enumerate(trial.key.split())} if choices else {}
        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.IntDistribution(0, high) for name, high in choices.items() if name in params
        }
        found.append(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE if trial.done else optuna.trial.TrialState.FAIL,
                values=[trial.metrics[goal.metric] for goal in objective.goals] if trial.done else None,
                params=params,
                distributions=distributions,
                user_attrs={**record(trial), "metrics": dict(trial.metrics)},
            )
        )
    study.add_trials(found)


def _choices(trials: Sequence[Trial]) -> dict[str, int]:
    """Return the greatest option of each decision; nothing where trials decide different things."""
    rows = [trial.key.split() for trial in trials if trial.key]
    if not rows or len({len(row) for row in rows}) > 1 or not all(word.isdecimal() for row in rows for word in row):
        return {}
    return {f"choice {at}": max(map(int, column)) for at, column in enumerate(zip(*rows, strict=True))}
