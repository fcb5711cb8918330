"""Tasks: data by published rules, one trainer that is exact and says why it stopped, proxies as their papers define them."""

import gzip
import json
from collections.abc import Mapping
from math import exp, log, sqrt
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

import archc
from archc.members import Member
from archc.search.correlation import agreements, kendall, ranks, spearman, vote
from archc.search.footprint import Memory, footprint
from archc.search.jobs import Inline, Job, candidate
from archc.search.latency import Bench, Table, latency, table_of
from archc.search.loop import Search, run
from archc.search.protocol import Json, Objective, Outcome
from archc.search.tasks.base import TASKS, AnyTask, Budget, Candidate, evaluate, task
from archc.search.tasks.data import Data, Split
from archc.search.tasks.digits import THIRD, Digits, read
from archc.search.tasks.listops import ListOps, draw, tokens, value
from archc.search.tasks.proxies import PROXIES, Sample, naswot
from archc.search.tasks.recipe import NAMES, Plan, plan_of
from archc.search.tasks.trainer import METRICS, Classification, Diverged, reproducible, train
from archc.search.tasks.unseen import LETTERS, AddNist, CifarTile, Language
from archc.search.tasks.vertices import Vertices
from archc.search.workers import Fleet, Workers

if TYPE_CHECKING:
    import torch

EXAMPLES = Path(__file__).parent.parent / "examples"
NET = "conv(4, 3) -> batch_norm -> relu -> global_avg_pool -> linear(10)"


def network(text: str, taken: str) -> Candidate:
    """Return a network of one line."""
    graph = archc.loads(f"arch 0.1\nimport std.nn\nmodel Net : {taken} = {text}\n")["Net"].graph()
    return Candidate("net", lambda: graph)


def trained(found: AnyTask, net: Candidate, budget: Budget) -> dict[str, float]:
    """Return the metrics of an evaluation that a seed decides: all but the latency, which is there."""
    metrics = dict(evaluate(found, net, budget))
    assert 0.0 < metrics.pop("latency") < 1000.0
    return metrics


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Return the digits."""
    return Digits("2")


# ---------------------------------------------------------------- data
def test_the_digits_are_those_of_scikit_learn_in_thirds(digits: Digits) -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    assert [row[:-1] for row in read()] == images.tolist()
    assert [row[-1] for row in read()] == labels.tolist()
    data = digits.data
    assert [len(split) for split in (data.train, data.valid, data.test)] == [THIRD] * 3
    pixels = data.train.kept[0]
    assert pixels.shape == (599, 1, 8, 8) and abs(float(pixels.mean())) < 1e-6
    assert float(pixels.std(correction=0)) == pytest.approx(1.0)
    assert data.test.targets.tolist() == labels[2 * THIRD :].tolist()


def test_lists_are_worked_out_by_the_rules_of_their_paper() -> None:
    tree = ("[MAX", (2, 9, ("[MIN", (4, 7)), 0))
    assert value(tree) == 9 and value(tree[1][2]) == 4
    assert value(("[MED", (1, 9, 4))) == 4 and value(("[MED", (1, 4, 9, 8))) == 6
    assert value(("[SM", (7, 8, 9))) == 4
    assert tokens(("[SM", (0, ("[MIN", (3, 9))))) == [14, 1, 12, 4, 10, 15, 15]
    assert draw(Random(5)) == draw(Random(5))


def test_lists_come_once_and_always_the_same() -> None:
    first, again = ListOps().data, ListOps().data
    texts = [tuple(row) for split in (first.train, first.valid, first.test) for row in split.kept[0].tolist()]
    assert len(set(texts)) == len(texts) == 10_000
    assert first.train.kept[0].equal(again.train.kept[0]) and first.test.targets.equal(again.test.targets)
    assert int(first.train.kept[0].max()) == 15 and first.takes == "Id(16)[32]"


def test_a_graph_network_of_the_examples_learns_the_vertices() -> None:
    found = Vertices()
    assert (
        sum(int((split.targets >= 0).sum()) for split in (found.data.train, found.data.valid, found.data.test)) == 500
    )
    space = archc.load(EXAMPLES / "gnn_design.arch")["GraphNet"].space(at=found.data.takes, classes=5, hidden=8)
    member = next(member for member in space if member.cost("nodes") < 20)
    metrics = evaluate(found, candidate(member), Budget(0.5))
    assert metrics["accuracy"] > 0.3, "one of five would be 0.2"


# ---------------------------------------------------------------- composed pictures
def idx(data: bytes, *sizes: int) -> bytes:
    """Return a file in the format of MNIST."""
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4) for size in sizes) + data


def written_mnist(folder: Path) -> Path:
    """Write images whose pixels all are ten times their digit; the test images gzipped."""
    for part, many in (("train", 30), ("t10k", 20)):
        labels = bytes(number % 10 for number in range(many))
        pixels = b"".join(bytes([10 * label] * 784) for label in labels)
        files = {"images-idx3-ubyte": idx(pixels, many, 28, 28), "labels-idx1-ubyte": idx(labels, many)}
        for name, data in files.items():
            path = folder / f"{part}-{name}"
            if part == "train":
                path.write_bytes(data)
            else:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data))
    return folder


def written_cifar(folder: Path) -> Path:
    """Write images whose red is their label, at ten times."""
    rows = b"".join(bytes([label]) + bytes([10 * label] * 1024) + bytes(range(256)) * 8 for label in range(10))
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(rows)
    return folder


def everything(split: Split) -> "tuple[torch.Tensor, list[int]]":
    """Return the inputs and the targets of a split."""
    import torch

    inputs, targets = split.batch(torch.arange(len(split)), torch.device("cpu"))
    return inputs[0], targets.tolist()


def test_addnist_adds_the_digits_of_its_channels(tmp_path: Path) -> None:
    data = AddNist(str(written_mnist(tmp_path)), (40, 20, 20)).data
    for split in (data.train, data.valid, data.test):
        pictures, targets = everything(split)
        assert sorted(targets) == sorted(list(range(20)) * (len(targets) // 20))
        low, high = float(pictures.min()), float(pictures.max())
        step = (high - low) / 9
        digits = ((pictures[:, :, 0, 0] - low) / step).round().int()
        assert (digits.sum(1) - 1).tolist() == targets
    assert everything(data.train)[0].shape == (40, 3, 28, 28)
    assert data.train.targets.tolist() != sorted(data.train.targets.tolist())


def test_cifartile_counts_the_kinds_of_its_tiles(tmp_path: Path) -> None:
    data = CifarTile(str(written_cifar(tmp_path)), (40, 8, 8)).data
    pictures, targets = everything(data.train)
    assert pictures.shape == (40, 3, 64, 64)
    for picture, target in zip(pictures, targets, strict=True):
        corners = {round(float(picture[0, row, column]), 4) for row in (0, 63) for column in (0, 63)}
        assert len(corners) == target + 1


def test_language_draws_words_as_letters_by_place(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("abcdef\nzebras\nshort\nqrstuv\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("Xxxxxx aaaaaa", encoding="utf-8")
    data = Language(str(tmp_path), (20, 4, 4)).data
    pictures, targets = everything(data.train)
    assert pictures.shape == (20, 1, 24, 24) and data.gives == "[2]"
    assert pictures.sum((1, 2)).eq(1).all(), "one letter at each place"
    for picture, target in zip(pictures, targets, strict=True):
        text = "".join(LETTERS[int(letter)] for letter in picture[0].argmax(0))
        words = {text[at : at + 6] for at in range(0, 24, 6)}
        assert words <= ({"xxxxxx", "aaaaaa"}, {"abcdef", "qrstuv"})[target]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("addnist", "expected addnist:PATH"),
        ("language:nowhere", "nowhere is no folder"),
        ("cifartile:.", "data_batch_1.bin cannot be read"),
        ("digits:many", "expected digits:EPOCHS"),
        ("proxy:gradsing", "no proxy is called 'gradsing'; nearest: gradsign"),
        ("proxy:naswot:proxy:params", "has no samples"),
    ],
)
def test_what_a_task_cannot_be_made_with_is_told(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    with pytest.raises(ValueError, match=words):
        task(name)


def test_a_file_that_is_no_such_file_is_told(tmp_path: Path) -> None:
    written_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0" * 900)
    with pytest.raises(ValueError, match="is no file of MNIST"):
        AddNist(str(tmp_path))
    (tmp_path / "en.txt").write_text("yyyyyy", encoding="utf-8")
    with pytest.raises(ValueError, match="has no word of 6 letters from a to x"):
        Language(str(tmp_path))


# ---------------------------------------------------------------- training
def test_a_seed_gives_the_same_metrics_and_another_gives_others(digits: Digits) -> None:
    import torch

    net = network(NET, "[1, 8, 8] -> [10]")
    before = torch.random.get_rng_state()
    with reproducible(0, torch.device("cpu")):
        first, again, other = (trained(digits, net, Budget(seed=seed)) for seed in (3, 3, 4))
    assert first == again != other
    assert torch.random.get_rng_state().equal(before)
    assert {*first, "latency"} == set(digits.metrics) and first["epochs"] == 2 and first["params"] == 98


def test_a_worker_finds_what_the_driver_would(digits: Digits) -> None:
    space = archc.load(EXAMPLES / "digits.arch")["DigitNet"].space(at="[1, 8, 8]", c=4)
    workers = Workers("digits:2", Objective.of(maximize=["accuracy"]), Fleet(2, threads=1))
    try:
        for number in range(2):
            workers.start(Job(number, space[15_000], 1.0, 1))
        found: list[Outcome] = []
        while len(found) < 2:
            found += [outcome for _, outcome in workers.wait(60)]
    finally:
        workers.close()
    wanted = trained(digits, candidate(space[15_000]), Budget(seed=1))
    assert [{name: outcome.metrics[name] for name in wanted} for outcome in found] == [wanted, wanted]


JOINT = """
import std.nn
space Net : [1, 8, 8] -> [10] = flatten -> linear(8 | 16) -> relu -> linear(10)
space Train = { optimizer = { name = "sgd", momentum = 0.5 } | { name = "adamw" }, lr = log(1e-3 .. 1e-1), epochs = 1 | 2 }
space Joint = { net = Net, train = Train }
"""


def test_a_joint_space_decides_the_recipe_too(digits: Digits) -> None:
    space = archc.loads(f"arch 0.1{JOINT}")["Joint"].space()
    found = set()
    for member in space.sample(Random(4), 8):
        tried = candidate(member)
        metrics = evaluate(digits, tried, Budget(seed=1))
        train = member.value()["train"]
        assert isinstance(train, dict) and metrics["epochs"] == train["epochs"]
        assert plan_of(tried.recipe, digits.plan).lr == train["lr"]
        found.add(metrics["loss"])
    assert len(found) == 8, "two members of other recipes do not train alike"


def test_training_learns_and_a_share_of_the_budget_is_a_share_of_the_epochs() -> None:
    found = Digits("10")
    net = network("conv(8, 3) -> batch_norm -> relu -> flatten -> linear(10)", "[1, 8, 8] -> [10]")
    low, full = (evaluate(found, net, Budget(share, seed=1)) for share in (0.1, 1.0))
    assert (low["epochs"], full["epochs"]) == (1, 10)
    assert full["accuracy"] > 0.85 and full["accuracy"] > low["accuracy"]


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "sgd", "lr": 0.1, "epochs": 1},
        {"optimizer": {"name": "adam", "weight_decay": 0.1}, "ema": True, "mixup": 0.2},
        {"train": {"dropout": 0.4, "label_smoothing": 0.1}, "batch": 100},
        {"precision": "bfloat16"},
    ],
)
def test_every_part_of_a_recipe_changes_what_is_trained(digits: Digits, recipe: Mapping[str, object]) -> None:
    net = network(NET, "[1, 8, 8] -> [10]")
    plain = trained(digits, net, Budget(seed=1))
    found = trained(digits, Candidate("net", net.make, recipe), Budget(seed=1))
    assert found["loss"] != plain["loss"]
    assert trained(digits, Candidate("net", net.make, recipe), Budget(seed=1)) == found


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"learning_rate": 0.1}, "no setting is called 'learning_rate'"),
        ({"lr": 0}, "lr = 0, expected more than 0"),
        ({"optimizer": "lion"}, "expected one of adamw, adam, sgd"),
        ({"epochs": 2.5}, "expected a whole number"),
        ({"dropout": 1.0}, "expected from 0 to below 1"),
        ({"ema": 1}, "expected true or false"),
    ],
)
def test_a_recipe_that_nothing_reads_is_told(recipe: Mapping[str, "str | float"], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan_of(recipe, Plan())


@pytest.mark.parametrize(
    ("text", "taken", "words"),
    [
        (NET, "[3, 8, 8] -> [10]", r"digits hands a network \[1, 8, 8\]; Net takes \[batch, 3, 8, 8\]"),
        ("flatten -> linear(7)", "[1, 8, 8] -> [7]", r"expects a network that gives \[10\]; this one gives \[7\]"),
        ("flatten", "[1, 8, 8] -> [64]", r"gives \[10\]; this one gives \[64\]"),
        ("add -> flatten", "(x: [1, 8, 8], y: [1, 8, 8]) -> [64]", "this one takes 2: x, y"),
    ],
)
def test_a_network_that_does_not_go_with_the_data_is_told(digits: Digits, text: str, taken: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        evaluate(digits, network(text, taken), Budget())


def test_a_network_without_weights_is_told() -> None:
    import torch

    split = Split((torch.zeros(4, 10),), torch.zeros(4, dtype=torch.int64))
    found = Classification(Data("zeros", "[10]", "[10]", 10, split, split, split), Plan())
    with pytest.raises(ValueError, match="has no weights to train"):
        evaluate(found, network("relu", "[10] -> [10]"), Budget())


def test_a_loss_that_is_no_number_ends_the_trial_with_its_reason(digits: Digits) -> None:
    recipe = {"optimizer": "sgd", "lr": 1e30, "clip": 1e30, "warmup": 0.0}
    net = network("flatten -> linear(10)", "[1, 8, 8] -> [10]")
    with pytest.raises(Diverged, match=r"the loss is (nan|inf) .*lr = 1e\+30"):
        evaluate(digits, Candidate("net", net.make, recipe), Budget())


def test_training_stops_early_and_leaves_the_best_weights() -> None:
    import torch

    torch.manual_seed(0)
    inputs, targets = torch.randn(64, 6), torch.randint(2, (64,))
    train_split, other = Split((inputs[:32],), targets[:32]), Split((inputs[32:],), targets[32:])
    data = Data("noise", "[6]", "[2]", 2, train_split, other, other)
    module = network("linear(64) -> relu -> linear(2)", "[6] -> [2]").module()
    found = train(module, data, Plan(epochs=200, batch=8, lr=0.01, patience=3), Budget(seed=2))
    assert found["epochs"] < 200
    module.eval()
    accuracy = float((module(inputs[32:]).argmax(1) == targets[32:]).double().mean())
    assert accuracy == found["accuracy"] == found["test_accuracy"]


# ---------------------------------------------------------------- proxies
TINY = "linear(2, bias=false) -> relu -> linear(2, bias=false)"


@pytest.fixture
def tiny() -> "torch.nn.Module":
    """Return a network of two layers with weights that a hand can follow.

    The first sample switches both rectifiers on: hidden (1, 3), scores (7, -3). The second only the other: (0, 1), (2, -1).
    """
    import torch

    module = network(TINY, "[3] -> [2]").module()
    first, second = module.parameters()
    with torch.no_grad():
        first.copy_(torch.tensor([[1.0, -2.0, 0.0], [3.0, 1.0, 1.0]]))
        second.copy_(torch.tensor([[1.0, 2.0], [0.0, -1.0]]))
    return module


@pytest.fixture
def sample() -> Sample:
    """Return two samples of different classes."""
    import torch

    return Sample((torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),), torch.tensor([0, 1]))


def by_hand() -> Mapping[str, float]:
    """Return what each proxy is for the two samples, worked out on paper."""
    like = 48 / sqrt(114 * 24)  # correlation of the input gradients (4, -1, 1) and (3, 1, 1)
    one, other = 1 / (1 + exp(10)), 1 / (1 + exp(-3))  # how far the scores are off, by sample
    ratio = (3 * one + other) / abs(3 * one - other)
    return {
        "synflow": 2 * (1 * 3 + 2 * 5 + 1 * 5),  # each layer carries the whole flow
        "naswot": log(2 * 2 - 1 * 1),  # both rectifiers agree with themselves, one of them between samples
        "jacov": -sum(log(v + 1e-5) + 1 / (v + 1e-5) for v in (1 - like, 1 + like)),
        "gradsign": 2 + 3,  # of ten weights, three agree or stand alone in the first layer, two in the second
        "zico": log(1 + 1 + 1) + log(2 + 2 * ratio),
    }


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_is_what_a_hand_finds(name: str, tiny: "torch.nn.Module", sample: Sample) -> None:
    assert PROXIES[name](tiny, sample) == pytest.approx(by_hand()[name], rel=1e-4)


def test_no_proxy_changes_the_weights(tiny: "torch.nn.Module", sample: Sample) -> None:
    before = {key: tensor.clone() for key, tensor in tiny.state_dict().items()}
    for proxy in PROXIES.values():
        proxy(tiny, sample)
    assert all(tensor.equal(before[key]) for key, tensor in tiny.state_dict().items())


def test_a_proxy_that_a_network_does_not_have_says_so(sample: Sample) -> None:
    module = network("linear(2)", "[3] -> [2]").module()
    with pytest.raises(ValueError, match="no rectifiers"):
        naswot(module, sample)
    ids = network("embedding(5, 4) -> relu -> flatten -> linear(3)", "Id(5)[6] -> [3]")
    with pytest.raises(ValueError, match="takes ids"):
        evaluate(task("proxy:jacov"), ids, Budget())
    found = evaluate(task("proxy:all"), ids, Budget(seed=2))
    assert set(found) == {"gradsign", "synflow", "naswot", "zico", "params", "flops"}


def test_sizes_are_read_without_torch_and_the_rest_by_the_seed() -> None:
    net = network(TINY, "[3] -> [2]")
    sizes = task("proxy:flops")
    assert getattr(sizes, "quick", False) and evaluate(sizes, net, Budget()) == {"flops": 20.0}
    assert evaluate(task("proxy:params"), net, Budget()) == {"params": 10.0}
    zico = task("proxy:zico")
    first, again, other = (evaluate(zico, net, Budget(seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_proxy_may_look_at_the_samples_of_a_task() -> None:
    found = evaluate(task("proxy:naswot:digits"), network(NET, "[1, 8, 8] -> [10]"), Budget())
    assert found["naswot"] > 0
    with pytest.raises(ValueError, match="digits hands a network"):
        evaluate(task("proxy:all:digits"), network(NET, "[3, 8, 8] -> [10]"), Budget())


# ---------------------------------------------------------------- ranks
def test_correlations_are_those_of_scipy() -> None:
    from scipy.stats import kendalltau, rankdata, spearmanr

    rng = Random(1)
    for many in (3, 10, 40):
        one = [float(rng.randrange(8)) for _ in range(many)]
        other = [a + rng.gauss(0, 3) if rng.random() < 0.7 else a for a in one]
        assert ranks(one) == [place - 1 for place in rankdata(one)]
        assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
        assert kendall(one, other) == pytest.approx(kendalltau(one, other).statistic)
    assert spearman([1.0, 1.0], [1.0, 2.0]) == kendall([1.0, 1.0], [1.0, 2.0]) == 0.0


def test_agreement_is_over_those_that_have_a_score_and_a_vote_over_all() -> None:
    scores = [{"a": 1.0, "b": 9.0}, {"a": 2.0}, {"a": 3.0, "b": 8.0}, {"a": 4.0, "b": 7.0}]
    found = agreements(scores, [0.1, 0.2, 0.3, 0.4])
    assert (found["a"].spearman, found["a"].kendall, found["a"].many) == (pytest.approx(1.0), pytest.approx(1.0), 4)
    assert found["b"].spearman == pytest.approx(-1.0) and found["b"].many == 3
    assert vote(scores, ["a", "b"]) == pytest.approx([1 / 2, 1 / 6, 2 / 3, 2 / 3])


# ---------------------------------------------------------------- memory and latency
def test_what_training_takes_is_known_from_the_meta_device() -> None:
    net = network("linear(16, bias=false) -> relu -> linear(4)", "[8] -> [4]")
    found = footprint(net.graph, 10)
    weights = 4 * (8 * 16 + 16 * 4 + 4)
    assert (found.weights, found.optimizer) == (weights, 3 * weights)
    assert found.activations == 4 * 10 * (8 + 16), "the input, and what the rectifier gives for both that read it"
    assert found.total == 4 * weights + found.activations


def test_a_filter_by_memory_refuses_before_a_worker_is_touched() -> None:
    space = archc.load(EXAMPLES / "digits.arch")["DigitNet"].space(at="[1, 8, 8]")
    least, most = (footprint(space[number].graph(), 64).total for number in (0, space.count() - 1))
    low, high = min(least, most), max(least, most)
    wanted = Memory(low)
    assert sorted(wanted.refuses(space[number]) is None for number in (0, space.count() - 1)) == [False, True]
    reasons = [wanted.refuses(space[number]) for number in (0, space.count() - 1)]
    assert f"bytes of training at batch 64 = {high}, at most {low} wanted" in reasons


def test_latency_grows_with_work() -> None:
    quick = Bench(warm=1, runs=5)
    small, large = (network(f"linear({size})", f"[{size}] -> [{size}]") for size in (8, 1500))
    assert latency(small.graph, quick).seconds < latency(large.graph, quick).seconds


def test_a_table_measures_each_piece_once_and_is_noted() -> None:
    space = archc.loads(SMALL)["Net"].space()
    table = Table(Bench(warm=1, runs=3))
    timed = table.onto(space)
    assert all(0 < taken < 10**9 for taken in table.pieces.values()) and len(table.pieces) == 15
    again = table_of(json.loads(json.dumps(table.notes())))
    assert again == table and again is not None
    assert again.onto(space).costs("latency") == timed.costs("latency"), "nothing is measured again"
    assert table_of(None) is None and table_of({"pieces": {}}) is None


SMALL = """arch 0.1
space Net : [8] -> [2] = linear(4 | 8 | 16) -> (relu | tanh -> tanh | gelu) -> linear(2)
"""


def test_a_table_is_a_cost_for_bounds_and_for_the_additive_strategy() -> None:
    space = archc.loads(SMALL)["Net"].space()
    first = Table(Bench(warm=0, runs=1))
    first.onto(space)
    table = Table(pieces={name: 1000 * 3**number for number, name in enumerate(sorted(first.pieces))})
    timed = table.onto(space)
    taken = {member.key: sum(table.pieces[name] for name in pieces(member)) for member in timed}
    assert {member.key: member.cost("latency") for member in timed} == taken and len(set(taken.values())) == 9
    middle = sorted(taken.values())[4]
    inner = timed.where(f"latency <= {middle / 1000}us and nodes <= 4")
    assert {member.key for member in inner} == {key for key, cost in taken.items() if cost <= middle}
    assert str(inner.kept[0].bounds) == f"latency <= {middle:,} ns"
    settings: dict[str, Json] = {"cost": "latency", "most": middle, "measures": 1}
    objective = Objective.of(maximize=["params"])
    search = Search(timed, objective, "additive", settings, evaluations=4)
    origins = [
        (trial.key, trial.origin["operator"])
        for trial in run(search, Inline(task("proxy:params"), objective), lambda found: found.member.key).history
    ]
    solved = {key for key, operator in origins if operator == "solve"}
    assert solved and all(taken[key] <= middle for key in solved)


def pieces(member: Member) -> list[str]:
    """Return the hashes of the pieces that a member of SMALL is made of, each by itself."""
    wide, form = map(int, member.key.split())
    width, middle = (4, 8, 16)[wide], ("relu", "tanh -> tanh", "gelu")[form]
    parts = ((f"linear({width})", 8, width), (middle, width, width), ("linear(2)", width, 2))
    return [network(text, f"[{into}] -> [{out}]").hash for text, into, out in parts]


# ---------------------------------------------------------------- docs
def test_the_task_of_the_page_runs_and_every_name_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (EXAMPLES.parent / "docs" / "tasks.md").read_text(encoding="utf-8")
    (tmp_path / "constant.py").write_text(page.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    net = network("linear(3)", "[4] -> [3]")
    found = task("python:constant:Constant")
    assert evaluate(found, net, Budget())["error"] < evaluate(found, net, Budget(0.05))["error"]
    assert all(f"| `{name}" in page or f"`{name}:" in page for name in TASKS)
    assert all(f"`{name}`" in page for name in (*NAMES, *PROXIES, *METRICS))
    for made in (Vertices(), ListOps()):
        assert f"| `{made.data.takes}` | `{made.data.gives}` |" in page
