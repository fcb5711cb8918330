"""The essays on the codes: what each calls wrong brings its code, and what it calls right is right."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from documents import ACCEPT, ROOT, Block, Runner, answer, blocks

DECODING = "A056"
ESSAYS = sorted(file for file in (ROOT / "grammar/essays").glob("*.md") if not file.stem.startswith(DECODING))
"""What needs a tokenizer and a model to come about is brought about in test_decode.py."""
LANGUAGE = (ROOT / "docs/language.md").read_text(encoding="utf-8")


@cache
def _programs(file: Path) -> tuple[tuple[Block, Block | None, str], ...]:
    """Return each program and Python script, the answer that follows it (None for a right one), and what archc says."""
    with TemporaryDirectory() as folder:
        return tuple(_said(file, Path(folder)))


def _said(file: Path, folder: Path) -> Iterator[tuple[Block, Block | None, str]]:
    found = blocks(file.read_text(encoding="utf-8"))
    for at, block in enumerate(found):
        following = found[at + 1] if at + 1 < len(found) and found[at + 1].language == "text" else None
        if block.language == "arch" and block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "arch":
            yield block, following, answer(block.text, folder)
        elif block.language == "python" and following is not None:
            yield block, following, Runner(folder).script(block.text)


def _accept(file: Path) -> None:
    now = {following.line: said for _, following, said in _programs(file) if following is not None}
    kept = blocks(file.read_text(encoding="utf-8"))
    text = "".join(f"```text\n{now[block.line]}```\n" if block.line in now else str(block) for block in kept)
    file.write_text(text, encoding="utf-8")
    _programs.cache_clear()


@pytest.mark.parametrize("file", ESSAYS, ids=lambda file: file.stem)
def test_what_an_essay_calls_wrong_brings_its_code(file: Path) -> None:
    if ACCEPT:
        _accept(file)
    for block, expected, said in _programs(file):
        if expected is not None:
            assert said == expected.text, f"{file.name}:{block.line}"
            assert file.stem in said, f"{file.name}:{block.line} brings\n{said}"
            assert re.findall(r"^A0\d{3}", said, re.MULTILINE) == [file.stem], (
                f"{file.name}:{block.line} brings\n{said}"
            )


@pytest.mark.parametrize("file", ESSAYS, ids=lambda file: file.stem)
def test_what_an_essay_calls_right_is_right(file: Path) -> None:
    for block, expected, said in _programs(file):
        if expected is None:
            assert not re.search(r"^A0\d{3}  ", said, re.MULTILINE), f"{file.name}:{block.line} brings\n{said}"


@pytest.mark.parametrize("file", [file for file in ESSAYS if file.stem < "A0600"], ids=lambda file: file.stem)
def test_an_essay_shows_both(file: Path) -> None:
    found = blocks(file.read_text(encoding="utf-8"))
    answered = [
        block for block, after in zip(found, [*found[1:], None], strict=True) if after and after.language == "text"
    ]
    assert answered, "no program is followed by what archc says"
    if file.stem != "A0013":
        right = [block for block in found if block.language == "arch" and not block.file and block not in answered]
        assert right, "no program shows what is right"


@pytest.mark.parametrize("file", [file for file in ESSAYS if file.stem < "A0900"], ids=lambda file: file.stem)
def test_an_essay_is_short_and_points_at_the_reference(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert 10 <= len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) <= 120
    sections = re.findall(r"docs/language\.md,\s+sections? ([\d, and]+)", text)
    assert sections, "an essay says where the rule stands"
    for number in re.findall(r"\d+", " ".join(sections)):
        assert f"\n## {number}. " in LANGUAGE, f"docs/language.md has no section {number}"
