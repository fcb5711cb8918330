"""`archc fmt`: one layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from archc.cli.options import Json


@dataclass(frozen=True, slots=True)
class Formatting:
    """One file's text before and after."""

    path: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the file has another layout."""
        return self.before != self.after

    def diff(self) -> str:
        """Return the change as a unified diff."""
        import difflib

        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, self.path, self.path))


def fmt(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders, or - to filter.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print the changes, exit 1 if any.")] = False,
    json: Json = False,
) -> int:
    """Rewrite files in the one layout that archc has."""
    from archc.cli.check import arch_files

    files = [_formatted(path) for path in arch_files(paths)]
    if check or diff or json:
        _tell(files, diff=diff, as_json=json)
    if check or diff:
        return 1 if any(file.changed for file in files) else 0
    _write(files, silent=json)
    return 0


def _formatted(path: str) -> Formatting:
    from archc.cli.target import standard_input
    from archc.grammar.format import format_source
    from archc.grammar.source import Source
    from archc.load import read_source

    source = Source("<stdin>", standard_input()) if path == "-" else read_source(Path(path))
    return Formatting(path, source.text, format_source(source))


def _tell(files: Sequence[Formatting], *, diff: bool, as_json: bool) -> None:
    from archc.cli.output import emit, emit_json

    if as_json:
        rows = [{"path": file.path, "changed": file.changed, "diff": file.diff() if diff else None} for file in files]
        emit_json({"files": rows})
    elif diff:
        emit("".join(file.diff() for file in files))
    else:
        changed = [file.path for file in files if file.changed]
        emit("\n".join(f"{path} has another layout" for path in changed) or f"{len(files)} in layout")


def _write(files: Sequence[Formatting], *, silent: bool) -> None:
    from archc.cli.output import emit, write_whole

    for file in files:
        if file.path == "-":
            emit(file.after)
        elif file.changed:
            write_whole(Path(file.path), file.after)
            if not silent:
                emit(f"{file.path} laid out")
