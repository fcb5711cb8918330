"""`archc count` and `archc sample` of spaces: what they print, what they refuse, and that Python says the same."""

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import archc
from archc.cli import main
from archc.cli.refined import number, percent

Output = pytest.CaptureFixture[str]

PROGRAM = """arch 0.1
import std.nn

space Cell : [c, h, w] -> [c, h, w] = id | zero | (relu | tanh) | 3: ConvBnAct(c, 3)
space Net(classes = 10) : [3, 2*h, 2*w] -> [classes] =
    conv(8 | 16, 3, pad=1) -> Cell * (1..2) -> global_avg_pool -> linear(classes)
space Open : a -> b = id | permute([1, 0]) | reduce([n, d] -> [n])
space Deep : [4] -> [4] where depth <= 3 = relu | (tanh -> Deep)
space Twice : [4] -> [4] = id | id | (id -> id)
space Recipe = { lr = log(1e-4 .. 1e-1), steps = 10 | 20, kind = "a" | "b" | "c" }
space Joint = { net = Deep(), lr = 0.1 | 0.2 }
space Empty : a -> [7] = relu | tanh
space Either(p: Float) : [n] -> [n] = if p > 0.5 then relu else tanh
space Spread : [n] -> [n] = id | Either(0.1 .. 0.9)
space Share(p: Float) : [n] -> [n] = 2 * p: relu | tanh
space Weighed : [n] -> [n] = Share(0.1 .. 0.9)
space Wide : [n] -> [n] = dropout(0.5 .. 1.5)
model One : [4] -> [2] = linear(2)
type Colour = "red" | "green"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arch.toml").touch()
    (tmp_path / "net.arch").write_text(PROGRAM)
    return tmp_path


NET = ("net.arch:Net", "--at", "[3, 8, 8]")


def said(capsys: Output, *words: str) -> str:
    assert main(list(words)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def told(capsys: Output, *words: str) -> dict[str, object]:
    found = json.loads(said(capsys, *words, "--json"))
    assert isinstance(found, dict) and found["version"] == 1
    return found


# ---------------------------------------------------------------- count
def test_count_says_how_many_and_what_they_cost(capsys: Output) -> None:
    out = said(capsys, "count", *NET)
    space = archc.load("net.arch")["Net"].space(at=(3, 8, 8))
    assert f"{space.count():,} derivations, exactly" in out and space.count() == 2 * (5 + 25)
    found = told(capsys, "count", *NET)
    low, high = space.range("params")
    costs = found["costs"]
    assert isinstance(costs, dict)
    assert (costs["params"]["least"], costs["params"]["greatest"]) == (low, high)
    for key, by in (("by_weight", "weights"), ("alike", "count")):
        moments = space.moments("flops", by="weights" if by == "weights" else "count")
        assert costs["flops"][key]["mean"] == moments.mean
        assert costs["flops"][key]["deviation"] == pytest.approx(moments.variance**0.5)
    assert (found["count"], found["exact"], found["where"]) == ("60", True, [])


def test_count_lists_output_types(capsys: Output) -> None:
    out = said(capsys, "count", "net.arch:Open", "--at", "[3, 4]")
    assert "3 output types" in out and re.search(r"\[4, 3\] +1\n", out)
    by = said(capsys, "count", "net.arch:Open", "--at", "[3, 4]", "--by", "type")
    assert "params" not in by and by.count("\n") == 7
    types = told(capsys, "count", "net.arch:Open", "--at", "[3, 4]")["types"]
    assert isinstance(types, dict) and set(types.values()) == {"1"} and len(types) == 3


def test_count_by_depth_and_by_size(capsys: Output) -> None:
    found = told(capsys, "count", "net.arch:Deep", "--by", "depth")["by"]
    assert found == {"depth of Deep": {"1": "1", "2": "1", "3": "1"}}
    sizes = told(capsys, "count", "net.arch:Deep", "--by", "size")["by"]
    assert sizes == {"nodes": {"1": "1", "2": "1", "3": "1"}}
    assert told(capsys, "count", "net.arch:Twice", "--by", "depth")["by"] == {"depth of Twice": {"1": "3"}}


def test_count_distinct_counts_architectures(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(capsys, "count", "net.arch:Twice", "--distinct")["architectures"] == "1"
    assert "3 derivations, exactly\n1 architecture\n" in said(capsys, "count", "net.arch:Twice", "--distinct")
    monkeypatch.setattr("archc.cli.counting.MOST", 2)
    assert "where there are 2 derivations at most" in said(capsys, "count", "net.arch:Twice", "--distinct")
    assert told(capsys, "count", "net.arch:Twice", "--distinct")["architectures"] is None


def test_count_says_of_a_condition_what_it_leaves(capsys: Output) -> None:
    out = said(capsys, "count", *NET, "--where", "params <= 1k and count(zero) == 0")
    space = archc.load("net.arch")["Net"].space(at=(3, 8, 8))
    small = [m for m in space if m.cost("params") <= 1000]
    left = [m for m in small if not m.cost("count(zero)")]
    assert f"params <= 1,000: {len(small)} of 60 derivations" in out
    assert f"count(zero) == 0: {len(left)} of {len(small)} derivations" in out and f"\n{len(left)} derivations" in out


def test_count_says_what_a_continuous_range_counts(capsys: Output) -> None:
    out = said(capsys, "count", "net.arch:Recipe")
    assert "Recipe : a record\n6 derivations, exactly\n" in out
    assert "a continuous range counts 1: log 0.0001 .. 0.1, line 10" in out


def test_count_says_what_was_left_out(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archc.spaces.refine.EXACT_EDGES", 30)
    monkeypatch.setattr("archc.spaces.refine.EXACT_IN_COLUMNS", 30)
    monkeypatch.setattr("archc.spaces.refine.MOST_TYPES", 2)
    Path("open.arch").write_text(
        "arch 0.1\nspace S : a -> b where depth <= 4 = linear(1 | 2 | 3 | 4 | 5) | (S -> S) | permute([1, 0])\n"
    )
    out = said(capsys, "count", "open.arch:S", "--at", "[3, 4]")
    assert re.search(r"derivations, bounded: at most [\d.]+ % of the weight was left out", out)
    assert told(capsys, "count", "open.arch:S", "--at", "[3, 4]")["exact"] is False


def test_long_numbers_are_powers_of_ten() -> None:
    assert number(682_112) == "682,112" and number(10**29) == f"{10**29:,}"
    assert number(12_382 * 10**442) == "1.2382 * 10^446"
    assert [percent(share) for share in (0.0, 0.5, 1, 0.99999, 1e-9)] == [
        "0 %",
        "50 %",
        "100 %",
        "over 99.9 %",
        "1e-07 %",
    ]


# ---------------------------------------------------------------- sample
def test_one_sample_is_a_program(capsys: Output) -> None:
    out = said(capsys, "sample", *NET, "--seed", "7")
    member = archc.load("net.arch")["Net"].space(at=(3, 8, 8)).sample(Random(7))[0]
    assert out == member.text and archc.loads(out)["Net"].graph()
    assert said(capsys, "sample", *NET, "--index", "17") == archc.load("net.arch")["Net"].space(at=(3, 8, 8))[17].text


def test_several_samples_are_lines(capsys: Output) -> None:
    out = said(capsys, "sample", *NET, "-n", "5", "--seed", "3")
    assert out == said(capsys, "sample", *NET, "-n", "5", "--seed", "3") != said(capsys, "sample", *NET, "-n", "5")
    members = archc.load("net.arch")["Net"].space(at=(3, 8, 8)).sample(Random(3), 5)
    lines = out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [member.hash[:12] for member in members]
    assert all(line.endswith(f"  {member.key}") for line, member in zip(lines, members, strict=True))


def test_samples_as_json_hold_all_that_is_known(capsys: Output) -> None:
    found = told(capsys, "sample", *NET, "-n", "3", "--uniform", "--where", "params <= 1k")
    space = archc.load("net.arch")["Net"].space(at=(3, 8, 8)).where("params <= 1k")
    assert found["space"] == "Net" and isinstance(found["members"], list)
    for entry, member in zip(found["members"], space.sample(Random(0), 3, by="count"), strict=True):
        assert entry["total"]["params"] == member.cost("params") <= 1000
        assert (entry["index"], entry["key"], entry["hash"]) == (str(space.rank(member)), member.key, member.hash)
        assert archc.loads(entry["text"])["Net"].summary().params.constant == entry["total"]["params"]


def test_distinct_samples_are_different_networks(capsys: Output) -> None:
    out = said(capsys, "sample", *NET, "-n", "20", "--distinct").splitlines()[1:]
    assert len({line.split()[0] for line in out}) == 20
    assert main(["sample", "net.arch:Twice", "-n", "2", "--distinct"]) == 2
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2 and "`Twice` has 1" in printed.err


def test_samples_are_written_to_files(capsys: Output, folder: Path) -> None:
    assert said(capsys, "sample", *NET, "-o", "found.arch") == ""
    assert (folder / "found.arch").read_text() == said(capsys, "sample", *NET)
    assert said(capsys, "sample", *NET, "-o", "-") == said(capsys, "sample", *NET)
    said(capsys, "sample", *NET, "-n", "3", "-o", "some.arch")
    assert sorted(path.name for path in folder.glob("some*")) == ["some-1.arch", "some-2.arch", "some-3.arch"]
    assert "Net : [3, 8, 8] -> [10]" in said(capsys, "summary", "some-2.arch:Net")


def test_samples_of_records_are_json(capsys: Output) -> None:
    lines = said(capsys, "sample", "net.arch:Recipe", "-n", "4").splitlines()
    assert all(list(json.loads(line)) == ["lr", "steps", "kind"] for line in lines) and len(lines) == 4
    joint = json.loads(said(capsys, "sample", "net.arch:Joint", "-n", "2").splitlines()[0])
    assert joint["net"]["type"] == "[4]" and joint["lr"] in (0.1, 0.2)
    members = told(capsys, "sample", "net.arch:Joint")["members"]
    assert isinstance(members, list) and members[0]["value"]["net"]["total"]["params"] == 0


# ---------------------------------------------------------------- wrong calls
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["sample", *NET, "--where", "parms <= 5M"], 2, "A0914"),
        (["count", *NET, "--where", "params <="], 2, "A0914"),
        (["count", *NET, "--where", "params <= 0"], 2, "A0915"),
        (["sample", *NET, "--index", "60"], 2, "they are 0 to 59"),
        (["sample", *NET, "--index", "9" * 5000], 2, "A0915"),
        (["sample", *NET, "--index", "-1"], 2, "A0901"),
        (["sample", *NET, "--index", "1", "-n", "2"], 2, "A0901"),
        (["sample", *NET, "--filled"], 2, "A0901"),
        (["count", *NET, "--by", "sise"], 2, "nearest: size"),
        (["count", "net.arch:Net"], 1, "A0702"),
        (["count", "net.arch:Net", "--at", "[3, 7, 8]"], 1, "A02"),
        (["count", "net.arch:Net", "--at", "[3"], 1, "A0704"),
        (["count", *NET, "--set", "clases=3"], 1, "A01"),
        (["count", "net.arch:Empty", "--at", "[4]"], 1, "[7]"),
        (["count", "net.arch:One"], 2, "archc summary net.arch:One"),
        (["sample", "net.arch:One"], 2, "A0912"),
        (["sample", "net.arch:Nets"], 2, "nearest: Net"),
        (["count", "net.arch:Colour", "--by", "type"], 2, "`--by` goes with a space"),
        (["sample", "net.arch:Colour", "--index", "1"], 2, "`--index` goes with a space"),
        (["sample", *NET, "-o", "no/such/folder.arch"], 2, "A0908"),
        (["sample", *NET, "-n", "2", "-o", "-"], 2, "`-o -` prints one program"),
        (["count", *NET, "--set", "a=1", "--set", "a=2"], 2, "`a` is set twice"),
        (["count", *NET, "--where", "params <= 5M or nodes > 3"], 2, "joined by `and`"),
        (["count", *NET, "--where", "depth <= 3"], 2, "depth is no cost"),
        (["count", *NET, "net.arch:Twice"], 2, "no place for `net.arch:Twice`"),
        (["count", *NET, "--where", "params >= 6M", "--where", "params <= 5M"], 2, "`--where` is given twice"),
        (["sample", *NET, "--seed", "1", "--seed=2"], 2, "`--seed` is given twice"),
        (["count", *NET, "--where", ""], 2, "`--where` is given nothing"),
        (["count", *NET, "--where= "], 2, "`--where` is given nothing"),
        (["count", *NET, "--where", "params <= 5 and params >= 6"], 2, "asked to be 6 at least and 5 at most"),
        (["count", "net.arch:Recipe", "--at", "[3]"], 2, "the records of `Recipe` have none"),
        (["count", "net.arch:Spread", "--at", "[8]"], 1, "A0414"),
        (["sample", "net.arch:Weighed", "--at", "[8]"], 1, "A0406"),
        (["sample", "net.arch:Wide", "--at", "[8]"], 1, "this is 0.5 .. 1.5"),
    ],
)
def test_wrong_calls_are_told(capsys: Output, words: list[str], code: int, says: str) -> None:
    assert main(words) == code
    printed = capsys.readouterr()
    assert says in printed.err and re.match(r"A0\d{3}  ", printed.err) and not printed.out


def test_a_condition_that_cannot_be_kept_is_told(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archc.runtime.derivations.narrow.LIMIT", 0)
    monkeypatch.setattr("archc.runtime.derivations.sums.WORK", 0)
    assert main(["count", *NET, "--where", "params <= 1k"]) == 2
    assert "A0412" in capsys.readouterr().err


def test_help_imports_neither_torch_nor_numpy() -> None:
    ask = "import sys; from archc.cli import main; main(sys.argv[1:]); print({'torch', 'numpy'} & set(sys.modules))"
    for words in (["--help"], ["count", "--help"], ["sample", "--help"], ["compile", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", ask, *words], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.endswith("set()\n"), done.stdout


def test_the_input_that_is_proposed_fits(capsys: Output, folder: Path) -> None:
    (folder / "open.arch").write_text("""arch 0.1
import std.nn
space A(classes = 10) : [3, 4*h, 4*w] -> [classes] = conv(8, 3, pad=1) -> flatten -> linear(classes)
space B(heads = 12) : [n, heads*k] -> [n, heads*k] = SelfAttention(heads)
space C(vocab = 100) : (tokens: Id(vocab)[n]) -> [n, 8] = tokens -> embedding(vocab, 8)
space D : (a: [n, d], b: [d - 1]) -> [n, d] = a -> relu
""")
    for name, expected in (("A", "[3, 28, 28]"), ("B", "[7, 84]"), ("C", "Id(100)[7]"), ("D", "(a: [7, 7], b: [6])")):
        assert main(["count", f"open.arch:{name}"]) == 1
        assert f"--at '{expected}'" in capsys.readouterr().err
        assert "1 derivation, exactly" in said(capsys, "count", f"open.arch:{name}", "--at", expected)
    assert main(["count", "open.arch:A", "--at", "[3, 28, w]"]) == 1
    assert "`w` is not known here" in capsys.readouterr().err
