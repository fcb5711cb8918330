"""What docs/spaces.md says is so."""

from dataclasses import dataclass, field
from pathlib import Path

from documents import ACCEPT, ROOT, Runner, blocks, inside, rewritten, wrong_answers

PAGE = ROOT / "docs/spaces.md"
MARK = "-- from here on --"


@dataclass(frozen=True)
class Session(Runner):
    """Runs the Python blocks of the page one behind the other in one process, as a reader does, and once."""

    printed: list[str] = field(default_factory=list)

    def script(self, text: str) -> str:
        """Return what the Python block `text` prints behind those before it."""
        if not self.printed:
            scripts = [block.text for block in blocks(PAGE.read_text(encoding="utf-8")) if block.language == "python"]
            whole = f"print({MARK!r})\n".join(["", *scripts])
            self.printed.extend(reversed(Runner.script(self, whole).split(f"{MARK}\n")[1:]))
        return self.printed.pop()


def session(folder: Path) -> Session:
    (folder / "examples").symlink_to(ROOT / "examples")
    return Session(folder)


def test_the_page_is_true(tmp_path: Path) -> None:
    if ACCEPT:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), session(inside(tmp_path))), encoding="utf-8")
    found = [block.language for block in blocks(PAGE.read_text(encoding="utf-8"))]
    assert found.count("console") >= 8 and found.count("python") >= 5
    wrong = wrong_answers(PAGE, session(inside(tmp_path)))
    assert not wrong, wrong
