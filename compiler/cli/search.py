"""`archc search`: networks of a space that do well in a task."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import At, Json, Settings
from archc.cli.refined import Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from archc.cli.found import Outputs
    from archc.cli.live import View
    from archc.cli.searched import Asked, Planned
    from archc.search.about import About
    from archc.search.loop import Result, Saved
    from archc.search.protocol import Proposal
    from archc.search.store import Store

Space = Annotated[str, typer.Argument(metavar="FILE:SPACE", help="A space, such as nasbench201.arch:Cell.")]
Task = Annotated[
    str, typer.Option("--task", metavar="TASK", help="digits, tabular:PATH, proxy:NAME, python:MODULE:CLASS.")
]
Trials = Annotated[
    str, typer.Option("--trials", metavar="N", help="End after N evaluations, those before a --resume too.")
]
Seconds = Annotated[str, typer.Option("--seconds", metavar="S", help="End after S seconds.")]
Strategy = Annotated[str, typer.Option("--strategy", metavar="NAME", help="evolution, if nothing is said.")]
Options = Annotated[list[str], typer.Option("--option", metavar="NAME=VALUE", help="A setting of the strategy.")]
Store_ = Annotated[str, typer.Option("--store", metavar="FILE", help="Where trials are kept; SPACE.archdb.")]
Workers = Annotated[str, typer.Option("--workers", metavar="N", help="Evaluate N networks at once.")]
Ahead = Annotated[str, typer.Option("--ahead", metavar="N", help="The same trials whatever runs them, N under way.")]
TrialSeconds = Annotated[str, typer.Option("--trial-seconds", metavar="S", help="What one evaluation may take.")]
TrialMemory = Annotated[str, typer.Option("--trial-memory", metavar="MIB", help="What one evaluation may take.")]
Ray = Annotated[str, typer.Option("--ray", metavar="ADDRESS", help="Evaluate on a Ray cluster, or `local`.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the search of a store.")]
Salvage = Annotated[bool, typer.Option("--salvage", help="Go on with what can be read of a damaged store.")]
Seed = Annotated[str, typer.Option("--seed", metavar="S", help="The same seed makes the same trials.")]
Maximize = Annotated[list[str], typer.Option("--maximize", metavar="METRIC", help="Instead of @objective.")]
Minimize = Annotated[list[str], typer.Option("--minimize", metavar="METRIC", help="Instead of @objective.")]
SeedArch = Annotated[
    list[str], typer.Option("--seed-arch", metavar="FILE:NAME", help="A network to try first; or FILE.json.")
]
Known = Annotated[
    list[str], typer.Option("--known", metavar="STORE", help="Take results from another search of the task.")
]
Export = Annotated[str, typer.Option("--export", metavar="FORMAT", help="Write all trials: csv, parquet or optuna.")]
Best = Annotated[
    str, typer.Option("--export-best", metavar="DIR", help="Write the best network, to run without archc.")
]
Which = Annotated[str, typer.Option("--trial", metavar="N", help="What --export-best writes instead of the best.")]
IsQuiet = Annotated[bool, typer.Option("--quiet", help="Print the result only.")]


def search(
    target: Space,
    task: Task = "",
    trials: Trials = "",
    seconds: Seconds = "",
    strategy: Strategy = "",
    option: Options = [],  # noqa: B006
    store: Store_ = "",
    workers: Workers = "",
    ahead: Ahead = "",
    trial_seconds: TrialSeconds = "",
    trial_memory: TrialMemory = "",
    ray: Ray = "",
    resume: Resume = False,
    salvage: Salvage = False,
    seed: Seed = "",
    at: At = "",
    settings: Settings = [],  # noqa: B006
    maximize: Maximize = [],  # noqa: B006
    minimize: Minimize = [],  # noqa: B006
    where: Where = "",
    seed_arch: SeedArch = [],  # noqa: B006
    known: Known = [],  # noqa: B006
    export: Export = "",
    export_best: Best = "",
    trial: Which = "",
    quiet: IsQuiet = False,
    json: Json = False,
) -> int:
    """Search a space for the networks that do best in a task. Every trial is stored before it counts."""
    from archc.cli.found import Outputs
    from archc.cli.searched import Asked

    limits = trial_seconds, trial_memory
    asked = Asked(
        target, task, trials, seconds, strategy, option, store, workers, ahead, limits,
        ray, resume, salvage, seed, at, settings, maximize, minimize, where, seed_arch, known,
    )  # fmt: skip
    return _search(asked, Outputs(export, export_best, trial), "json" if json else "quiet" if quiet else "")


def _search(asked: "Asked", outputs: "Outputs", mode: str) -> int:
    from archc.cli.found import printed, require
    from archc.cli.output import WrongCall
    from archc.cli.searched import planned, store_path

    if not asked.trials and not asked.seconds and not (asked.resume and (outputs.export or outputs.best)):
        raise WrongCall("A0923", "a search ends after --trials or --seconds", asked.target, hint="--trials 200")
    if not asked.task and not asked.resume:
        raise WrongCall("A0901", "`archc search` needs --task TASK", asked.target, hint="--task digits")
    if asked.salvage and not asked.resume:
        raise WrongCall("A0901", "`--salvage` goes on with a store", "--salvage", hint="--resume --salvage")
    path = store_path(asked.store, asked.target)
    require(outputs, path)
    plan = planned(asked, _kept(path, asked), _command())
    result = _run(plan, asked, path, mode) if asked.trials or asked.seconds else _known(plan, path)
    return printed(plan, result, path, outputs, as_json=mode == "json")


def _command() -> str:
    import shlex

    return shlex.join(["archc", *sys.argv[1:]])


def _kept(path: Path, asked: "Asked") -> "About | None":
    """Return what the store says that is resumed. Raises WrongCall where it cannot be read."""
    from archc.cli.output import WrongCall
    from archc.search.reading import read
    from archc.search.store import StoreError

    if not asked.resume:
        return None
    try:
        return read(path).about
    except StoreError as error:
        raise WrongCall("A0924", str(error), asked.store or asked.target) from error


def _known(plan: "Planned", path: Path) -> "Result":
    """Return what a store holds, without searching on."""
    from archc.search.findings import history_of
    from archc.search.loop import Result
    from archc.search.protocol import History
    from archc.search.reading import read

    history = history_of(read(path), History(plan.search.space, plan.search.objective))
    return Result(history, "nothing was tried anew")


def _run(plan: "Planned", asked: "Asked", path: Path, mode: str) -> "Result":
    """Run the search. Raises WrongCall where the store or the workers do not go."""
    from archc.cli.output import WrongCall, emit
    from archc.cli.searched import evaluator_of, known_results
    from archc.search.brought import BroughtError
    from archc.search.loop import run
    from archc.search.recalled import Recalled
    from archc.search.store import StoreError

    identified = _identify(plan)
    known = known_results(plan, asked)
    evaluator, view = Recalled(evaluator_of(plan, asked), known, identified), _view(plan, mode)
    try:
        store, saved = _opened(plan, asked, path)
    except WrongCall:
        evaluator.close()
        raise
    if plan.search.ahead is None and not mode:
        emit(
            "told as they end, so that another run may have other trials; --ahead N makes them the same", to=sys.stderr
        )
    with store:
        try:
            view.begin(saved.trials)
            return run(plan.search, evaluator, identified, keeper=store, saved=saved, ended=view.ended)
        except StoreError as error:
            raise WrongCall("A0926", str(error), asked.store) from error
        except BroughtError as error:
            text, word = f"{error}. What was acknowledged is kept", asked.strategy or asked.target
            raise WrongCall("A0920", text, word, hint="--resume, once that is mended") from error
        finally:
            evaluator.close()
            view.end()


def _identify(plan: "Planned") -> "Callable[[Proposal], str]":
    from archc.search.jobs import identify

    def identified(proposal: "Proposal") -> str:
        """Return what a proposal is known by; its own key where the task knows none, for the trial to say so."""
        try:
            return identify(plan.task, proposal)
        except ValueError:
            return f"key {proposal.member.key}"

    return identified


def _opened(plan: "Planned", asked: "Asked", path: Path) -> "tuple[Store, Saved]":
    from archc.cli.output import WrongCall
    from archc.search.loop import Saved
    from archc.search.reading import resume
    from archc.search.store import InUse, StoreDamaged, StoreError, create

    try:
        if not asked.resume:
            return create(path, plan.about), Saved()
        store, contents = resume(path, plan.about, salvage=asked.salvage)
        return store, contents.saved
    except StoreError as error:
        is_other = path.is_file() and not asked.resume and not isinstance(error, InUse)
        hint = "--resume, or --store with another name" if is_other else ""
        hint = "--resume --salvage" if isinstance(error, StoreDamaged) else hint
        raise WrongCall("A0924", str(error), asked.store or asked.target, hint=hint) from error


def _view(plan: "Planned", mode: str) -> "View":
    from archc.cli.live import JsonLines, Log, Quiet, Screen, Tally

    if mode == "json":
        return JsonLines()
    if mode == "quiet":
        return Quiet()
    tally = Tally(plan.search.objective, plan.search.evaluations)
    return Screen(tally) if sys.stdout.isatty() else Log(tally)
