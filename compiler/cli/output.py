"""Text to standard output, diagnostics to standard error, files whole or not at all."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import NOWHERE, Source, Span

JSON_VERSION = 1


class WrongCall(Exception):
    """The command was called wrongly; `word` is the argument that would have to change."""

    def __init__(self, code: str, message: str, word: str = "", *, label: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.word, self.label, self.hint = code, message, word, label, hint

    def diagnostic(self, given: Sequence[str]) -> Diagnostic:
        """Return the complaint, with its place in the command line `given`."""
        import shlex

        span = NOWHERE
        places = [at for at, word in enumerate(given) if word == self.word]
        places += [at for at, word in enumerate(given) if word.startswith(f"{self.word}:")]
        at = places[0] if self.word and places else None
        if at is not None:
            start = len(shlex.join(["archc", *given[:at], ""])) - len("''")
            span = Span(
                start, start + len(shlex.quote(self.word)), Source("command line", shlex.join(["archc", *given]))
            )
        return Diagnostic(self.code, self.message, span, self.label, hint=self.hint)


def emit(text: str, *, to: TextIO | None = None) -> None:
    """Print `text`, and stop quietly when nobody reads on.

    Raises WrongCall when the text cannot be written.
    """
    stream = sys.stdout if to is None else to
    try:
        _write(stream, text)
    except BrokenPipeError:
        _silence(stream)
        raise SystemExit(0) from None
    except OSError as error:
        _silence(stream)
        raise WrongCall("A0908", f"the output cannot be written: {error.strerror}") from error


def _write(stream: TextIO, text: str) -> None:
    line = text if text.endswith("\n") or not text else text + "\n"
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _silence(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not stumble over it at exit."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def emit_json(fields: Mapping[str, object]) -> None:
    """Print `fields` as one JSON object that says its version."""
    import json

    emit(json.dumps({"version": JSON_VERSION, **fields}, indent=2))


def show(diagnostics: Sequence[Diagnostic], *, as_json: bool = False) -> None:
    """Print `diagnostics` to standard error."""
    from archc.grammar.render import render, to_json

    if as_json:
        emit(to_json(diagnostics), to=sys.stderr)
    else:
        emit(render(diagnostics, color=coloured(sys.stderr), width=width()), to=sys.stderr)


def coloured(stream: TextIO) -> bool:
    """Whether `stream` is a terminal whose user has not switched colour off."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns to fill: those of the terminal, from 60 to 100."""
    import shutil

    return max(60, min(100, shutil.get_terminal_size((100, 24)).columns))


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` completely, or leave `path` as it was.

    Raises WrongCall when that is not possible.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        import shlex

        hint = "" if path.parent.is_dir() else f"mkdir -p {shlex.quote(str(path.parent))}"
        raise WrongCall("A0908", f"`{path}` cannot be written: {error.strerror}", str(path), hint=hint) from error


def _replace(path: Path, text: str) -> None:
    import tempfile

    mask = os.umask(0)
    os.umask(mask)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
