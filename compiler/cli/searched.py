"""The options of `archc search` -> the search that they ask for, its task, and what evaluates it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archc.cli.output import WrongCall

if TYPE_CHECKING:
    from archc.check import Program
    from archc.members import Member, Space
    from archc.search.about import About
    from archc.search.jobs import Evaluator
    from archc.search.loop import Search
    from archc.search.origin import Origin
    from archc.search.protocol import Json, Metrics, Objective
    from archc.search.recalled import Known
    from archc.search.tasks.base import AnyTask


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, as text; empty where an option was not given."""

    target: str
    task: str
    trials: str
    seconds: str
    strategy: str
    options: Sequence[str]
    store: str
    workers: str
    ahead: str
    limits: tuple[str, str]
    ray: str
    resume: bool
    salvage: bool
    seed: str
    at: str
    settings: Sequence[str]
    maximize: Sequence[str]
    minimize: Sequence[str]
    where: str
    given: Sequence[str]
    known: Sequence[str]


@dataclass(frozen=True, slots=True)
class Planned:
    """A search that can begin: `about` is for its store."""

    search: "Search"
    task: "AnyTask"
    task_name: str
    about: "About"


def planned(asked: Asked, kept: "About | None", command: str) -> Planned:
    """Return the search. What is not asked is as in a store that it resumes, else the default.

    Raises WrongCall on a name that nothing has, a budget of 0 and the like, CompileError when the program is wrong.
    """
    import os
    import sys

    from archc.cli.typed import declared
    from archc.search.about import about
    from archc.search.loop import Search

    asked = asked if kept is None else as_before(asked, kept)
    if any("python:" in text for text in (asked.task, asked.strategy, *asked.options)) and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    program, name, _ = declared(asked.target, ("space",))
    task_name = asked.task
    task = _task(task_name)
    space, latency = _space(asked, program, name, kept, task)
    goals = _goals(asked, program, name, task)
    workers = positive(asked.workers or "1", "--workers")
    strategy, settings = _strategy(asked, kept, space, goals)
    search = Search(
        space,
        goals,
        strategy,
        settings,
        seed=_kept_number(asked.seed, "--seed", kept, "seed", 0) or 0,
        evaluations=positive(asked.trials, "--trials") if asked.trials else None,
        seconds=seconds(asked.seconds, "--seconds") if asked.seconds else None,
        ahead=_kept_number(asked.ahead, "--ahead", kept, "ahead", 1 if workers == 1 and not asked.ray else None),
        given=_given(asked, space),
    )
    first = command if kept is None else str(kept.notes.get("command", command))
    notes = {**_origin(asked, program, space, latency).notes(first), "given": list(asked.given)}
    return Planned(search, task, task_name, about(search, task_name, notes))


def _origin(asked: Asked, program: "Program", space: "Space", latency: "Json") -> "Origin":
    from archc.cli.target import split
    from archc.search.origin import Origin

    source = program.loaded.modules[program.loaded.main].file.source
    text, arguments = source.text if source is not None else "", dict(space.arguments)
    at = asked.at or (space.at if isinstance(space.at, str) else "")
    return Origin(split(asked.target)[0], text, space.name, at, arguments, asked.where, latency)


def as_before(asked: Asked, kept: "About") -> Asked:
    """Return what was asked, with what was not asked as in the store that is resumed."""
    from archc.search.findings import objective_of

    notes, goals = kept.notes, objective_of(str(kept.fixed["objective"])).goals
    has_goals = bool(asked.maximize or asked.minimize)
    settings, given = notes.get("set"), notes.get("given")
    known = [f"{name}={_shown(value)}" for name, value in settings.items()] if isinstance(settings, Mapping) else []
    return replace(
        asked,
        task=asked.task or str(kept.fixed["task"]),
        at=asked.at or str(notes.get("at", "")),
        where=asked.where or str(notes.get("where", "")),
        settings=asked.settings or known,
        given=asked.given or (list(map(str, given)) if isinstance(given, list) else []),
        maximize=asked.maximize if has_goals else [goal.metric for goal in goals if goal.maximize],
        minimize=asked.minimize if has_goals else [goal.metric for goal in goals if not goal.maximize],
    )


def _shown(value: "Json") -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(_shown(entry) for entry in value)}]"
        case _:
            return str(value)


def _goals(asked: Asked, program: "Program", name: str, task: "AnyTask") -> "Objective":
    from archc.grammar.diagnostics import CompileError, Diagnostic
    from archc.grammar.source import NOWHERE
    from archc.search.objectives import ObjectiveError, objective_of

    try:
        return objective_of(program, name, task.metrics, maximize=asked.maximize, minimize=asked.minimize)
    except ObjectiveError as error:
        if error.span is not NOWHERE:
            raise CompileError([Diagnostic("A0922", str(error), error.span, hint=error.hint)]) from error
        word = next((entry for entry in (*asked.maximize, *asked.minimize) if entry in str(error)), "")
        raise WrongCall("A0922", str(error), word or asked.target, hint=error.hint) from error


def _space(asked: Asked, program: "Program", name: str, kept: "About | None", task: "AnyTask") -> "tuple[Space, Json]":
    """Return the space as far as its condition holds, and the table of latencies if it has one.

    That is the table of the store that is resumed, or is measured where something mentions it.
    """
    from archc.cli.refined import held
    from archc.search.latency import LATENCY, Table, table_of

    space = _entered(asked, program, name, getattr(task, "takes", ""))
    table = table_of(kept.notes.get("latency")) if kept is not None else None
    if table is None and (LATENCY in asked.where or f"cost={LATENCY}" in asked.options):
        table = Table()
    if table is not None:
        try:
            space = table.onto(space)
        except ValueError as error:
            raise WrongCall("A0914", f"latency cannot be measured: {error}", asked.where or LATENCY) from error
        except ImportError as error:
            hint = "pip install 'archc[torch]'"
            raise WrongCall("A0928", "measuring latency needs torch", asked.where or LATENCY, hint=hint) from error
    return (held(space, asked.where) if asked.where else space), None if table is None else table.notes()


def _entered(asked: Asked, program: "Program", name: str, takes: str) -> "Space":
    """Return the space at the input that was asked, or at what the task hands to networks where a size is open."""
    from archc.cli.refined import space_at
    from archc.grammar.diagnostics import CompileError

    try:
        space = space_at(program, name, asked.at, asked.settings, "")
    except CompileError as error:
        if asked.at or not takes or error.diagnostics[0].code != "A0702":
            raise
        try:
            return space_at(program, name, takes, asked.settings, "")
        except CompileError as refused:
            text = f"{asked.task} hands a network {takes}, which `{name}` does not take"
            raise WrongCall("A0921", text, asked.task, label=refused.diagnostics[0].message) from refused
    entered = re.sub(r"\b\w+ +(?=\[)", "", space.forest.cells[space.forest.root].source)  # without qualifiers
    if takes and not space.of_records and _is_other(entered, takes):
        text = f"{asked.task} hands a network {takes}, and these take {entered}"
        raise WrongCall("A0921", text, asked.at or asked.target, hint=f"--at '{takes}'" if asked.at else "")
    return space


def _is_other(entered: str, takes: str) -> bool:
    """Return whether networks of an input cannot be handed another: its kind, its sizes or their number are others."""
    entered = re.sub(r"^\(\w+: ([^:]*)\)$", r"\1", entered)  # a single input may have a name
    if takes.startswith("(") or entered.startswith("("):
        return takes.count(":") != entered.count(":")
    return re.sub(r"\(\d+\)", "", entered) != re.sub(r"\(\d+\)", "", takes)


def _task(name: str) -> "AnyTask":
    """Return the task of a name. Raises WrongCall where there is none, or it cannot be made."""
    from archc.search.tasks.base import task

    try:
        return task(name)
    except KeyError as error:
        raise WrongCall("A0921", str(error.args[0]), name, hint="--task digits") from error
    except (ValueError, TypeError) as error:
        raise WrongCall("A0921", f"the task `{name}` cannot be made: {error}", name) from error


def _strategy(
    asked: Asked, kept: "About | None", space: "Space", goals: "Objective"
) -> tuple[str, "Mapping[str, Json]"]:
    """Return the name of the strategy and its settings. Raises WrongCall where there is none of that name."""
    from archc.cli.target import setting
    from archc.search.named import DEFAULT, make
    from archc.search.protocol import Context, History

    known = kept.fixed.get("strategy") if kept else None
    settings: dict[str, Json] = {}
    for text in asked.options:
        try:
            key, value = setting(text)
        except WrongCall as error:
            what = error.message if "=" in text else "a setting of a strategy is given by NAME=VALUE"
            raise WrongCall("A0905", what, text, label=error.label, hint="--option population=40") from error
        settings[key] = list(value) if isinstance(value, tuple) else value
    if not settings and kept is not None and not asked.strategy:
        own = kept.fixed.get("settings")
        settings = dict(own) if isinstance(own, Mapping) else {}
    name = asked.strategy or (known if isinstance(known, str) else DEFAULT)
    try:
        make(name, Context(space, goals, History(space, goals), 1), settings)
    except (KeyError, ValueError) as error:
        word = next((text for text in asked.options if text.partition("=")[0] in str(error)), name)
        raise WrongCall("A0920", str(error.args[0]), word) from error
    return name, settings


def _kept_number(text: str, option: str, kept: "About | None", key: str, default: int | None) -> int | None:
    from archc.cli.sample import whole

    if text:
        return positive(text, option) if option == "--ahead" else whole(text, option)
    if kept is not None and key in kept.fixed:
        found = kept.fixed[key]
        return found if isinstance(found, int) else None
    return default


def _given(asked: Asked, space: "Space") -> "tuple[Member, ...]":
    """Return the members that the search tries first. Raises WrongCall where one is outside the space."""
    from archc.cli.target import built
    from archc.grammar.diagnostics import CompileError
    from archc.search.given import NoMember
    from archc.spaces.outside import OutsideError

    found: list[Member] = []
    for seed in asked.given:
        try:
            if seed.endswith(".json"):
                found.extend(_from_json(space, seed))
            elif space.of_records:
                found.append(_from_record(space, seed))
            else:
                found.append(space.parsed(built(seed, "", ()), most=1)[0])
        except OutsideError as outside:
            message = f"`{seed}` is no member of `{space.name}`: {outside.diagnostic.message}"
            raise CompileError([replace(outside.diagnostic, message=message)]) from outside
        except NoMember as other:
            raise WrongCall("A0925", f"`{seed}` is no member of `{space.name}`: {other}", seed) from other
        except ValueError as error:
            raise WrongCall("A0925", f"`{seed}`: {error}", seed) from error
        except WrongCall as error:
            raise WrongCall(error.code, error.message, seed, label=error.label, hint=error.hint) from error
    return tuple(found)


def _from_json(space: "Space", seed: str) -> "list[Member]":
    from archc.cli.target import missing
    from archc.search.given import from_json

    path = Path(seed)
    if not path.is_file():
        raise missing(seed)
    try:
        return from_json(space, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}") from error


def _from_record(space: "Space", seed: str) -> "Member":
    from archc.cli.typed import declared
    from archc.spaces.recordtext import record_of

    program, name, _ = declared(seed, ("space",))
    return space.parsed(record_of(program, name), most=1)[0]


USUAL = {"--workers": 2, "--ahead": 4, "--trial-memory": 4000, "--trial-seconds": 600, "--seconds": 3600}


def positive(text: str, option: str) -> int:
    """Return the number that an option was given, which is above 0. Raises WrongCall."""
    from archc.cli.sample import whole

    found = whole(text, option)
    if found == 0:
        raise _nothing(text, option)
    return found


def seconds(text: str, option: str) -> float:
    """Return the time that an option was given, which is above 0 and may have a fraction. Raises WrongCall."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
        raise WrongCall("A0901", f"`{option}` takes a number of seconds", text, hint=f"{option} {USUAL[option]}")
    if not float(text):
        raise _nothing(text, option)
    return float(text)


def _nothing(text: str, option: str) -> WrongCall:
    return WrongCall(
        "A0923", f"`{option}` is 0, and nothing would be tried", text, hint=f"{option} {USUAL.get(option, 200)}"
    )


def evaluator_of(plan: Planned, asked: Asked) -> "Evaluator":
    """Return what evaluates: this process for quick readers, else child processes, here or on Ray.

    Raises WrongCall where none can be started.
    """
    from archc.search.costed import Costed, measured
    from archc.search.jobs import Inline, is_quick
    from archc.search.workers import Fleet, WorkerError, WorkerLimits, Workers

    goals = plan.search.objective
    slots = positive(asked.workers or "1", "--workers")
    longest, memory = asked.limits
    defaults = WorkerLimits()
    limits = WorkerLimits(
        seconds(longest, "--trial-seconds") if longest else defaults.seconds,
        positive(memory, "--trial-memory") * 2**20 if memory else defaults.memory,
    )
    if asked.ray:
        return Costed(_on_ray(plan, asked, Fleet(slots, limits)), goals)
    if is_quick(plan.task):
        return Costed(Inline(plan.task, measured(goals)), goals)
    try:
        return Costed(Workers(plan.task_name, measured(goals), Fleet(slots, limits)), goals)
    except WorkerError as error:
        raise WrongCall("A0921", f"the task `{plan.task_name}` cannot be made: {error}", plan.task_name) from error


def known_results(plan: Planned, asked: Asked) -> "Known":
    """Return what other searches of the task found. Raises WrongCall on a store that cannot be read, or of another task."""
    from archc.search.reading import read
    from archc.search.recalled import known_of
    from archc.search.store import StoreError

    found: dict[tuple[str, float], Metrics] = {}
    for name in asked.known:
        try:
            contents = read(Path(name))
        except StoreError as error:
            raise WrongCall("A0924", str(error), name) from error
        task = contents.about.fixed.get("task")
        if task != plan.task_name:
            raise WrongCall("A0924", f"{name} has results of the task {task}, and this is {plan.task_name}", name)
        found |= known_of(contents.saved.trials, plan.search.objective)
    return found


def _on_ray(plan: Planned, asked: Asked, fleet: object) -> "Evaluator":
    from archc.search.cluster import ClusterError, OnRay
    from archc.search.costed import measured
    from archc.search.workers import Fleet

    assert isinstance(fleet, Fleet), fleet
    try:
        return OnRay(plan.task_name, measured(plan.search.objective), fleet, asked.ray)
    except ClusterError as error:
        raise WrongCall("A0928", str(error), asked.ray, hint=error.hint) from error


def store_path(text: str, target: str) -> Path:
    """Return where the trials are kept: what was asked, else the name of the space in this folder."""
    return Path(text or f"{target.rpartition(':')[2]}.archdb")
