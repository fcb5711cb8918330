"""One evaluation, in a process of its own that is forked for it."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from archc.build import build
from archc.check import check
from archc.grammar.limits import DEFAULT
from archc.graph import Graph
from archc.load import load_text
from archc.search.kernel import be_first_to_go, die_with_parent, limit_memory, write_no_core
from archc.search.tasks.base import AnyTask, Budget, Candidate, evaluate

LONGEST = 2000
"""Characters of a reason that are kept."""

MARGIN = 256 * 2**20
"""Bytes by which the kernel's own limit is above that of memory in use: not all that is reserved is used."""


@dataclass(frozen=True, slots=True)
class Commands:
    """A job as the driver wrote it, and what goes for all of them."""

    entry: Mapping[str, object]
    device: str
    memory: int | None


@dataclass(frozen=True, slots=True)
class Born:
    """A child that was forked: its process, and the pipes for its answer and its output."""

    pid: int
    answer: int
    output: int


def conceive(task: AnyTask, commands: Commands) -> Born:
    """Return a new child that evaluates; in the child this never returns."""
    answer, answer_end = os.pipe()
    output, output_end = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _live(task, commands, parent, answer_end, output_end)
    os.close(answer_end)
    os.close(output_end)
    return Born(pid, answer, output)


def _live(task: AnyTask, commands: Commands, parent: int, answer: int, output: int) -> NoReturn:
    """Evaluate, write the answer and end, whatever happens."""
    code = 1
    try:
        os.setsid()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _close_all_but(answer)
        _confine(commands)
        data = json.dumps(_answer(task, commands)).encode()
        while data:
            data = data[os.write(answer, data) :]
        code = 0
    finally:
        os._exit(code)


def _close_all_but(answer: int) -> None:
    """Close what belongs to the parent: commands, and the pipes of other children."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in os.listdir("/dev/fd"):
        handle = int(name)
        if handle > 2 and handle != answer:
            try:
                os.close(handle)
            except OSError:
                continue


def _confine(commands: Commands) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(name, signal.SIG_DFL)
    write_no_core()
    be_first_to_go()
    if commands.memory is not None and commands.device == "cpu":
        limit_memory(commands.memory + MARGIN)


def _answer(task: AnyTask, commands: Commands) -> Mapping[str, object]:
    """Return the metrics, or the reason for which there are none."""
    match commands.entry:
        case {
            "key": str() as key,
            "text": str() as text,
            "recipe": Mapping() as recipe,
            "share": int() | float() as share,
            "seed": int() as seed,
        }:
            budget = Budget(float(share), seed, device=commands.device)
        case other:
            raise AssertionError(other)
    _seed(seed)
    try:
        found = evaluate(task, Candidate(key, lambda: graph_of(text), recipe), budget)
        return {"metrics": {str(name): _number(value) for name, value in found.items()}}
    except MemoryError as error:
        return {"reason": f"out of memory: {error}"[:LONGEST]}
    except BaseException as error:  # noqa: BLE001  whatever a task raises is the reason of this trial
        return {"reason": _told(error)}


def graph_of(text: str) -> Graph:
    """Return the graph of the last model of an .arch text. Raises CompileError on what is no program."""
    program = check(load_text(text, "<member>", None, DEFAULT), DEFAULT)
    *_, name = program.declarations
    return build(program, name)


def _seed(seed: int) -> None:
    import random

    random.seed(seed)
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(seed % 2**32)


def _number(value: object) -> object:
    """Return a number of torch or numpy as one of Python; what is none stays, for the driver to say so."""
    if isinstance(value, bool | int | float):
        return value
    item = getattr(value, "item", None)
    found: object = item() if callable(item) else repr(value)[:LONGEST]
    if isinstance(found, bool | int | float):
        return found
    return f"the {type(value).__name__} {value!r}"[:LONGEST]


def _told(error: BaseException) -> str:
    """Return what was raised, and where."""
    text = f"{type(error).__name__}: {error}"
    if "can't allocate memory" in text or "out of memory" in text:
        text = f"out of memory: {text}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
    return text[: LONGEST - len(where)] + where
