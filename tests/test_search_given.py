"""What archc wrote of a member is given back to a search, and what is of another space is told where it is not."""

import json
from random import Random

import pytest

import archc
from archc.members import Member, Space
from archc.search.given import NoMember, from_json
from archc.spaces.forest import Derivation
from archc.spaces.outside import OutsideError

JOINT = """arch 0.1
import std.nn
space Net(width) : [64] -> [10] = linear(width) -> (relu | gelu) -> linear(10)
space Train = { optimizer = "sgd" | "adam", epochs = 10 | 20, lr = log(0.001..0.1) }
space Joint where net.params <= 3K = { net = Net(16 | 32 | 64), train = Train }
space Wide = { net = Net(16 | 32 | 64 | 128), train = Train, seed = 1 | 2 }
"""


def joint(*, change: tuple[str, str] = ("", ""), name: str = "Joint") -> Space:
    """Return the joint space, in another edition where there is a change."""
    return archc.loads(JOINT.replace(*change) if change[0] else JOINT)[name].space()


def written(member: Member) -> dict[str, object]:
    """Return what is written of a member; of its network the hash alone."""
    network = member["net"]
    value = {**member.value(), "net": {"network": getattr(network, "hash", "")}}
    return {"key": member.key, "hash": member.hash, "value": value}


@pytest.fixture(scope="module")
def space() -> Space:
    """Return networks with recipes."""
    return joint()


def test_every_record_comes_back_from_json_and_from_its_text(space: Space) -> None:
    members = space.sample(Random(1), 6)
    assert from_json(space, json.dumps({"members": [written(member) for member in members]})) == members
    assert from_json(space, json.dumps(written(members[0]))) == members[:1]
    for member in members:
        assert list(space.parse(member.text)) == [member]


def test_networks_come_back_by_their_decisions() -> None:
    nets = archc.loads("arch 0.1\nspace Net : [8] -> [2] = linear(4 | 8) -> (relu | tanh) -> linear(2)\n")[
        "Net"
    ].space()
    assert from_json(nets, '[{"key": "1 0"}, {"key": "0 1"}]') == [nets[2], nets[1]]
    with pytest.raises(NoMember, match=r"its decision 2 is 7, and the space has 0, 1 there"):
        from_json(nets, '{"key": "1 7"}')


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("10 | 20", "10 | 30"), r"`train.epochs` is 20, and the nearest member has 30"),
        (('"sgd" | "adam"', '"adam" | "sgd"'), r"`train.optimizer` is \"sgd\", and the nearest member has \"adam\""),
        (("0.001..0.1", "0.05..0.1"), r"`train.lr` is 0.01, and the space has 0.05 to 0.1 there"),
        (("relu | gelu", "tanh | gelu"), r"`net` is the network \w{12}, and the nearest member has the network"),
    ],
)
def test_a_record_of_another_edition_is_told_by_its_field(space: Space, change: tuple[str, str], told: str) -> None:
    member = next(found for found in space if found["net"] and found.key.startswith("0 0 0 1"))
    member = Member(space, Derivation(member.derivation.edges, (0.01,)))
    assert member.value()["train"] == {"optimizer": "sgd", "epochs": 20, "lr": 0.01}
    with pytest.raises(NoMember, match=told):
        from_json(joint(change=change), json.dumps(written(member)))


def test_what_is_no_member_at_all_is_told(space: Space) -> None:
    for text, told in [
        ("{", "expected JSON"),
        ("[1]", "expected the `key` of a member"),
        ('{"key": "a b"}', "expected the decisions of a member, found the key 'a b'"),
    ]:
        with pytest.raises(ValueError, match=told):
            from_json(space, text)


def test_a_record_of_plain_fields_comes_back_without_a_key(space: Space) -> None:
    train = joint(name="Train")
    wanted = {"optimizer": "adam", "epochs": 20, "lr": 0.01}
    assert [member.value() for member in from_json(train, json.dumps(wanted))] == [wanted]
    with pytest.raises(OutsideError, match="`epochs` is 30, where the space has 10, 20"):
        from_json(train, json.dumps({**wanted, "epochs": 30}))
