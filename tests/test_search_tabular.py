"""NAS-Bench-201 from its table: which row a member has, and what the strategies reach there."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median

import pytest

import archc
from archc.members import Member, Space
from archc.search.jobs import Inline, candidate
from archc.search.loop import Search, run
from archc.search.protocol import Objective
from archc.search.tasks.base import Budget, Candidate, task
from archc.search.tasks.tabular import Row, Tabular, cell_of

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("ARCHC_DATA", ROOT.parent / "shared" / "data"))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
VALID = Objective.of(maximize=["cifar10_valid"])

HEAD = "index,arch,iso_rep,c10_val12,c10_val200,c10_test200,c100_val12,c100_val200,c100_test200,params_c10,macs_c10\n"


@pytest.fixture(scope="module")
def cells() -> Space:
    """Return the cells alone."""
    return archc.load(ROOT / "examples" / "nasbench201.arch")["Cell"].space(at="[16, 32, 32]", c=16)


@pytest.fixture(scope="module")
def table() -> Iterator[Tabular]:
    """Return the whole table, where there is one."""
    path = DATA / "nasbench201.csv.gz"
    if not path.exists():
        pytest.skip("the table of NAS-Bench-201 is not here; ARCHC_DATA names its folder")
    found = task(f"tabular:{path}")
    assert isinstance(found, Tabular)
    yield found


def named(member: Member) -> tuple[tuple[str, ...], ...]:
    """Return the cell as the decisions of the example name it, in its order."""
    a, b, c, d, e, f = (OPERATIONS[int(word)] for word in member.key.split() if word.isdecimal())
    return (a,), (b, c), (d, e, f)


def test_the_graph_of_a_member_is_the_cell_that_its_decisions_name(cells: Space) -> None:
    for member in cells.sample(Random(0), 150, by="count"):
        assert cell_of(member.graph()) == named(member)


@pytest.mark.soak
def test_every_cell_is_read_from_its_graph(cells: Space) -> None:
    assert sum(cell_of(member.graph()) == named(member) for member in cells) == 15_625


def test_the_cell_of_a_whole_network_is_found(table: Tabular) -> None:
    whole = archc.load(ROOT / "examples" / "nasbench201.arch")["NasBench201"].space(at="[3, 32, 32]")
    for member in whole.sample(Random(1), 3, by="count"):
        row = table.row(candidate(member))
        assert row is table.rows[named(member)]
        if not any("none" in node for node in named(member)):
            assert member.cost("params") == row.metrics["params"]


def test_a_network_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD, encoding="ascii")
    other = Candidate("", archc.load(ROOT / "examples" / "resnet18.arch")["ResNet18"].graph)
    with pytest.raises(ValueError, match="no cell of NAS-Bench-201"):
        Tabular(str(path)).read(other, Budget())


def test_a_low_fidelity_is_that_of_twelve_epochs(cells: Space, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    cell = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    path.write_bytes(gzip.compress(f"{HEAD}5,{cell},5,1,2,3,4,5,6,7,8\n".encode()))
    found = Tabular(str(path))
    zeros = candidate(cells[0])
    assert found.identity(zeros) == "row 5"
    assert found.read(zeros, Budget(12 / 200)) == {"params": 7, "macs": 8, "cifar10_valid": 1, "cifar100_valid": 4}
    assert found.read(zeros, Budget())["cifar10_test"] == 3
    with pytest.raises(ValueError, match="its cell is not in the table"):
        found.read(candidate(cells[1]), Budget())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "t.csv:2 is no row"),
        (HEAD + "0,|none~0|+|none~0|none~0|+|none~0|none~1|none~2|,0,1,1,1,1,1,1,1,1\n", "expected an edge from each"),
        (HEAD + "0,|none~0|,0,1,1,1,1,1,1,1,1\n", "expected 3 nodes, found 1"),
        ("\x1f\x8b", "cannot be read"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=words):
        Tabular(str(path))
    with pytest.raises(ValueError, match=r"cannot be read|is no row|expected"):
        task(f"tabular:{path}")


class Quick(Tabular):
    """The table, with its rows by decisions, as the benchmark reads it."""

    def row(self, found: Candidate) -> Row:
        """Return the row of a cell of the example."""
        a, b, c, d, e, f = (OPERATIONS[int(word)] for word in found.key.split())
        return self.rows[((a,), (b, c), (d, e, f))]


@pytest.mark.parametrize(("strategy", "least"), [("evolution", 91.3), ("local", 91.4)])
def test_search_is_ahead_of_chance(cells: Space, table: Tabular, strategy: str, least: float) -> None:
    """By validation accuracy: benchmarks/search.py measures test accuracy, at more seeds."""
    quick = Quick(str(DATA / "nasbench201.csv.gz"))

    def middle(name: str) -> float:
        found = []
        for seed in range(15):
            search = Search(cells, VALID, name, seed=seed, evaluations=100)
            best = run(search, Inline(quick, VALID), lambda proposal: proposal.member.key).history.best()
            assert best is not None
            found.append(best.metrics["cifar10_valid"])
        return median(found)

    assert middle(strategy) > max(least, middle("random"))
