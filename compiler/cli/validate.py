"""`archc validate`: documents against a data type."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import Json
from archc.cli.typed import TypeTarget

if TYPE_CHECKING:
    from archc.data.kinds import Schema
    from archc.data.violations import Violation
    from archc.grammar.diagnostics import Diagnostic
    from archc.grammar.source import Source, Span

Documents = Annotated[list[str], typer.Argument(metavar="DOC...", help="JSON files, or - for standard input.")]


@dataclass(frozen=True, slots=True)
class Validated:
    """What archc found in one document, and where."""

    path: str
    violations: tuple[tuple["Violation", "Span"], ...]


def validate(target: TypeTarget, documents: Documents, json: Json = False) -> int:
    """Say what is wrong with JSON documents, and where.

    Conditions and computed fields are included.
    """
    from archc.cli.output import emit, show
    from archc.cli.typed import typed

    schema = typed(target)
    found = [validated(schema, path) for path in dict.fromkeys(documents)]
    wrong = sum(bool(one.violations) for one in found)
    if json:
        _print_json(found)
        return 1 if wrong else 0
    if wrong:
        show([_diagnostic(violation, span) for one in found for violation, span in one.violations])
    many = f"{len(found)} document{'s' * (len(found) != 1)}"
    emit(f"{wrong} of {many} to mend" if wrong else f"{many} validated, nothing to mend")
    return 1 if wrong else 0


def validated(schema: "Schema", path: str) -> Validated:
    """Return what is wrong with the document at `path`. Raises WrongCall when there is no such file."""
    from archc.data.json_text import JsonError, read
    from archc.data.validate import validate as violations_of
    from archc.data.violations import Violation
    from archc.grammar.source import Source, Span

    source = Source("<stdin>" if path == "-" else path, _text(path))
    try:
        found = violations_of(schema, read(source.text))
    except JsonError as error:
        end = min(error.position + 1, len(source.text))
        return Validated(path, ((Violation((), "A0521", error.message), Span(error.position, end, source)),))
    return Validated(path, _placed(source, found))


def _placed(source: "Source", violations: Sequence["Violation"]) -> tuple[tuple["Violation", "Span"], ...]:
    from archc.data.json_places import keys, places

    values = places(source, [violation.path for violation in violations])
    names = keys(source, [violation.path for violation in violations if violation.code == "A0524"])
    return tuple((violation, names.get(violation.path, values[violation.path])) for violation in violations)


def _text(path: str) -> str:
    """Return the text of a document, up to just over what is read of one."""
    from archc.cli.output import WrongCall
    from archc.cli.target import missing
    from archc.data.json_text import LENGTH

    most = 4 * LENGTH + 4
    name = "standard input" if path == "-" else f"`{path}`"
    if path != "-" and not os.path.isfile(path):
        raise missing(path)
    try:
        if path == "-":
            return sys.stdin.buffer.read(most).decode("utf-8")
        with Path(path).open("rb") as file:
            return file.read(most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongCall("A0907", f"{name} is not UTF-8 at byte {error.start}", path) from error
    except OSError as error:
        raise WrongCall("A0902", f"{name} cannot be read: {error.strerror}", path) from error


def _diagnostic(violation: "Violation", span: "Span") -> "Diagnostic":
    from archc.grammar.diagnostics import Diagnostic

    place = f"{violation.place}: " if violation.path else ""
    return Diagnostic(violation.code, f"{place}{violation.message}", span)


def _print_json(found: Sequence[Validated]) -> None:
    from archc.cli.output import emit_json
    from archc.grammar.source import position

    documents = [
        {
            "path": one.path,
            "ok": not one.violations,
            "violations": [
                {
                    "at": list(violation.path),
                    "code": violation.code,
                    "message": violation.message,
                    **dict(zip(("line", "column"), position(span), strict=True)),
                }
                for violation, span in one.violations
            ],
        }
        for one in found
    ]
    emit_json({"documents": documents})
