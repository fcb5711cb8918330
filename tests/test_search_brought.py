"""Tasks, strategies and language models that a user brings: what is wrong with them is told as theirs, and where."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from archc.cli import main
from archc.search import named

SPACE = "arch 0.1\n\nspace Net : [8] -> [2] = linear(4 | 8 | 16) -> (relu | gelu | tanh) -> linear(2)\n"

TASKS = """
class Sum:
    metrics = {"score": "maximize"}
    quick = True

    def read(self, candidate, budget):
        return {"score": float(sum(map(int, candidate.key.split())))}

    def identity(self, candidate):
        return candidate.key


class Open(Sum):
    def __init__(self):
        raise RuntimeError("no data here")


class Lacking(Sum):
    def __init__(self):
        self.data.load()


class Listed(Sum):
    metrics = ["score"]


class Odd(Sum):
    metrics = {"score": "max"}


class Nothing(Sum):
    def read(self, candidate, budget):
        return None


class Boundless(Sum):
    def read(self, candidate, budget):
        return {"score": float("inf")}


class Worded(Sum):
    def read(self, candidate, budget):
        return {"score": "good"}


class Raising(Sum):
    def read(self, candidate, budget):
        raise RuntimeError("out of luck")


class Nameless(Sum):
    def identity(self, candidate):
        raise RuntimeError("no name")
"""

STRATEGIES = """
from archc.search.fresh import unseen
from archc.search.protocol import Proposal


class Drawn:
    def __init__(self, context, *, chance: float = 0.5):
        if chance > 1.0:
            raise ValueError(f"expected a chance up to 1, found {chance}")
        self.history = context.history

    def ask(self, rng):
        return Proposal(unseen(self.history, rng))

    def tell(self, trial):
        pass

    def state(self):
        return None

    def restore(self, state):
        pass


class Repeating(Drawn):
    def ask(self, rng):
        return Proposal(self.history.space[0])


class Raising(Drawn):
    def ask(self, rng):
        raise RuntimeError("boo")


class Members(Drawn):
    def ask(self, rng):
        return self.history.space[0]


class Deaf(Drawn):
    def tell(self, trial):
        raise KeyError("ears")


class Heavy(Drawn):
    def state(self):
        return {1, 2}


def plain(context):
    return 3
"""

MODELS = """
def sorry(prompt):
    return "I am sorry"


def raising(prompt):
    raise RuntimeError("no key")


def number(prompt):
    return 42
"""

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, text in (("tasks", TASKS), ("strategies", STRATEGIES), ("models", MODELS)):
        monkeypatch.delitem(sys.modules, f"brought_{name}", raising=False)
        (tmp_path / f"brought_{name}.py").write_text(text)
    (tmp_path / "brought_wrong.py").write_text("def wrong(:\n")
    (tmp_path / "arch.toml").touch()
    (tmp_path / "net.arch").write_text(SPACE)
    return tmp_path


def search(*words: str) -> int:
    return main(["search", "net.arch:Net", "--trials", "6", *words])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("brought_tasks:Open", ["raised RuntimeError: no data here", "brought_tasks.py:15"]),
        ("brought_tasks:Lacking", ["raised AttributeError", "no attribute 'data'", "brought_tasks.py:20"]),
        ("brought_tasks:Listed", ['expected metrics such as {"accuracy": "maximize"', "found ['score']"]),
        ("brought_tasks:Odd", ["found {'score': 'max'}"]),
        ("brought_tasks:Nobody", ["the module brought_tasks has no Nobody"]),
        ("brought_wrong:Any", ["SyntaxError", "brought_wrong.py:1"]),
        ("brought_nowhere:Any", ["there is no module brought_nowhere"]),
    ],
)
def test_a_task_that_cannot_be_made_is_the_users(name: str, says: list[str], capsys: Output) -> None:
    assert search("--task", f"python:{name}") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "A0921" in told and all(text in told for text in says)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Nothing", 'expected `read` to return metrics such as {"accuracy": 0.9}, found None'),
        ("Boundless", "expected a finite score, found inf"),
        ("Worded", "the metric score is good, expected a number"),
        ("Raising", "raised RuntimeError: out of luck"),
    ],
)
def test_what_a_reader_does_wrong_is_the_reason_of_its_trials(name: str, says: str, capsys: Output) -> None:
    assert search("--task", f"python:brought_tasks:{name}") == 2
    printed = capsys.readouterr()
    assert "6 without result: 6 x " in printed.out and "trial 0 has no result: " in printed.out
    assert says in " ".join(printed.err.split())


def test_a_task_that_cannot_name_a_network_does_not_end_the_search(capsys: Output) -> None:
    assert search("--task", "python:brought_tasks:Nameless") == 0
    assert "6 evaluations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Repeating", "which was asked before at fidelity 1"),
        ("Raising", "raised RuntimeError: boo"),
        ("Members", "to return a Proposal or None, found <member of Net"),
        ("Deaf", "told of trial 0, raised KeyError"),
        ("Heavy", "the state of the strategy brought raised TypeError"),
        ("plain", "makes something that has no ask"),
        ("Nobody", "the module brought_strategies has no Nobody"),
    ],
)
def test_what_a_strategy_does_wrong_is_its_own(
    name: str, says: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, name)
    assert search("--task", "proxy:params", "--strategy", "brought") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "A0920" in told and says in told


def test_settings_of_a_strategy_that_is_brought_are_checked(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "Drawn")
    assert search("--task", "proxy:params", "--strategy", "brought", "--option", "chance=2") == 2
    assert "expected a chance up to 1, found 2" in capsys.readouterr().err
    assert search("--task", "proxy:params", "--strategy", "brought:2") == 2
    assert "brought takes nothing behind its name, found brought:2" in capsys.readouterr().err
    assert search("--task", "proxy:params", "--strategy", "brought", "--option", "chance=0.1") == 0


def test_a_language_model_of_this_folder_is_found_and_its_rate_told(capsys: Output) -> None:
    words = ["--task", "proxy:params", "--strategy", "llm", "--option", "start=3"]
    assert search(*words, "--option", "model=python:brought_models:sorry") == 0
    assert "language model: 0 of 9 texts taken (others: 9 text)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "says"),
    [("raising", "brought_models:raising raised RuntimeError: no key"), ("number", "to return text, found 42")],
)
def test_what_a_language_model_does_wrong_is_told_and_what_was_tried_kept(name: str, says: str, capsys: Output) -> None:
    words = ["--strategy", "llm", "--option", "start=3", "--option", f"model=python:brought_models:{name}"]
    assert search("--task", "proxy:params", *words) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert main(["search", "net.arch:Net", "--resume", "--export", "csv"]) == 0
    assert Path("Net.csv").read_text().count("\n") == 4


@pytest.mark.parametrize("strategy", ["evolution:5", "mcts:rave", "random:3"])
def test_a_strategy_that_takes_nothing_behind_its_name_says_so(strategy: str, capsys: Output) -> None:
    assert search("--task", "proxy:params", "--strategy", strategy) == 2
    assert f"takes nothing behind its name, found {strategy}" in capsys.readouterr().err


def offer(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a package offer what stands in the strategies of this folder."""
    point = EntryPoint("brought", f"brought_strategies:{name}", named.GROUP)
    monkeypatch.setattr(named, "entry_points", lambda group: [point])
    monkeypatch.syspath_prepend(".")
