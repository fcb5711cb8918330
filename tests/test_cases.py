"""What the compiler says to a program: every file in tests/cases. `make accept` rewrites the answers."""

from pathlib import Path

import pytest
from documents import ACCEPT, Runner, blocks, inside, rewritten, wrong_answers

CASES = sorted((Path(__file__).parent / "cases").glob("*.md"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_archc_says_what_the_case_says(file: Path, tmp_path: Path) -> None:
    if ACCEPT:
        file.write_text(rewritten(file.read_text(encoding="utf-8"), Runner(inside(tmp_path))), encoding="utf-8")
    wrong = wrong_answers(file, Runner(inside(tmp_path)))
    assert not wrong, wrong


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_file_is_short_and_has_a_case(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert any(block.language in ("arch", "console") for block in blocks(text))


def test_there_are_cases() -> None:
    assert CASES


def test_an_answer_that_is_missing_or_old_is_written_anew(tmp_path: Path) -> None:
    document = "A name that is not there.\n```arch\narch 0.1\nmodel Bad : [4] -> [2] = liner(2)\n```\nMore prose.\n"
    once = rewritten(document, Runner(tmp_path))
    assert "A0101" in once and once.endswith("More prose.\n")
    assert rewritten(once, Runner(tmp_path)) == once
    assert rewritten(once.replace("A0101", "A9999"), Runner(tmp_path)) == once
