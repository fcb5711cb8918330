"""Spaces of records: recipes and joint spaces, member by member."""

import json
from itertools import product
from math import exp
from pathlib import Path
from random import Random

import pytest

import archc
from archc.cost import graph_cost
from archc.members import Space
from archc.networks import Network
from archc.runtime.derivations import narrow

EXAMPLES = Path(__file__).parent.parent / "examples"

NETS = """arch 0.1
space Net(c: 4 | 8) : [c] -> [n] = linear(2) | linear(3) -> (relu | gelu)
space Choice = "none" | { name = "sgd", momentum = 0.0 .. 1.0 } | { name = "adam", eps = log(1e-8 .. 1e-3) }
"""


def space(record: str, at: object = None, **parameters: int) -> Space:
    """Return the space R of this body."""
    return archc.loads(f"{NETS}space R{record}\n")["R"].space(at=at, **parameters)  # type: ignore[arg-type]  # any input


def values(found: Space) -> list[str]:
    """Return every member as JSON, a network as its type from input to output and its ops."""
    return sorted(json.dumps(member.value(), default=shown) for member in found)


def shown(network: Network) -> str:
    ops = [getattr(node, "op", "") for node in network.graph.nodes]
    return f"{network.graph.inputs[0].type} {' '.join(ops)} {network.type}"


def test_fields_are_decided_one_by_one() -> None:
    found = space(
        ' = { a = 1 | 2, b = "x" | "y", c = true | false, d = 0.5 | 1.5, e = [1, 2 | 3], f = 0.0 .. 0.2 by 0.1 }'
    )
    expected = [
        {"a": a, "b": b, "c": c, "d": d, "e": [1, e], "f": f}
        for a, b, c, d, e, f in product((1, 2), "xy", (True, False), (0.5, 1.5), (2, 3), (0.0, 0.1, 0.2))
    ]
    assert values(found) == sorted(map(json.dumps, expected))
    assert found.types() == {"data": 96}


def test_many_fields_take_no_more_than_their_sum() -> None:
    found = space(f" = {{ {', '.join(f'f{number} = 1 .. 9' for number in range(40))} }}")
    assert found.count() == 9**40
    assert len(found.sample(Random(0))[0].value()) == 40


def test_a_continuous_range_counts_once_and_is_drawn_within() -> None:
    found = space(" = { lr = log(1e-4 .. 1e-1), drop = 0.1 .. 0.2 }")
    assert found.count() == 1
    for member in found.sample(Random(0), 50):
        drawn = member.value()
        assert isinstance(drawn["lr"], float) and 1e-4 <= drawn["lr"] <= 1e-1
        assert isinstance(drawn["drop"], float) and 0.1 <= drawn["drop"] <= 0.2


def test_a_choice_may_be_between_records_and_values() -> None:
    found = space(" = { o = Choice, p = { q = { r = 1 | 2 } } }")
    names = [member.value()["o"] for member in found]
    assert found.count() == 6
    assert {entry if isinstance(entry, str) else "-".join(entry) for entry in names} == {
        "none", "name-momentum", "name-eps",
    }  # fmt: skip


def test_what_choose_names_is_decided_once() -> None:
    found = space(" = { choose o = Choice  choose n = Net(_)  return { a = o, b = o, x = n, y = n } }")
    assert found.count() == 3 * 6
    for member in found:
        record = member.value()
        assert record["a"] == record["b"]
        assert shown(member["x"]) == shown(member["y"])  # type: ignore[arg-type]  # both are networks


def test_what_choose_names_may_be_read() -> None:
    found = space(
        " = { choose p = { width = 2 | 3, lr = 0.1 | 0.2 }  return { net = linear(p.width), p = p } }", at=(5,)
    )
    assert values(found) == sorted(
        json.dumps({"net": f"[5] linear [{width}]", "p": {"width": width, "lr": lr}})
        for width, lr in product((2, 3), (0.1, 0.2))
    )


def test_parameters_and_conditions_decide_fields() -> None:
    text = "(k: 1 | 2 = 1) = { q = (if k == 1 then { z = 1 | 2 } else { z = 3 }), k = k }"
    assert values(space(text)) == ['{"q": {"z": 1}, "k": 1}', '{"q": {"z": 2}, "k": 1}']
    assert values(space(text, k=2)) == ['{"q": {"z": 3}, "k": 2}']


# ---------------------------------------------------------------- networks
def test_a_network_stands_at_the_input_that_it_declares() -> None:
    found = space(" = { net = Net(_) }")
    assert found.types() == {
        "{ net: [4] -> [2] }": 1, "{ net: [4] -> [3] }": 2, "{ net: [8] -> [2] }": 1, "{ net: [8] -> [3] }": 2,
    }  # fmt: skip


@pytest.mark.parametrize("at", [(7,), "[7]", {"a": (7,), "b": "[7]"}])
def test_an_input_that_is_open_is_given_for_all_or_by_field(at: object) -> None:
    found = space(" = { a = linear(2) -> (relu | gelu), b = dropout(0.1 | 0.2), c = 3 }", at=at)
    assert found.types() == {"{ a: [7] -> [2], b: [7] -> [7] }": 4}


def test_fields_have_inputs_of_their_own() -> None:
    found = space(" = { a = linear(2), in = { b = linear(3), c = Net(4) } }", at={"a": (5,), "in": {"b": (6,)}})
    assert list(found.types()) == ["{ a: [5] -> [2], in: { b: [6] -> [3], c: [4] -> [2] } }",
                                   "{ a: [5] -> [2], in: { b: [6] -> [3], c: [4] -> [3] } }"]  # fmt: skip


@pytest.mark.parametrize(("at", "code"), [(None, "A0702"), ({"b": (7,)}, "A0704"), ("seven", "A0704")])
def test_an_input_that_is_missing_is_asked_for(at: object, code: str) -> None:
    with pytest.raises(archc.CompileError) as caught:
        space(" = { a = linear(2), c = 3 }", at=at)
    assert [entry.code for entry in caught.value.diagnostics] == [code]


def test_a_field_is_a_network_and_the_member_is_none() -> None:
    member = space(" = { net = Net(4), k = 1 }").sample(Random(0))[0]
    network = member["net"]
    assert isinstance(network, Network)
    assert sum(weight.numel() for weight in network.module().parameters()) in (10, 15)
    assert network.text.startswith("arch 0.1") and "class " in network.python() and "linear" in str(network.summary())
    for ask in (member.graph, member.module, member.python, member.summary):
        with pytest.raises(TypeError, match="is a record"):
            ask()
    with pytest.raises(TypeError, match="is a network"):
        archc.loads(NETS)["Net"].space(c=4)[0].value()


def test_the_text_of_a_record_is_a_space_of_this_record_only() -> None:
    record = "{ choose k = 4 | 8  return { net = Net(k) -> linear(k), lr = log(1e-4 .. 1e-1), o = { n = Net(k), p = Choice } } }"
    for member in space(f" = {record}", at={"net": (4,)}).sample(Random(3), 8):
        again = archc.loads(member.text)["R"].space()
        assert again.count() == 1
        assert again[0].hash == member.hash
        assert again[0].value().keys() == member.value().keys()
        assert again[0]["lr"] == member["lr"]


def test_keys_hashes_and_numbers_are_of_the_whole_record() -> None:
    found = space(" = { choose o = 1 | 2  return { net = Net(4) | Net(4), o = o } }")
    members = list(found)
    assert [found.rank(member) for member in members] == list(range(found.count()))
    assert len({member.key for member in members}) == found.count() == 12
    assert len({member.hash for member in members}) == 6
    child = found.mutate(members[0], Random(0))
    assert child != members[0] and child.key in {member.key for member in members}


# ---------------------------------------------------------------- bounds
@pytest.mark.parametrize("field", ["a", "b.x"])
@pytest.mark.parametrize("record", ["{ a = Net(_), b = { x = Net(4) | Net(8), y = 1 | 2 } }",
                                    "{ choose n = Net(_)  return { a = n, b = { x = n, y = 1 | 2 } } }"])  # fmt: skip
def test_a_bound_may_be_on_one_field(field: str, record: str) -> None:
    expected = []
    for member in space(f" = {record}"):
        network: object = member.value()
        for name in field.split("."):
            assert isinstance(network, dict)
            network = network[name]
        assert isinstance(network, Network)
        if (graph_cost(network.graph).params.constant or 0) <= 15:
            expected.append(member.key)
    assert expected
    assert sorted(member.key for member in space(f" where {field}.params <= 15 = {record}")) == sorted(expected)


def test_a_bound_on_a_field_holds_inside_another_record() -> None:
    text = f"{NETS}space R where a.params <= 15 = {{ a = Net(_), k = 1 | 2 }}\nspace S = {{ r = R, n = Net(8) }}\n"
    assert archc.loads(text)["S"].space().count() == 3 * 2 * 3


FEWER = (
    ("        -> Stage(80, 2, act)\n        -> Stage(112, 1, act)\n        -> Stage(184, 2, act)\n", ""),
    ("1 | 2 | 3 | 4 | 6 = 4", "3 | 6 = 3"),
    ("relu | hardswish | silu", "relu | silu"),
    ("192 | 224", "192"),
    ("_, act) -> MbConv", "true, act) -> MbConv"),
    ("(1..4)", "(1..3)"),
    ("600M", "150M"),
)
"""What makes the example of FBNetV3 small enough to count exactly within its bound."""


def test_a_bound_that_leaves_too_many_costs_is_kept_by_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "fbnet_joint.arch").read_text(encoding="utf-8")
    for wide, narrower in FEWER:
        assert wide in text
        text = text.replace(wide, narrower)
    (whole,) = archc.loads(text)["Joint"].space().kept
    monkeypatch.setattr(narrow, "LIMIT", 10_000)
    joint = archc.loads(text)["Joint"].space()
    (kept,) = joint.kept
    assert whole.exact and not kept.exact and kept.count < whole.count
    assert 0.99 < kept.least <= kept.count / whole.count <= kept.most <= 1
    require_within(joint, 150_000_000, 20)


def require_within(joint: Space, most: int, draws: int) -> None:
    """Hold the networks of some members to a bound on multiply-accumulates."""
    for member in joint.sample(Random(1), draws):
        network = member["net"]
        assert isinstance(network, Network)
        assert (graph_cost(network.graph).macs.constant or 0) <= most


@pytest.mark.soak
def test_the_bound_of_fbnet_is_kept_by_rounding() -> None:
    joint = archc.load(EXAMPLES / "fbnet_joint.arch")["Joint"].space()
    (kept,) = joint.kept
    assert not kept.exact and 0.99 < kept.least <= kept.most <= 1
    require_within(joint, 600_000_000, 3)


def test_the_fields_of_a_record_that_a_name_chooses_go_together() -> None:
    text = """arch 0.1
space S : [8] -> [n] = {
    choose p = 60%: { a = 8, f = relu } | { a = 16, f = gelu | silu -> tanh, more = 2 .. 3 }
    return linear(p.a) -> p.f -> p.f
}
"""
    found = archc.loads(text.replace(", more = 2 .. 3", ""))["S"].space(at=(8,))
    networks = [[getattr(node, "op", "") for node in member.graph().nodes] for member in found]
    assert networks == [["linear", *ops, *ops] for ops in (["relu"], ["gelu"], ["silu", "tanh"])]
    assert [member.type for member in found] == ["[8]", "[16]", "[16]"]
    assert [exp(found.logprob(member)) for member in found] == pytest.approx([0.6, 0.2, 0.2])
    assert archc.loads(text)["S"].space(at=(8,)).count() == 5, "a field that nothing reads is decided as well"
    for member in found:
        assert member.module() is not None
        assert found[found.rank(member)] == member


def test_a_chosen_record_is_a_size_a_flag_and_a_recipe() -> None:
    text = """arch 0.1
space R = {
    choose p = { width = 4, deep = true } | { width = 8, deep = false }
    return { net = Net(p.width, p.deep), width = p.width }
}
space Net(w, deep: Bool) : [w] -> [n] = if deep then linear(w) -> linear(2 | 3) else linear(2)
"""
    found = archc.loads(text)["R"].space()
    assert sorted((member["width"], str(member["net"])) for member in found) == [
        (4, "<network Net : x: [4] -> [2]>"),
        (4, "<network Net : x: [4] -> [3]>"),
        (8, "<network Net : x: [8] -> [2]>"),
    ]
