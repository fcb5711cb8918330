"""What docs/search.md says is so: its space, its task, its strategy and its Python run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from archc.cli import main
from archc.search.named import STRATEGIES, strategies
from archc.search.reading import read

PAGE = (Path(__file__).parent.parent / "docs/search.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
WAVES = "arch 0.1\nspace Net : [32] -> [2] = linear(8 | 16) -> (relu | gelu) -> linear(2)\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "arch.toml").touch()
    (tmp_path / "waves.arch").write_text(WAVES)
    (tmp_path / "net.arch").write_text(next(text for language, text in BLOCKS if language == "arch"))
    for language, text in BLOCKS:
        named = re.match(r"# (my_\w+\.py)\n", text)
        if language == "python" and named:
            (tmp_path / named[1]).write_text(text)
            monkeypatch.delitem(sys.modules, named[1][:-3], raising=False)
    return tmp_path


def test_the_task_and_the_strategy_search(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "greedy", "my_strategy:Greedy")
    words = ["--task", "python:my_task:Sines", "--trials", "4", "--strategy", "greedy", "--quiet"]
    assert main(["search", "waves.arch:Net", *words]) == 0
    trials = read(folder / "Net.archdb").saved.trials
    assert len(trials) == 4 and all(0.0 <= trial.metrics["accuracy"] <= 1.0 for trial in trials)
    assert "edit" in {trial.origin["operator"] for trial in trials}


def test_the_python_runs() -> None:
    (script,) = [text for language, text in BLOCKS if language == "python" and text.startswith("import archc\n")]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("arch 0.1"), done.stderr


def test_every_strategy_is_on_the_page() -> None:
    table = PAGE.partition("## Which strategy")[2].partition("## What a report")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", table))
    assert not {name for name in strategies() if name in STRATEGIES} - named
