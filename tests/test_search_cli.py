"""archc search and archc report: what is typed, what is shown, what is written, and what is wrong with it."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from archc.cli import main
from archc.cli.live import Tally, table
from archc.search.origin import space_again
from archc.search.protocol import Objective, Trial
from archc.search.reading import read
from archc.spaces.forest import Derivation

SPACE = """arch 0.1

space Net : [8] -> [2] = linear(4 | 8 | 16) -> (relu | gelu | tanh) -> linear(2)

@objective(maximize = score, minimize = [params])
space Two : [8] -> [2] = Net

@objective(maximize = beauty)
space Odd : [8] -> [2] = Net
"""

TASKS = '''
from pathlib import Path


class Sum:
    """Reads the key."""

    metrics = {"score": "maximize", "loss": "minimize"}
    quick = True

    def read(self, candidate, budget):
        score = float(sum(map(int, candidate.key.split())))
        return {"score": score, "loss": -score}

    def identity(self, candidate):
        return candidate.key


class Fit:
    """Trains one step."""

    metrics = {"score": "maximize"}

    def fit(self, module, recipe, budget):
        import torch
        torch.manual_seed(budget.seed)
        step = torch.optim.SGD(module.parameters(), lr=0.1)
        loss = module(torch.randn(16, 8)).square().mean()
        loss.backward()
        step.step()
        return {"score": -float(loss.detach())}


class Missing(Sum):
    def read(self, candidate, budget):
        return {"loss": 1.0}


class Endless(Sum):
    def read(self, candidate, budget):
        return {"score": float("nan")}


class Slow(Sum):
    quick = False

    def read(self, candidate, budget):
        import time
        time.sleep(0.5)
        return super().read(candidate, budget)
'''

Output = pytest.CaptureFixture[str]
SUM = ["--task", "python:my_tasks:Sum"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "my_tasks", raising=False)
    (tmp_path / "arch.toml").touch()
    (tmp_path / "net.arch").write_text(SPACE)
    (tmp_path / "my_tasks.py").write_text(TASKS)
    return tmp_path


def search(*words: str, space: str = "Net") -> int:
    return main(["search", f"net.arch:{space}", *words])


# ---------------------------------------------------------------- searching
def test_a_log_ends_with_a_leaderboard(capsys: Output) -> None:
    assert search(*SUM, "--trials", "9") == 0
    printed = capsys.readouterr().out
    assert "best score 4" in printed and "9/9" in printed
    assert "9 evaluations; 9 trials in Net.archdb" in printed


def test_json_is_a_line_for_each_trial_and_one_for_the_result(capsys: Output) -> None:
    assert search(*SUM, "--trials", "5", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["trial"]["number"] for line in lines[:-1]] == [0, 1, 2, 3, 4]
    assert lines[-1]["result"]["trials"] == 5 and lines[-1]["result"]["best"][0]["metrics"]["score"] >= 2


def test_a_seed_makes_the_same_trials_and_another_does_not(folder: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert search(*SUM, "--trials", "9", "--seed", seed, "--store", f"{name}.archdb", "--quiet") == 0
    a, b, c = ([trial.key for trial in read(folder / f"{name}.archdb").saved.trials] for name in "abc")
    assert a == b != c


def test_resume_takes_task_strategy_and_seed_from_the_store(folder: Path) -> None:
    words = [*SUM, "--strategy", "random", "--seed", "5"]
    assert search(*words, "--trials", "8", "--store", "whole.archdb", "--quiet") == 0
    assert search(*words, "--trials", "3", "--store", "part.archdb", "--quiet") == 0
    assert search("--trials", "8", "--store", "part.archdb", "--resume", "--quiet") == 0
    whole, part = (read(folder / f"{name}.archdb").saved.trials for name in ("whole", "part"))
    assert [(t.key, t.seed) for t in whole] == [(t.key, t.seed) for t in part]


def test_resume_takes_the_space_and_the_goals_from_the_store_too(folder: Path) -> None:
    (folder / "wide.arch").write_text("arch 0.1\nspace Wide(n) : [d] -> [2] = linear(n | 2*n) -> relu -> linear(2)\n")
    words = [*SUM, "--at", "[4]", "--set", "n=8", "--where", "params <= 200", "--minimize", "params"]
    assert main(["search", "wide.arch:Wide", *words, "--trials", "1", "--quiet"]) == 0
    assert main(["search", "wide.arch:Wide", "--resume", "--trials", "2", "--quiet"]) == 0
    assert main(["report", "Wide.archdb"]) == 0


def test_goals_come_from_the_annotation_and_costs_from_archc(capsys: Output, folder: Path) -> None:
    assert search(*SUM, "--trials", "9", "--quiet", space="Two") == 0
    head = capsys.readouterr().out.splitlines()[0].split()
    assert head[:3] == ["trial", "score", "params"]
    assert all(t.metrics["params"] in (46.0, 90.0, 178.0, 54.0) for t in read(folder / "Two.archdb").saved.trials)


def test_a_condition_steers_what_is_drawn(folder: Path) -> None:
    assert search(*SUM, "--trials", "9", "--where", "params <= 100", "--quiet") == 0
    trials = read(folder / "Net.archdb").saved.trials
    assert len(trials) == 6 and all(trial.metrics["params"] <= 100 for trial in trials)


def test_a_given_network_is_tried_first(folder: Path) -> None:
    (folder / "known.arch").write_text("arch 0.1\nmodel Known : [8] -> [2] = linear(8) -> tanh -> linear(2)\n")
    assert search(*SUM, "--trials", "3", "--seed-arch", "known.arch:Known", "--quiet") == 0
    first = read(folder / "Net.archdb").saved.trials[0]
    assert first.origin == {"operator": "given"} and first.key == "1 2"


def test_a_record_is_given_back_as_it_was_written(folder: Path, capsys: Output) -> None:
    text = 'space Joint = { net = Net, train = { epochs = 1 | 2 | 3, optimizer = "sgd" | "adam" } }'
    (folder / "net.arch").write_text(f"{SPACE}\n{text}\n")
    assert main(["sample", "net.arch:Joint", "--json", "--seed", "5"]) == 0
    (folder / "found.json").write_text(capsys.readouterr().out)
    assert main(["sample", "net.arch:Joint", "-o", "found.arch", "--seed", "5"]) == 0
    key = json.loads((folder / "found.json").read_text())["members"][0]["key"]
    for number, given in enumerate(("found.json", "found.arch:Joint")):
        words = (*SUM, "--trials", "2", "--seed-arch", given, "--store", f"{number}.archdb", "--quiet")
        assert search(*words, space="Joint") == 0
        assert read(folder / f"{number}.archdb").saved.trials[0].key == key
    (folder / "net.arch").write_text(f"{SPACE}\n{text.replace('1 | 2 | 3', '4 | 5 | 6')}\n")
    capsys.readouterr()
    assert search(*SUM, "--trials", "2", "--seed-arch", "found.json", space="Joint") == 2
    assert "`found.json` is no member of `Joint`: `train.epochs` is" in capsys.readouterr().err.replace(
        "\n       ", " "
    )


def test_an_interrupt_is_130_and_resumable(folder: Path) -> None:
    command = [sys.executable, "-u", "-m", "archc", "search", "net.arch:Net", "--task", "python:my_tasks:Slow"]
    with subprocess.Popen(
        [*command, "--trials", "9"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout and process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in err
    before = sum(trial.done for trial in read(folder / "Net.archdb").saved.trials)
    assert 1 <= before < 9
    assert search("--trials", str(before + 1), "--resume", "--quiet") == 0


def test_the_table_says_where_a_search_stands() -> None:
    from rich.console import Console

    tally = Tally(Objective.of(maximize=["score"], minimize=["params"]), 10)
    for number, score in enumerate((1.0, 3.0, 2.0)):
        metrics = {"score": score, "params": 100.0 * score}
        tally.take(Trial(number, f"{number}", Derivation((number,)), f"{number}", 0, 1.0, "done", metrics))
    tally.take(Trial(3, "3", Derivation((3,)), "3", 0, 1.0, "failed", reason="out of memory: much"))
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(table(tally))
    console.file.close()
    text = console.export_text()
    assert "4 of 10" in text and "score 3, params 300  (trial 1)" in text
    assert "front (3)" in text and "1 x out of memory: much" in text


# ---------------------------------------------------------------- what is written
def test_trials_are_exported(folder: Path) -> None:
    assert search(*SUM, "--trials", "6", "--export", "csv", "--quiet") == 0
    rows = list(csv.DictReader((folder / "Net.csv").read_text().splitlines()))
    assert len(rows) == 6 and {row["status"] for row in rows} == {"done"}
    assert all(float(row["score"]) == -float(row["loss"]) for row in rows)


def test_an_optuna_study_has_the_trials(folder: Path) -> None:
    optuna = pytest.importorskip("optuna")
    assert search(*SUM, "--trials", "6", "--export", "optuna", "--quiet") == 0
    study = optuna.load_study(study_name="Net", storage="sqlite:///Net.optuna.db")
    assert len(study.trials) == 6 and study.best_value == max(trial.value for trial in study.trials)
    assert set(study.best_trial.params) == {"choice 0", "choice 1"}


def test_parquet_has_the_trials(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert search(*SUM, "--trials", "6", "--export", "parquet", "--quiet") == 0
    assert parquet.read_table("Net.parquet").num_rows == 6


def test_the_best_trains_and_runs_without_archc_and_others_are_written_later(folder: Path) -> None:
    words = ["--task", "python:my_tasks:Fit", "--trials", "3", "--export-best", "best", "--quiet"]
    assert search(*words) == 0
    best = folder / "best"
    assert sorted(path.name for path in best.iterdir()) == [
        "metrics.json",
        "network.arch",
        "network.py",
        "run.py",
        "weights.safetensors",
    ]
    told = json.loads((best / "metrics.json").read_text())
    assert told["metrics_of_these_weights"]["score"] == pytest.approx(told["metrics"]["score"], rel=1e-4)
    guard = "import sys, runpy\nsys.modules['archc'] = None\nsys.path.insert(0, 'best')\nrunpy.run_path('best/run.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", guard], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "it puts out [(2, 2)]" in done.stdout and "one step of training" in done.stdout
    assert main(["summary", "best/network.arch:Net"]) == 0
    assert search("--resume", "--export-best", "later", "--trial", "1", "--quiet") == 0
    assert json.loads((folder / "later/metrics.json").read_text())["trial"] == 1
    assert len(read(folder / "Net.archdb").saved.trials) == 3


def test_latency_is_measured_once_and_kept_in_the_store(folder: Path, capsys: Output) -> None:
    words = [*SUM, "--strategy", "additive", "--option", "cost=latency", "--option", "most=1000000000"]
    assert search(*words, "--where", "latency <= 1s", "--trials", "3", "--quiet") == 0
    kept = read(folder / "Net.archdb").about
    latency = kept.notes["latency"]
    assert isinstance(latency, dict) and len(latency["pieces"]) == 15
    assert search("--resume", "--trials", "6", "--quiet") == 0
    assert read(folder / "Net.archdb").about == kept
    assert space_again(kept, folder) is not None
    capsys.readouterr()
    assert search(*SUM, "--where", "latency <= 1ns", "--trials", "3", "--store", "b.archdb") == 2
    assert "no member of `Net` has latency <= 1 ns" in capsys.readouterr().err


# ---------------------------------------------------------------- what is wrong
@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        ("A0920", [*SUM, "--trials", "5", "--strategy", "evolutoin"], "nearest: evolution"),
        ("A0920", [*SUM, "--trials", "5", "--option", "populatoin=3"], "nearest: population"),
        ("A0920", [*SUM, "--trials", "5", "--option", "population=0"], "population"),
        ("A0921", ["--task", "digit", "--trials", "5"], "nearest: digits"),
        ("A0921", ["--task", "python:my_tasks:Sun", "--trials", "5"], "Sun"),
        ("A0921", ["--task", "tabular:nowhere.csv", "--trials", "5"], "nowhere.csv"),
        ("A0922", [*SUM, "--trials", "5", "--maximize", "scor"], "nearest: score"),
        ("A0922", [*SUM, "--trials", "5", "--maximize", "loss"], "less is better"),
        ("A0922", [*SUM, "--trials", "5", "--maximize", "score", "--minimize", "score"], "twice"),
        ("A0923", [*SUM, "--trials", "0"], "nothing would be tried"),
        ("A0923", SUM, "--trials or --seconds"),
        ("A0923", [*SUM, "--trials", "5", "--workers", "0"], "--workers"),
        ("A0924", [*SUM, "--trials", "5", "--resume"], "there is no store"),
        ("A0901", [*SUM, "--trials", "5", "--export", "excel"], "csv"),
        ("A0901", ["--trials", "5"], "--task"),
        ("A0901", [*SUM, "--trials", "five"], "whole number"),
        (
            "A0927",
            ["--task", "python:my_tasks:Missing", "--trials", "3", "--quiet"],
            "expected the metric score, found loss",
        ),
        ("A0927", ["--task", "python:my_tasks:Endless", "--trials", "3", "--quiet"], "expected a finite score"),
    ],
)
def test_a_wrong_call_is_told(code: str, words: list[str], says: str, capsys: Output) -> None:
    assert search(*words) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(code) and says in " ".join(printed.split()), printed


def test_an_objective_that_nothing_measures_is_told(capsys: Output) -> None:
    assert search(*SUM, "--trials", "5", space="Odd") == 1
    assert capsys.readouterr().err.startswith("A0922  no metric is called 'beauty'")


def test_a_network_outside_the_space_is_shown_where_it_leaves(folder: Path, capsys: Output) -> None:
    (folder / "other.arch").write_text("arch 0.1\nmodel Other : [8] -> [2] = linear(8) -> sigmoid -> linear(2)\n")
    assert search(*SUM, "--trials", "3", "--seed-arch", "other.arch:Other") == 1
    printed = capsys.readouterr().err
    assert printed.startswith("A0925") and "other.arch:2:" in printed and "`sigmoid` leaves the space" in printed


def test_a_store_of_another_search_or_space_or_version_is_left_alone(folder: Path, capsys: Output) -> None:
    assert search(*SUM, "--trials", "3", "--quiet") == 0
    data = (folder / "Net.archdb").read_bytes()
    capsys.readouterr()
    for words in ([*SUM], [*SUM, "--resume", "--seed", "9"], [*SUM, "--resume", "--where", "params <= 100"]):
        assert search(*words, "--trials", "5") == 2
        assert capsys.readouterr().err.startswith("A0924")
    assert (folder / "Net.archdb").read_bytes() == data
    with sqlite3.connect("Net.archdb") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert search("--resume", "--trials", "5") == 2
    assert "format 99" in " ".join(capsys.readouterr().err.split())


def test_a_second_driver_is_refused(folder: Path, capsys: Output) -> None:
    from archc.search.lock import Lock

    assert search(*SUM, "--trials", "3", "--quiet") == 0
    held = Lock.take(folder / "Net.archdb")
    try:
        assert search("--trials", "5", "--resume") == 2
    finally:
        held.release()
    printed = " ".join(capsys.readouterr().err.split())
    assert printed.startswith("A0924") and "in use by process" in printed


def test_a_full_disk_is_told_and_nothing_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    from archc.search import store

    saves = 0
    kept = store.Store.save

    def full(self: store.Store, *given: object) -> None:
        nonlocal saves
        saves += 1
        if saves > 4:
            raise store.StoreError(f"{self.path} does not take more: database or disk is full")
        kept(self, *given)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(store.Store, "save", full)
    assert search(*SUM, "--trials", "9") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("A0926") and "disk is full" in printed
    monkeypatch.undo()
    assert sum(trial.done for trial in read(folder / "Net.archdb").saved.trials) >= 3


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert search(*SUM, "--trials", "5", "--ray", "local") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("A0928") and "pip install 'archc[ray]'" in printed
    monkeypatch.setitem(sys.modules, "torch", None)
    assert search(*SUM, "--trials", "5", "--where", "latency <= 1s") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("A0928  measuring latency needs torch") and "pip install 'archc[torch]'" in printed


# ---------------------------------------------------------------- the report
def test_a_report_opens_offline_and_has_everything(folder: Path, capsys: Output) -> None:
    assert search(*SUM, "--trials", "9", "--quiet", space="Two") == 0
    words = [*SUM, "--strategy", "random", "--store", "random.archdb", "--trials", "8", "--quiet"]
    assert search(*words, space="Two") == 0
    assert main(["report", "Two.archdb", "--against", "random.archdb"]) == 0
    page = (folder / "Two.html").read_text()
    assert "the mean of random networks" in page
    for part in ("Pareto front", "Distributions", "What the winners have in common", 'class="graph"', "class Two("):
        assert part in page, part
    assert "--resume --export-best trial-" in page and "prefers-color-scheme:dark" in page
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page and "url(" not in page


def test_names_in_a_report_are_text(folder: Path) -> None:
    hostile = "<script>alert(1)</script>"
    words = [*SUM, "--trials", "4", "--quiet", "--store", "odd.archdb"]
    assert search(*words) == 0
    contents = read(folder / "odd.archdb")
    from dataclasses import replace

    from archc.search.findings import findings
    from archc.search.reports.page import page

    trials = tuple(replace(trial, origin={"operator": hostile}, reason=hostile) for trial in contents.saved.trials)
    about = replace(contents.about, fixed={**contents.about.fixed, "name": hostile}, notes={"command": hostile})
    found = findings(replace(contents, about=about, saved=replace(contents.saved, trials=trials)))
    text = page(found, found.trials, None, hostile)
    assert "<script" not in text and "&lt;script&gt;" in text


def test_a_report_without_its_space_has_no_pictures(folder: Path, capsys: Output) -> None:
    assert search(*SUM, "--trials", "6", "--quiet") == 0
    (folder / "net.arch").write_text(SPACE.replace("16", "32"))
    assert main(["report", "Net.archdb", "-o", "page.html"]) == 0
    assert "has no pictures" not in capsys.readouterr().out  # the store notes the text of the space
    assert 'class="graph"' in (folder / "page.html").read_text()


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1200, 420])
def test_a_browser_draws_the_report_within_its_window(folder: Path, width: int) -> None:
    from PIL import Image

    assert search(*SUM, "--trials", "9", "--quiet", space="Two") == 0
    assert main(["report", "Two.archdb", "-o", "page.html"]) == 0
    assert BROWSER is not None
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={width},2400",
    ]
    home = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(
        [*command, f"--screenshot={folder / 'page.png'}", (folder / "page.html").as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=home,
    )
    assert (folder / "page.png").exists(), done.stderr
    picture = Image.open(folder / "page.png").convert("RGB")
    assert picture.size[0] == width
    colours = picture.getcolors(1 << 24)
    assert colours is not None and len(colours) > 200
    margin = {picture.getpixel((width - 2, y)) for y in range(0, picture.size[1], 7)}
    assert len(margin) == 1, "something leaves the page on the right"
