"""`archc check`: every diagnostic of every file."""

import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import Json

if TYPE_CHECKING:
    from archc.check import Checked
    from archc.grammar.diagnostics import Diagnostic

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, or - for standard input.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also print inferred types and preconditions.")]
Watch = Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes, until interrupted.")]

IMPORT = re.compile(r'^\s*import\s+"([^"\0]+\.arch)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Checking:
    """What archc found in one file: the declarations where it is right, the complaints where it is not."""

    path: str
    declarations: tuple["Checked", ...]
    diagnostics: tuple["Diagnostic", ...]

    @property
    def wrong(self) -> bool:
        """Whether a complaint is an error."""
        return any(found.severity == "error" for found in self.diagnostics)


def check(paths: Paths, verbose: Verbose = False, watch: Watch = False, json: Json = False) -> int:
    """Print every diagnostic of every file, folders too."""
    if watch:
        return _watched(paths, lambda: _once(paths, verbose=verbose, as_json=json))
    return _once(paths, verbose=verbose, as_json=json)


def _once(paths: Sequence[str], *, verbose: bool, as_json: bool) -> int:
    from archc.cli.output import emit, show

    found = [checked(path) for path in arch_files(paths)]
    unique = tuple(dict.fromkeys((entry, _place(entry)) for one in found for entry in one.diagnostics))
    diagnostics = [entry for entry, _ in unique]
    wrong = sum(one.wrong for one in found)
    if as_json:
        _print_json(found, diagnostics)
        return 1 if wrong else 0
    if verbose:
        emit("\n".join(map(_described, found)))
    if diagnostics:
        show(diagnostics)
    files = f"{len(found)} file{'s' * (len(found) != 1)}"
    emit(f"{wrong} of {files} to mend" if wrong else f"{files} checked, nothing to mend")
    return 1 if wrong else 0


def _place(found: "Diagnostic") -> tuple[str, str]:
    source = found.span.source
    return (source.name, source.text) if source else ("", "")


def checked(path: str) -> Checking:
    """Return what archc finds in the file at `path`. Raises WrongCall when there is no such file."""
    from archc.check import check as check_program
    from archc.cli.target import loaded
    from archc.grammar.diagnostics import CompileError

    try:
        program = check_program(loaded(path))
    except CompileError as error:
        return Checking(path, (), error.diagnostics)
    return Checking(path, tuple(program.declarations.values()), tuple(program.warnings))


def arch_files(paths: Sequence[str]) -> list[str]:
    """Return `paths` with each folder replaced by the .arch files in it, hidden folders left out.

    Raises WrongCall for a path that is not there and for a folder without such files.
    """
    from archc.cli.output import WrongCall
    from archc.cli.target import missing

    found: list[str] = []
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise missing(path)
        inside = _inside(Path(path)) if Path(path).is_dir() else [path]
        if not inside:
            raise WrongCall("A0902", f"no .arch file lies in `{path}`", path)
        found += inside
    return list(dict.fromkeys(found))


def _inside(folder: Path) -> list[str]:
    files = sorted(folder.rglob("*.arch"))
    hidden = [any(part.startswith(".") for part in file.relative_to(folder).parts) for file in files]
    return [str(file) for file, skip in zip(files, hidden, strict=True) if file.is_file() and not skip]


def _described(one: Checking) -> str:
    from archc.show.declaration import described

    return "\n".join([one.path, *(indent(described(entry), "  ") for entry in one.declarations)])


def _print_json(found: Sequence[Checking], diagnostics: Sequence["Diagnostic"]) -> None:
    import json

    from archc.cli.output import emit_json
    from archc.grammar.render import to_json

    files = [
        {
            "path": one.path,
            "ok": not one.wrong,
            "declarations": [
                {
                    "kind": entry.kind,
                    "name": entry.name,
                    "signature": entry.signature,
                    "preconditions": list(entry.preconditions),
                    "docs": list(entry.docs),
                }
                for entry in one.declarations
            ],
        }
        for one in found
    ]
    emit_json({"files": files, "diagnostics": json.loads(to_json(diagnostics))["diagnostics"]})


def _watched(paths: Sequence[str], once: Callable[[], int], *, pause: float = 0.3) -> int:
    from archc.cli.output import WrongCall

    seen = _stamps(_with_imports(arch_files(paths)))
    once()
    while True:
        time.sleep(pause)
        with suppress(WrongCall):  # an editor may take a file away for a moment
            now = _stamps(_with_imports(arch_files(paths)))
            if now != seen:
                once()
                seen = now


def _with_imports(files: Sequence[str]) -> list[str]:
    """Return `files` and what they import, whether or not they are right."""
    found = dict.fromkeys(files)
    waiting = list(files)
    while waiting:
        file = Path(waiting.pop())
        text = ""
        with suppress(OSError, UnicodeDecodeError):
            text = file.read_text(encoding="utf-8")
        for name in IMPORT.findall(text):
            other = str(Path(os.path.normpath(file.parent / name)))
            if other not in found:
                found[other] = None
                waiting.append(other)
    return list(found)


def _stamps(files: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for file in files:
        with suppress(OSError):
            found[file] = Path(file).stat().st_mtime_ns
    return found
