"""Every way into the compiler that takes text, for the tests that feed it what it was not made for."""

import ast
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from archc.build import build
from archc.check import Program, check
from archc.grammar.diagnostics import CompileError
from archc.grammar.format import format_source
from archc.grammar.render import render, to_json
from archc.grammar.source import Source
from archc.load import load_text
from archc.lower.arch import to_arch
from archc.lower.json_graph import to_json as to_json_graph
from archc.lower.python import to_python
from archc.show.summary import summarize

SECONDS = 6.0
"""Of the processor, for one text: against what never ends, on a machine that is busy with other things."""
MEGABYTES = 500


class Wrong(AssertionError):
    """An entry point did something else than to answer or to complain."""


@dataclass(slots=True)
class Tally:
    """What became of the inputs so far, and the longest that one took."""

    inputs: int = 0
    checked: int = 0
    built: int = 0
    codes: set[str] = field(default_factory=set)
    slowest: float = 0.0
    slowest_name: str = ""


def decoded(data: bytes) -> str | None:
    """Return `data` as text, or None where a file of it is refused before it is read as text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


T = TypeVar("T")


def _guarded(name: str, what: str, action: Callable[[], T], codes: set[str]) -> T | None:
    """Return what `action` gives, or None after a CompileError that renders well; anything else is Wrong."""
    try:
        return action()
    except CompileError as error:
        if not error.diagnostics:
            raise Wrong(f"{name}: {what} complains of nothing") from error
        codes.update(found.code for found in error.diagnostics)
        shown = render(error.diagnostics)
        if any(ord(char) < 32 and char != "\n" for char in shown):
            raise Wrong(f"{name}: {what} prints control characters: {shown!r}") from error
        json.loads(to_json(error.diagnostics))
        return None
    except Exception as error:
        raise Wrong(f"{name}: {what} raises {type(error).__name__}: {error}") from error


def feed(name: str, text: str, tally: Tally, *, seconds: float = SECONDS) -> None:
    """Give `text` to every entry point; each begins by parsing it. Raises Wrong when one does not end in an answer or in diagnostics, in time."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for what, action in (("format_source", _format), ("the compiler", _compile)):
        before = time.process_time()
        action(name, text, tally)
        took = time.process_time() - before
        if took > tally.slowest:
            tally.slowest, tally.slowest_name = took, f"{name}: {what}"
        if took > seconds:
            raise Wrong(f"{name}: {what} takes {took:.1f} s")
    tally.inputs += 1
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - held
    if used > MEGABYTES:
        raise Wrong(f"{name}: {used} MB more are in use")


def _format(name: str, text: str, tally: Tally) -> None:
    once = _guarded(name, "format_source", lambda: format_source(Source(name, text)), tally.codes)
    if once is not None and format_source(Source(name, once)) != once:
        raise Wrong(f"{name}: formatting again changes the text")


def _compile(name: str, text: str, tally: Tally) -> None:
    loaded = _guarded(name, "load_text", lambda: load_text(text, name), tally.codes)
    program = None if loaded is None else _guarded(name, "check", lambda: check(loaded), tally.codes)
    if program is None:
        return
    tally.checked += 1
    for own in list(program.declarations.values())[:8]:
        if own.kind in ("model", "block"):
            _lower(name, program, own.name, tally)


def _lower(name: str, program: Program, model: str, tally: Tally) -> None:
    graph = _guarded(name, f"build of {model}", lambda: build(program, model), tally.codes)
    if graph is None:
        return
    tally.built += 1
    python = _guarded(name, "to_python", lambda: to_python(graph), tally.codes)
    if python is not None:
        ast.parse(python)
    found = _guarded(name, "to_json", lambda: to_json_graph(graph), tally.codes)
    if found is not None:
        json.loads(found)
    _guarded(name, "to_arch", lambda: to_arch(graph), tally.codes)
    _guarded(name, "summary", lambda: summarize(graph).text(), tally.codes)
