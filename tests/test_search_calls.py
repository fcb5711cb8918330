"""`archc search` called wrongly in what comes at its end, and stores that are in the way: told before anything is tried."""

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from archc.cli import main
from archc.cli.live import Log, Tally
from archc.search.cluster import ClusterError, _require_answer
from archc.search.protocol import Objective, Trial
from archc.search.reading import read
from archc.spaces.forest import Derivation

SPACE = "arch 0.1\n\nspace Net : [8] -> [2] = linear(4 | 8 | 16) -> (relu | gelu | tanh) -> linear(2)\n"
COUNTED = ["--task", "proxy:params"]

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arch.toml").touch()
    (tmp_path / "net.arch").write_text(SPACE)
    return tmp_path


def search(*words: str) -> int:
    return main(["search", "net.arch:Net", *words])


def errors(capsys: Output) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--export", "csv"], "`Net.csv` is there already"),
        (["--export-best", "net.arch"], "`net.arch` is a file, and `--export-best` writes a folder"),
        (["--trial", "3"], "`--export-best` writes, and that is not asked"),
        (["--export-best", "best", "--trial", "x"], "`--trial` takes a whole number"),
        (["--salvage"], "--resume --salvage"),
        (["--store", "."], "is a folder, and a store is one file"),
        (["--store", "nowhere/a.archdb"], "there is no folder nowhere"),
        (["--workers", "0"], "--workers 2"),
        (["--seconds", "0.0"], "`--seconds` is 0"),
        (["--seconds", "nan"], "`--seconds` takes a number of seconds"),
        (["--seed", "1234567890123"], "with at most nine digits"),
        (["--option", "population"], "--option population=40"),
        (["--seed-arch", "empty.json"], "expected at least one member, found an empty list"),
        (["--seed-arch", "bytes.json"], "it is not UTF-8 text: byte 0 is 0xff"),
        (["--strategy", "llm"], "expected a language model, model=python:module:callable"),
        (["--strategy", "evo"], "nearest: evolution"),
        (["--strategy", "additive", "--option", "cost=params"], "cost and most go together"),
        (["--task", "proxy"], "expected proxy:NAME with one of gradsign"),
        (["--task", "tabular:nothing.csv"], "nothing.csv cannot be read: No such file or directory"),
    ],
)
def test_what_would_go_wrong_at_the_end_is_told_at_once(
    words: list[str], says: str, folder: Path, capsys: Output
) -> None:
    (folder / "Net.csv").touch()
    (folder / "empty.json").write_text("[]")
    (folder / "bytes.json").write_bytes(b"\xff\xfe")
    assert search(*COUNTED * ("--task" not in words), "--trials", "3", *words) == 2
    assert says in errors(capsys)
    assert not (folder / "Net.archdb").exists()


def test_a_package_that_an_export_needs_is_asked_for_at_once(
    folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert search(*COUNTED, "--trials", "3", "--export", "parquet") == 2
    assert "Parquet needs pyarrow" in errors(capsys) and not (folder / "Net.archdb").exists()


def test_seconds_may_have_a_fraction(capsys: Output) -> None:
    assert search(*COUNTED, "--seconds", "0.5", "--strategy", "random") == 0
    assert "every member of the space was asked" in capsys.readouterr().out


def test_a_store_that_is_in_use_is_not_to_be_resumed(folder: Path, capsys: Output) -> None:
    from archc.search.lock import Lock

    held = Lock.take(folder / "Net.archdb")
    assert search(*COUNTED, "--trials", "3") == 2
    held.release()
    told = errors(capsys)
    assert "in use by process" in told and "--resume" not in told


def test_trials_for_a_share_of_the_training_are_said_to_be_that(capsys: Output) -> None:
    assert search(*COUNTED, "--trials", "6", "--strategy", "successive-halving") == 2
    told = errors(capsys)
    assert "no trial was trained in full: 6 were for a share" in told and "--resume --trials 12" in told
    assert main(["report", "Net.archdb"]) == 2
    assert "6 trials; no trial was trained in full" in errors(capsys)


def test_a_folder_is_no_store_to_read(capsys: Output) -> None:
    assert main(["report", "."]) == 2
    assert "is a folder" in errors(capsys)


def test_the_command_beside_a_network_is_that_of_its_search(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["archc", "first"])
    assert search(*COUNTED, "--trials", "3") == 0
    monkeypatch.setattr(sys, "argv", ["archc", "second"])
    assert search("--resume", "--export-best", "best") == 0
    assert '"command": "archc first"' in (folder / "best" / "metrics.json").read_text()


def test_the_file_alone_is_the_store_even_where_a_reader_is_about(folder: Path) -> None:
    assert search(*COUNTED, "--trials", "3") == 0
    reader = sqlite3.connect("file:Net.archdb?mode=ro", uri=True)
    assert reader.execute("SELECT count(*) FROM trials").fetchone() == (3,)
    assert search(*COUNTED, "--resume", "--trials", "6") == 0
    shutil.copy("Net.archdb", "sent.archdb")
    reader.close()
    assert len(read(folder / "sent.archdb").saved.trials) == 6


def test_a_log_names_a_reason_once(capsys: Output) -> None:
    log = Log(Tally(Objective.of(maximize=["a"]), 9))
    for number, reason in enumerate(["no luck", "no luck", "no time"]):
        log.ended(Trial(number, "", Derivation(()), "", 0, 1.0, "failed", reason=reason))
    assert capsys.readouterr().out.splitlines() == [
        "trial 0 has no result: no luck",
        "trial 2 has no result: no time",
    ]


@pytest.mark.parametrize("address", ["localhost:1", "ray://localhost:1", "localhost:port", "[::1]:1"])
def test_a_cluster_that_is_not_there_is_told_without_ray(address: str) -> None:
    with pytest.raises(ClusterError, match="no Ray cluster answers at"):
        _require_answer(address)


COUNTING = """
from pathlib import Path


class Counting:
    metrics = {"score": "maximize"}
    quick = True

    def read(self, candidate, budget):
        with Path("asked").open("a") as file:
            file.write(candidate.key + "\\n")
        return {"score": float(sum(map(int, candidate.key.split())))}

    def identity(self, candidate):
        return candidate.hash
"""


def test_what_another_search_found_is_not_evaluated_again(
    folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "calls_task", raising=False)
    (folder / "calls_task.py").write_text(COUNTING)
    task = ["--task", "python:calls_task:Counting"]
    assert search(*task, "--trials", "5", "--strategy", "exhaustive", "--store", "first.archdb") == 0
    words = [*task, "--trials", "9", "--strategy", "exhaustive", "--known", "first.archdb", "--store", "second.archdb"]
    assert search(*words) == 0
    asked = (folder / "asked").read_text().split("\n")[:-1]
    assert len(asked) == len(set(asked)) == 9
    trials = read(folder / "second.archdb").saved.trials
    assert [trial.metrics["score"] for trial in trials] == [sum(map(int, trial.key.split())) for trial in trials]
    assert all("params" in trial.metrics for trial in trials)
    assert search(*COUNTED, "--trials", "9", "--known", "first.archdb") == 2
    assert "first.archdb has results of the task python:calls_task:Counting" in errors(capsys)
    assert search(*COUNTED, "--trials", "9", "--known", "nothing.archdb") == 2
    assert "there is no store nothing.archdb" in errors(capsys)


@pytest.mark.parametrize(
    ("takes", "is_told"),
    [("[8]", False), ("[9]", True), ("Id(16)[8]", True), ("(x: [8], y: [8])", True), ("[1, 8]", True)],
)
def test_a_task_that_hands_out_something_else_is_told_before_a_trial(
    takes: str, is_told: bool, folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "calls_task", raising=False)
    (folder / "calls_task.py").write_text(COUNTING + f"    takes = {takes!r}\n")
    assert search("--task", "python:calls_task:Counting", "--trials", "2") == (2 if is_told else 0)
    assert (f"hands a network {takes}, and these take [8]" in errors(capsys)) == is_told


def test_a_condition_that_is_not_that_of_the_store_is_named(capsys: Output) -> None:
    assert search(*COUNTED, "--trials", "3") == 0
    assert search("--resume", "--trials", "6", "--where", "params <= 100") == 2
    assert "of another space where all is allowed, found params <= 100; take" in errors(capsys)


def test_damage_is_told_by_the_report_and_how_to_go_on_by_the_search(folder: Path, capsys: Output) -> None:
    assert search(*COUNTED, "--trials", "4") == 0
    path = folder / "Net.archdb"
    data = bytearray(path.read_bytes())
    data[data.find(b'{"params":') + 2] ^= 1
    path.write_bytes(data)
    assert search("--resume", "--trials", "6") == 2
    assert "try --resume --salvage" in errors(capsys)
    assert main(["report", "Net.archdb"]) == 0
    assert "damaged: 1 of 4 trials: " in capsys.readouterr().out
    assert search("--resume", "--trials", "6", "--salvage") == 0
