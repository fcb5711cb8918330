"""The result of a search -> a leaderboard on the terminal, and the files that were asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archc.cli.live import figure
from archc.cli.output import JSON_VERSION, WrongCall, emit

if TYPE_CHECKING:
    from archc.cli.searched import Planned
    from archc.search.loop import Result
    from archc.search.protocol import Objective, Trial

ENDINGS = {"csv": ".csv", "parquet": ".parquet", "optuna": ".optuna.db"}
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written besides: all trials in a format, and the network of the best trial, or of one by number."""

    export: str
    best: str
    trial: str


def printed(plan: "Planned", result: "Result", path: Path, outputs: Outputs, *, as_json: bool) -> int:
    """Print what a search found, write what was asked for, and return 0; 1 where no trial has a result.

    Raises WrongCall where something cannot be written.
    """
    trials, objective = list(result.history), plan.search.objective
    best = leaders(trials, objective)
    if as_json:
        _print_json(result, best, path)
    else:
        ended = f"ended: {result.stopped}; {len(trials)} trials in {path}"
        emit("\n".join([*board(best[:SHOWN], objective), "", ended, *without(trials)]))
    if outputs.export:
        _export(trials, objective, outputs.export, path.with_suffix(ENDINGS[outputs.export]))
    if not best:
        message, hint = no_result(trials)
        raise WrongCall("A0927", message, plan.task_name, hint=hint)
    if outputs.best:
        chosen = _chosen(outputs.trial, best)
        _export_best(plan, result, chosen, Path(outputs.best), quiet=as_json)
    return 0


def require(outputs: Outputs, path: Path) -> None:
    """Raise WrongCall where what was asked for besides could not be written at the end: before a long search, not behind it."""
    from archc.cli.sample import whole
    from archc.search.export import FORMATS, ExportError, require_package

    form, folder = outputs.export, Path(outputs.best)
    if form and form not in FORMATS:
        raise WrongCall("A0901", f"`--export` knows no `{form}`", form, label=f"there are {', '.join(FORMATS)}")
    if outputs.trial:
        whole(outputs.trial, "--trial")
        if not outputs.best:
            text = "`--trial` says which network `--export-best` writes, and that is not asked"
            raise WrongCall("A0901", text, "--trial", hint="--export-best best")
    try:
        for package in [*([form] if form else []), *(["safetensors"] if outputs.best else [])]:
            require_package(package)
    except ExportError as error:
        raise WrongCall("A0928", str(error), form or outputs.best, hint=error.hint) from error
    if form and (file := path.with_suffix(ENDINGS[form])).exists():
        raise _there(file, form)
    if outputs.best and folder.exists() and not folder.is_dir():
        text = f"`{folder}` is a file, and `--export-best` writes a folder"
        raise WrongCall("A0908", text, outputs.best, hint="--export-best best")


def _there(path: Path, form: str) -> WrongCall:
    return WrongCall(
        "A0908", f"`{path}` is there already, and nothing is overwritten", form, hint=f"mv {path} {path}.old"
    )


def _chosen(number: str, best: "Sequence[Trial]") -> "Trial":
    from archc.cli.sample import whole

    if not number:
        return best[0]
    wanted = whole(number, "--trial")
    for trial in best:
        if trial.number == wanted:
            return trial
    raise WrongCall("A0927", f"trial {wanted} has no result of its own", number, hint=f"--trial {best[0].number}")


def leaders(trials: "Sequence[Trial]", objective: "Objective") -> "list[Trial]":
    """Return the trials with a full result, each architecture once; those that no other dominates come first."""
    from archc.search.protocol import dominates

    done = [trial for trial in trials if trial.done and trial.fidelity == 1.0 and trial.same_as is None]
    values = {trial.number: objective.values(trial.metrics) for trial in done}
    done.sort(key=lambda trial: (values[trial.number], -trial.number), reverse=True)
    if len(objective.goals) == 1:
        return done
    front = [t for t in done if not any(dominates(values[other.number], values[t.number]) for other in done)]
    inside = {trial.number for trial in front}
    return front + [trial for trial in done if trial.number not in inside]


def board(best: "Sequence[Trial]", objective: "Objective") -> list[str]:
    """Return the lines of a leaderboard."""
    goals = [goal.metric for goal in objective.goals]
    more = [name for name in ("params",) if name not in goals and any(name in trial.metrics for trial in best)]
    rows = [["trial", *goals, *more, "seed", "decisions"]]
    for trial in best:
        cells = [figure(trial.metrics[name]) if name in trial.metrics else "" for name in (*goals, *more)]
        rows.append([str(trial.number), *cells, str(trial.seed), _short(trial.key)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(key: str) -> str:
    return key if len(key) <= 40 else f"{key[:37]}..."


def without(trials: "Sequence[Trial]") -> list[str]:
    """Return lines on what brought nothing: trials without a result, by reason, and texts of a language model."""
    from archc.search.strategies.llm import rate

    reasons = _reasons(trials)
    texts = {"language model": rate(trials), "language model, under the grammar": rate(trials, constrained=True)}
    told = [f"{who}: {found}" for who, found in texts.items() if found.texts]
    if not reasons:
        return told
    shown = [f"{many} x {reason[:100]}" for reason, many in reasons.most_common(3)]
    more = f"; and {len(reasons) - 3} other reasons" if len(reasons) > 3 else ""
    return [*told, f"{reasons.total()} without result: {'; '.join(shown)}{more}"]


def no_result(trials: "Sequence[Trial]") -> tuple[str, str]:
    """Return why no trial has a full result, and what would help."""
    shares = [trial.fidelity for trial in trials if trial.done]
    if shares:
        text = f"no trial was trained in full: {len(shares)} were for a share, at most {max(shares):.3g}, of their training"
        return text, f"--resume --trials {2 * len(trials)}"
    reasons = _reasons(trials).most_common(1)
    why = f"; {reasons[0][1]} of {len(trials)} ended with: {reasons[0][0][:200]}" if reasons else ""
    return f"no trial has a result{why}", ""


def _reasons(trials: "Sequence[Trial]") -> "Counter[str]":
    return Counter(trial.reason.splitlines()[0] for trial in trials if trial.status == "failed" and trial.reason)


def _print_json(result: "Result", best: "Sequence[Trial]", path: Path) -> None:
    import json

    from archc.search.export import record

    found = [record(trial) for trial in best[:SHOWN]]
    whole = {"store": str(path), "stopped": result.stopped, "trials": len(result.history), "best": found}
    emit(json.dumps({"version": JSON_VERSION, "result": whole}))


def _export(trials: "Sequence[Trial]", objective: "Objective", form: str, path: Path) -> None:
    from archc.search.export import ExportError, export

    if path.exists():
        raise _there(path, form)
    try:
        export(trials, objective, form, path)
    except ExportError as error:
        raise WrongCall("A0928", str(error), form, hint=error.hint) from error
    except OSError as error:
        raise WrongCall("A0908", f"`{path}` cannot be written: {error.strerror}", form) from error


def _export_best(plan: "Planned", result: "Result", trial: "Trial", folder: Path, *, quiet: bool) -> None:
    from archc.search.best import export_best

    notes = plan.about.notes
    try:
        written = export_best(
            result.history.member(trial.number), trial, plan.task, folder, {"command": notes["command"]}
        )
    except OSError as error:
        raise WrongCall("A0908", f"`{folder}` cannot be written: {error.strerror}", str(folder)) from error
    if not quiet:
        kind = "trained" if written.trained else "fresh"
        emit(f"{folder}: {', '.join(written.files)} ({kind} weights of trial {trial.number})")
