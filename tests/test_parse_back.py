"""The text of a network gives back the decisions that make it; a text outside a space, the place where it leaves it."""

import json
from random import Random

import pytest

import archc
from archc.build import network_in
from archc.grammar.diagnostics import CompileError
from archc.members import Member, Space
from archc.spaces.membership import derivation_of
from archc.spaces.outside import OutsideError
from archc.spaces.parsing import search_for

SMALL = {
    "arms and a repetition": """
space Net : [8] -> [2] = (linear(8) -> (relu | tanh)) * (1..3) -> linear(2)
""",
    "two ways to one network": """
space Net : [8] -> [8] = (id | relu) -> (id | relu | linear(8)) -> (relu | id)
""",
    "a name, used twice": """
space Net : [8] -> [8] = {
    choose f = linear(8) | (relu -> linear(8)) | tanh
    return f -> (relu | id) -> f
}
""",
    "branches that are added": """
space Arm : [8] -> [8] = linear(8) | tanh | id
space Net : [8] -> [8] = (Arm, Arm, linear(8)) -> add
""",
    "a space inside itself": """
space Part : [8] -> [8] where depth <= 3 = relu | linear(8) | Part -> Part
space Net : [8] -> [8] = Part
""",
}
CHAIN = "arch 0.1\nspace Net : [8] -> [2] = (linear(8 | 16) -> (relu | tanh)) * (1..3) -> linear(2)\n"


def searched(space: Space, text: str) -> set[str]:
    """Return the keys of what the search alone finds, and no list of all members."""
    graph = network_in(text, space.name)
    search = search_for(space.program, space.name, graph, arguments=space.arguments, at=space.at, steps=10**7)
    found = (derivation_of(space.forest, script) for script, _ in search.found())
    return {Member(space, derivation).key for derivation in found if derivation is not None}


@pytest.mark.parametrize("name", SMALL)
def test_every_member_is_found_with_all_that_are_the_same_network(name: str) -> None:
    space = archc.loads("arch 0.1\n" + SMALL[name])["Net"].space()
    members = list(space)
    for member in members[:: max(1, len(members) // 25)]:
        alike = {entry.key for entry in members if entry.hash == member.hash}
        assert {entry.key for entry in space.parse(member.text)} == alike
        same = {key for key in searched(space, member.text) if key in alike}
        assert same == alike, member.text


def test_a_cell_of_nasbench201_is_found_among_all() -> None:
    space = archc.load("examples/nasbench201.arch")["Cell"].space(at=(16, 8, 8), c=16)
    for number in (77, 9_000, 15_000):
        found = space.parse(space[number].text, most=1)
        assert found[0].hash == space[number].hash


def test_a_cell_that_is_written_by_hand_needs_no_zeros() -> None:
    space = archc.load("examples/nasbench201.arch")["Cell"].space(at=(16, 8, 8), c=16)
    text = "arch 0.1\nmodel Mine : [16, 8, 8] -> [16, 8, 8] = (id, avg_pool(3, pad=1)) -> add\n"
    found = space.parse(text, most=3)
    assert len(found) == 3 and not found.is_complete
    assert len({member.hash for member in found}) == 1


EXAMPLES: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("anynet", "AnyNetX", "[3, 32, 32]", {"deepest": 4, "widest": 48}),
    ("darts", "Cell", "(p: [16, 8, 8], q: [16, 8, 8])", {"c": 16}),
    ("darts", "PaperCell", "(p: [16, 8, 8], q: [16, 8, 8])", {"c": 16}),
    ("digits", "DigitNet", "[1, 8, 8]", {}),
    ("einspace", "Root", "[16, 8]", {"most_types": 4}),
    ("flexibert", "FlexiBert", "Id(30522)[32]", {}),
    ("gnn_design", "GraphNet", "(x: [10, 16], edges: Id(10)[2, 20])", {}),
    ("hierarchical_nb201", "Published", "[3, 32, 32]", {}),
    ("hierarchical_nb201", "Typed", "[3, 32, 32]", {}),
    ("hytra", "HyTra", "[3, 32, 32]", {}),
    ("nasbench201", "Cell", "[16, 8, 8]", {"c": 16}),
    ("nasbench201", "LiveNasBench201", "[3, 32, 32]", {}),
    ("nasbench201", "NasBench201", "[3, 32, 32]", {}),
    ("ofa_mobilenet", "OnceForAll", "[3, 32, 32]", {}),
    ("star", "Star", "Id(32000)[16]", {}),
)


@pytest.mark.parametrize(("file", "name", "at", "given"), EXAMPLES, ids=lambda value: str(value))
def test_a_draw_of_an_example_space_is_found_by_its_text(file: str, name: str, at: str, given: dict[str, int]) -> None:
    space = archc.load(f"examples/{file}.arch")[name].space(at=at, **given)
    ambiguous = file in ("einspace", "hierarchical_nb201")
    for seed in (1,) if ambiguous else (1, 2):
        member = space.sample(Random(seed))[0]
        found = space.parse(member.text, most=10 if ambiguous else 100, steps=2_000_000)
        assert len({entry.hash for entry in (member, *list(found)[:5])}) == 1
        assert len(found) == 10 if ambiguous else found.is_complete and member in found


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("[8] -> [2] = linear(8) -> sigmoid -> linear(2)", "sigmoid", "here the space has relu, tanh"),
        ("[8] -> [2] = linear(12) -> relu -> linear(2)", "linear(12)", "linear(out=8), linear(out=16)"),
        ("[8] -> [2] = linear(8) -> relu -> linear(2) -> relu", "relu", "`relu` leaves the space"),
        ("[4] -> [2] = linear(2)", "linear(2)", "is asked for at [8]"),
    ],
)
def test_a_network_outside_is_told_where_it_leaves(text: str, place: str, says: str) -> None:
    space = archc.loads(CHAIN)["Net"].space()
    with pytest.raises(OutsideError) as caught:
        space.parse(f"arch 0.1\nmodel Mine : {text}\n")
    found = caught.value.diagnostic
    assert found.code == "A0925" and found.span.text in place
    assert says in f"{found.message} {found.label} {found.hint}"


@pytest.mark.parametrize("text", ["", "arch 0.1\n", "arch 0.1\nmodel Net : [8] -> [2] = linear(", "nonsense"])
def test_a_text_that_is_no_network_is_a_diagnostic(text: str) -> None:
    with pytest.raises(CompileError):
        archc.loads(CHAIN)["Net"].space().parse(text)


def test_a_search_that_runs_out_of_steps_says_so() -> None:
    space = archc.load("examples/nasbench201.arch")["Cell"].space(at=(16, 8, 8), c=16)
    text = "arch 0.1\nmodel Mine : [16, 8, 8] -> [16, 8, 8] = conv(16, 3, pad=1) -> relu\n"
    with pytest.raises(OutsideError, match="before all was tried"):
        space.parse(text, steps=1)


RECORDS = """arch 0.1
space Net(width) : [64] -> [10] = linear(width) -> (relu | gelu) -> linear(10)
space Train = { optimizer = "sgd" | "adam", epochs = 10 | 20, lr = log(0.1 .. 1.0) }
space Joint where net.params <= 3K = { net = Net(16 | 32 | 64), train = Train }
space Twice = {
    choose net = Net(16 | 32)
    return { one = net, other = net, count = 3 | 5 }
}
space Arms = {
    choose arm = { size = 1, act = relu } | { size = 2, act = tanh }
    return { size = arm.size, net = linear(8) -> arm.act }
}
"""


@pytest.mark.parametrize(
    ("file", "name", "at"),
    [
        ("", "Train", None),
        ("", "Joint", None),
        ("", "Twice", None),
        ("", "Arms", "[4]"),
        ("fbnet_joint", "Train", None),
        ("gnn_design", "Train", None),
        ("gnn_design", "Joint", "(x: [10, 16], edges: Id(10)[2, 20])"),
    ],
)
def test_a_record_is_found_by_its_text(file: str, name: str, at: str | None) -> None:
    program = archc.load(f"examples/{file}.arch") if file else archc.loads(RECORDS)
    space = program[name].space(at=at)
    for seed in range(3):
        member = space.sample(Random(seed))[0]
        found = space.parse(member.text)
        assert member in found and found.is_complete
        assert {entry.hash for entry in found} == {member.hash}
        if not space.has_networks:
            assert member in space.parse(json.dumps(member.value()))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"sgd"', '"sdg"', '`train.optimizer` is "sdg", where the space has "sgd", "adam"'),
        ("epochs = 10", "epochs = 10.0", "`train.epochs` is 10.0, where the space has 10, 20"),
        ("epochs = 10,", "", "`train` is the fields optimizer, lr, where the space has fields optimizer, epochs, lr"),
        ("-> relu", "-> tanh", "`net` is no network of `Joint`: `tanh` leaves the space"),
        ("linear(16)", "linear(64)", "beyond its bound net.params <= 3,000: net.params is 4,810"),
    ],
)
def test_a_record_outside_is_told_by_which_field(old: str, new: str, says: str) -> None:
    space = archc.loads(RECORDS)["Joint"].space()
    text = " ".join(space[0].text.split(" "))
    assert old in text
    with pytest.raises(OutsideError) as caught:
        space.parse(text.replace(old, new))
    assert says in caught.value.diagnostic.message


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "arch 0.1\nspace T = { epochs = 1 | 2 }\n", "arch 0.1\nmodel Net : [8] -> [2] = linear(2)\n"],
)
def test_a_text_that_is_no_record_is_a_diagnostic(text: str) -> None:
    space = archc.loads(RECORDS)["Train"].space()
    with pytest.raises(CompileError):
        space.parse(text)


def test_a_network_is_no_record() -> None:
    space = archc.loads(RECORDS)["Joint"].space()
    with pytest.raises(TypeError, match="are records"):
        space.parsed(archc.loads(CHAIN)["Net"].space()[0].graph())


def test_sizes_that_a_text_leaves_open_are_those_of_the_space() -> None:
    space = archc.loads("arch 0.1\nspace Net : [n, 8] -> [n, 8] = linear(8) | relu\n")["Net"].space(at=(5, 8))
    found = space.parse("arch 0.1\nmodel Mine : [n, d] -> [n, d] = relu\n")
    assert [member.key for member in found] == ["1"]


def test_a_member_beyond_a_bound_is_outside() -> None:
    space = archc.loads(CHAIN)["Net"].space()
    largest = max(space, key=lambda member: member.cost("params"))
    with pytest.raises(OutsideError, match=r"beyond its bound params <= 100: params is [1-9]\d\d"):
        space.where("params <= 100").parse(largest.text)
    smallest = min(space, key=lambda member: member.cost("params"))
    with pytest.raises(OutsideError, match="beyond its bound params >= 200: params is"):
        space.where("nodes <= 100").where("params >= 200").parse(smallest.text)
