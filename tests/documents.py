"""Markdown files whose blocks are programs, commands and answers; a wrong answer can be written anew."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archc.check import Checked, check
from archc.cli import main
from archc.grammar.diagnostics import CompileError
from archc.grammar.render import render
from archc.load import load_text

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
        checked = check(load_text(program, name, folder))
    except CompileError as error:
        return render(error.diagnostics, color=False, width=WIDTH).rstrip("\n") + "\n"
    warnings = render(checked.warnings, color=False, width=WIDTH).rstrip("\n") + "\n" if checked.warnings else ""
    return warnings + "".join(_described(found) for found in checked.declarations.values())


def _described(found: Checked) -> str:
    lines = [f"{found.kind} {found.signature}", *(f"    needs  {condition}" for condition in found.preconditions)]
    return "".join(f"{line}\n" for line in lines)


def console(session: str, folder: Path) -> str:
    """Return `session`, lines of `$ archc ...` and what they print, with what they print now in `folder`."""
    commands = [line for line in session.splitlines() if line.startswith("$ ")]
    assert commands, f"no line starts with `$ `:\n{session}"
    return "".join(f"{command}\n{_run(command[2:], folder)}" for command in commands)


def _run(command: str, folder: Path) -> str:
    program, *words = shlex.split(command, comments=True)
    assert program == "archc", f"only archc runs here, and not {command}"
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(words)
    assert code != 3, printed.getvalue()
    return printed.getvalue()


def rerun(found: Sequence[Block], folder: Path) -> Iterator[tuple[Block, Block]]:
    """Yield each answering block beside what it says now.

    An `arch` block is a program, its answer the `text` block behind it; with a file name it is saved and not asked
    about. A `console` block holds its commands and their answers.
    """
    for at, block in enumerate(found):
        if block.language == "arch" and block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "arch":
            following = found[at + 1] if at + 1 < len(found) else Block(None, "", 0)
            answered = following if following.language == "text" else Block("text", "", block.line)
            yield answered, replace(answered, text=answer(block.text, folder))
        elif block.language == "console":
            yield block, replace(block, text=console(block.text, folder))


def rewritten(text: str, folder: Path) -> str:
    """Return the document `text` with every answer as it is now; a missing one is put in."""
    found = blocks(text)
    now = {id(block): new for block, new in rerun(found, folder)}
    lines: list[str] = []
    for at, block in enumerate(found):
        lines.append(str(now.get(id(block), block)))
        unanswered = block.language == "arch" and not block.file
        if unanswered and (at + 1 == len(found) or found[at + 1].language != "text"):
            lines.append(str(Block("text", answer(block.text, folder), 0)))
    return "".join(lines)
