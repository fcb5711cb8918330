"""Markdown files whose blocks are programs, commands and answers; a wrong answer can be written anew."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from archc.check import check
from archc.cli import main
from archc.grammar.diagnostics import CompileError
from archc.grammar.render import render
from archc.load import load_text
from archc.show.declaration import described

ROOT = Path(__file__).parent.parent
ACCEPT = bool(os.environ.get("ARCHC_ACCEPT"))
FENCE = re.compile(r"^(`{3,})(.*)$")
WIDTH = 100


@dataclass(frozen=True)
class Block:
    """A fenced block, or the prose between two (`info` is None). `line` is that of the fence."""

    info: str | None
    text: str
    line: int

    @property
    def language(self) -> str:
        """The first word after the fence."""
        return (self.info or "").split(" ")[0]

    @property
    def file(self) -> str:
        """The second word after the fence: the file that the block is saved to."""
        return (self.info or "").partition(" ")[2].strip()

    def __str__(self) -> str:
        return self.text if self.info is None else f"```{self.info}\n{self.text}```\n"


def inside(folder: Path) -> Path:
    """Return a new folder in `folder`: a session begins in an empty one."""
    return Path(mkdtemp(dir=folder))


def blocks(text: str) -> list[Block]:
    """Return `text` cut into blocks and the prose between them; joined again they are `text`."""
    found: list[Block] = []
    held: list[str] = []
    start, fence, info = 1, "", None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        match = FENCE.match(line.rstrip("\n"))
        if match and not fence:
            found.append(Block(None, "".join(held), start))
            start, fence, info, held = number, match[1], match[2].strip(), []
        elif fence and line.rstrip("\n") == fence:
            found.append(Block(info, "".join(held), start))
            start, fence, held = number + 1, "", []
        else:
            held.append(line)
    assert not fence, f"the block of line {start} has no end"
    return [block for block in [*found, Block(None, "".join(held), start)] if block.info is not None or block.text]


def answer(program: str, folder: Path, name: str = "case.arch") -> str:
    """Return what archc says to `program`: its complaints, else what `check -v` tells of each declaration."""
    (folder / "arch.toml").touch()
    (folder / name).write_text(program, encoding="utf-8")
    try:
        with contextlib.chdir(folder):
            checked = check(load_text(program, name, folder))
    except CompileError as error:
        return render(error.diagnostics, color=False, width=WIDTH).rstrip("\n") + "\n"
    warnings = render(checked.warnings, color=False, width=WIDTH).rstrip("\n") + "\n" if checked.warnings else ""
    return warnings + "".join(f"{described(found)}\n" for found in checked.declarations.values())


@dataclass(frozen=True)
class Runner:
    """Runs commands and Python in `folder`: archc in this process, or everything under another `python`."""

    folder: Path
    python: str = ""

    def console(self, session: str) -> str:
        """Return `session`, lines of `$ archc ...` and what they print, with what they print now."""
        commands = [line for line in session.splitlines() if line.startswith("$ ")]
        assert commands, f"no line starts with `$ `:\n{session}"
        return "".join(f"{command}\n{self._command(command[2:])}" for command in commands)

    def script(self, text: str) -> str:
        """Return what the Python `text` prints."""
        return self._process([self.python or sys.executable, "-W", "error", "-c", text])

    def _command(self, command: str) -> str:
        program, *words = shlex.split(command, comments=True)
        assert program == "archc", f"only archc runs here, and not {command}"
        if self.python:
            return self._process([self.python, "-m", "archc", *words])
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = main(words)
        assert code != 3, printed.getvalue()
        return printed.getvalue()

    def _process(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode in (0, 1, 2), done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


def rerun(found: Sequence[Block], runner: Runner) -> Iterator[tuple[Block, Block]]:
    """Yield each answering block beside what it says now.

    An `arch` block is a program, its answer the `text` block behind it; with a file name it is saved and not asked
    about. A `console` block holds its commands and their answers. What a `python` block prints is the `text` block
    behind it.
    """
    for at, block in enumerate(found):
        following = found[at + 1] if at + 1 < len(found) else Block(None, "", 0)
        answered = following if following.language == "text" else Block("text", "", block.line)
        if block.language in ("arch", "json") and block.file:
            path = runner.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "arch":
            yield answered, replace(answered, text=answer(block.text, runner.folder))
        elif block.language == "python":
            yield answered, replace(answered, text=runner.script(block.text))
        elif block.language == "console":
            yield block, replace(block, text=runner.console(block.text))


def wrong_answers(document: Path, runner: Runner) -> str:
    """Return every answer in `document` that is not what is said now, beside what is; empty when all are true."""
    found = blocks(document.read_text(encoding="utf-8"))
    return "\n".join(
        f"{document.name}:{expected.line} expects\n{expected.text}\nand archc says\n{now.text}"
        for expected, now in rerun(found, runner)
        if expected.text != now.text
    )


def rewritten(text: str, runner: Runner) -> str:
    """Return the document `text` with every answer as it is now; a missing one is put in."""
    found = blocks(text)
    now = {expected.line: new for expected, new in rerun(found, runner)}
    lines: list[str] = []
    for block in found:
        answers = block.language in ("text", "console")
        lines.append(str(now.pop(block.line, block) if answers else block))
        if block.line in now and now[block.line].text:
            lines.append(str(now[block.line]))
    return "".join(lines)
