"""What README.md says is so."""

import re
from pathlib import Path

from documents import ACCEPT, ROOT, Runner, blocks, inside, rewritten, wrong_answers

README = ROOT / "README.md"


def test_the_tour_is_true(tmp_path: Path) -> None:
    if ACCEPT:
        README.write_text(rewritten(README.read_text(encoding="utf-8"), Runner(inside(tmp_path))), encoding="utf-8")
    found = [block.language for block in blocks(README.read_text(encoding="utf-8"))]
    assert found.count("console") >= 4 and found.count("python") >= 1
    wrong = wrong_answers(README, Runner(inside(tmp_path)))
    assert not wrong, wrong


def test_the_commands_of_make_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`?\bmake ([a-z]+)`?", README.read_text(encoding="utf-8")))
    assert {"demo", "test"} <= named <= targets


def test_files_that_the_readme_names_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(
        r"`((?:docs|examples|tests|benchmarks)/[\w./-]+)`", text
    ):
        assert (ROOT / name).exists(), f"README.md names {name}"


def test_the_library_page_is_what_the_library_says() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_ops", ROOT / "docs/make_ops.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    text = (ROOT / "grammar/std/nn.arch").read_text(encoding="ascii")
    assert (ROOT / "docs/ops.md").read_text(encoding="utf-8") == made.ops_page(text), "run `make docs`"


def test_the_first_example_of_the_api_page_runs(tmp_path: Path) -> None:
    page = blocks((ROOT / "docs/cli.md").read_text(encoding="utf-8"))
    example = next(block for block in page if block.language == "python")
    (tmp_path / "resnet18.arch").write_text((ROOT / "examples/resnet18.arch").read_text(encoding="utf-8"))
    assert "total" in Runner(tmp_path).script(example.text)
