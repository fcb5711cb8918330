"""The summary of a network: rows that add up, repeats as one row, and text that fits."""

import json

import graphs
import pytest

from archc.cost import graph_cost
from archc.graph import Graph
from archc.show.summary import Row, summarize
from archc.show.table import short
from archc.sizes.size import Size

NETWORKS = {
    "resnet18": graphs.resnet18(7, 7),
    "resnet18 open": graphs.resnet18(Size.var("h"), Size.var("w")),
    "gpt2": graphs.gpt2(),
    "densenet": graphs.densenet(),
}


@pytest.fixture(params=list(NETWORKS.values()), ids=list(NETWORKS))
def graph(request: pytest.FixtureRequest) -> Graph:
    found = request.param
    assert isinstance(found, Graph)
    return found


def added(rows: tuple[Row, ...]) -> list[Size]:
    total = [Size.of(0)] * 4
    for row in rows:
        total = [one + other for one, other in zip(total, row.costs, strict=True)]
    return total


def test_rows_add_up_to_the_cost_of_the_graph(graph: Graph) -> None:
    cost = graph_cost(graph)
    assert added(summarize(graph).rows) == [cost.params, cost.macs, cost.flops, cost.activation_bytes]


def test_the_rows_below_a_row_add_up_to_one_copy_of_it(graph: Graph) -> None:
    waiting = list(summarize(graph).rows)
    while waiting:
        row = waiting.pop()
        waiting += row.rows
        if row.rows:
            assert [cost * row.repeats for cost in added(row.rows)] == list(row.costs)


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_the_text_fits(graph: Graph, width: int) -> None:
    text = summarize(graph).text(width=width)
    table = text.split("\n\n")[1]
    assert max(map(len, table.splitlines())) <= width
    assert min(map(len, table.splitlines())) > 20


def test_the_published_counts_of_resnet18() -> None:
    total = summarize(NETWORKS["resnet18"]).to_json()["total"]
    stem, later = 3 * 64 * 112 * 112 + 64 * 56 * 56, 7 * 2 * 64 * 56 * 56
    stages = sum(16 * c * side * side for c, side in ((128, 28), (256, 14), (512, 7)))
    activations = 4 * (stem + later + stages + 512 + 1000)
    macs = 1_814_073_344
    assert total == {"params": 11_689_512, "macs": macs, "flops": 2 * macs, "activation_bytes": activations}


def test_repeats_are_one_row_that_says_how_many() -> None:
    rows = summarize(NETWORKS["gpt2"]).rows
    (decoder,) = [row for row in rows if row.name == "decoder"]
    assert decoder.repeats == 12 and decoder.rows
    assert "decoder × 12" in str(summarize(NETWORKS["gpt2"]))


def test_shared_weights_count_once_and_say_so() -> None:
    table, *_, head = summarize(NETWORKS["gpt2"]).rows
    assert table.params == Size.of(50257 * 768) and head.params == Size.of(0)
    assert head.shared and head.name == "embedding.decode"


def test_open_sizes_are_formulas_and_the_total_spells_them_out() -> None:
    found = summarize(NETWORKS["gpt2"])
    macs = 12 * (12 * 768 * 768), 12 * 2 * 768, 50257 * 768
    formula = f"{macs[1]}*n*n + {macs[0] + macs[2]}*n"
    assert f"MACs = {formula}" in str(found)
    assert found.to_json()["total"]["macs"] == formula  # type: ignore[index]  # a dict inside


def test_depth_leaves_out_what_lies_deeper() -> None:
    found = summarize(NETWORKS["resnet18"])
    assert len(found.text(depth=1).splitlines()) == 2 + 1 + len(found.rows) + 2
    assert len(found.text(depth=1)) < len(found.text(depth=2)) < len(found.text())


def test_json_has_the_same_keys_in_every_row(graph: Graph) -> None:
    whole = json.loads(json.dumps(summarize(graph).to_json()))
    waiting = list(whole["rows"])
    keys = {"name", "kind", "repeats", "shared", "output", "params", "macs", "flops", "activation_bytes", "rows"}
    while waiting:
        row = waiting.pop()
        assert set(row) == keys
        waiting += row["rows"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00k"), (99_960, "100k"), (999_600, "1.00M"), (1_814_073_344, "1.81G")],
)
def test_numbers_keep_three_digits(value: int, text: str) -> None:
    assert short(Size.of(value)) == text
