"""Members asked of other spaces than their own, and wrong questions."""

import pickle
from random import Random

import numpy as np
import pytest

import archc
from archc.members import Member

SPACE = "arch 0.1\nspace Net : [8] -> b = linear(4 | 8) -> (relu | gelu | tanh)\nspace Other : [8] -> b = linear(2) | relu\n"


def test_a_member_of_a_part_is_one_of_the_whole_and_back() -> None:
    whole = archc.loads(SPACE)["Net"].space()
    part = whole.where("params < 50")
    assert part.count() == 3
    for member in part:
        same = whole[whole.rank(member)]
        assert same.key == member.key and part.rank(same) == part.rank(member)
        assert whole.mutate(member, Random(0)).key != member.key
        assert whole.distance(member, same)[0] == 0
    outside = next(member for member in whole if member.cost("params") > 50)
    with pytest.raises(ValueError, match="is no member of this space"):
        part.rank(outside)


def test_a_member_of_another_space_has_no_number() -> None:
    program = archc.loads(SPACE)
    with pytest.raises(ValueError, match="is no member of this space"):
        program["Net"].space().rank(program["Other"].space()[0])


def test_wrong_questions_are_told() -> None:
    space = archc.loads(SPACE)["Net"].space()
    with pytest.raises(ValueError, match="expected by='weights' or by='count', found 'size'"):
        space.sample(Random(0), by="size")  # type: ignore[arg-type]  # a user's mistake
    with pytest.raises(ValueError, match="found 'x'"):
        space.moments("params", by="x")  # type: ignore[arg-type]  # a user's mistake
    with pytest.raises(ValueError, match="at least 0, found -1"):
        space.sample(Random(0), -1)
    with pytest.raises(TypeError, match="from 0 to 5; found 'a'"):
        space["a"]  # type: ignore[index]  # a user's mistake


TWO = """arch 0.1
space One : [d] -> [d] where depth <= 3 = id | linear(d) -> One | (One, One) -> add
space Two : [d] -> [d] = relu | gelu | silu
space Wide(c) : [d] -> [n] = linear(c) | linear(2*c)
"""


def test_a_member_of_another_declaration_is_none_though_its_decisions_fit() -> None:
    program = archc.loads(TWO)
    one, two = program["One"].space(at=(8,)), program["Two"].space(at=(8,))
    for ask in (one.rank, one.logprob, lambda member: one.mutate(member, Random(0))):
        with pytest.raises(ValueError, match="is no member of this space, `One`"):
            ask(two[0])
    assert two[0] not in one and one[3] in one and one[3] in one.where("nodes <= 5")
    again = archc.loads(TWO)["One"].space(at=(8,))
    assert one.rank(again[4]) == 4 and again[4] in one
    with pytest.raises(TypeError, match="expected a member of `One`, such as space"):
        one.rank(4)  # type: ignore[arg-type]  # a user's mistake


def test_whether_a_member_is_of_a_large_space_is_found_without_going_through_it() -> None:
    program = archc.loads(
        "arch 0.1\nspace Long : [d] -> [d] = (relu | gelu | linear(d)) * 200\n" + TWO.split("\n", 1)[1]
    )
    long = program["Long"].space(at=(8,))
    assert long[3**199] in long and program["Two"].space(at=(8,))[0] not in long and "0" not in long


def test_numbers_of_members_are_as_of_a_sequence() -> None:
    space = archc.loads(TWO)["One"].space(at=(8,))
    assert space[np.int64(3)] == space[3]
    for beyond in (13, -1, 10**50):
        with pytest.raises(IndexError, match="expected a number from 0 to 12"):
            space[beyond]


@pytest.mark.parametrize("at", [8, (8.5,), (True,), ("8",), (None,), 3.0, {"x": 8}])
def test_an_input_type_is_sizes(at: object) -> None:
    with pytest.raises(TypeError, match=r"expected as input type text such as '\[3, 32, 32\]'"):
        archc.loads(TWO)["One"].space(at=at)  # type: ignore[arg-type]  # a user's mistake


def test_sizes_may_be_of_numpy() -> None:
    wide = archc.loads(TWO)["Wide"].space(at=np.array([8]).tolist(), c=np.int64(4))
    assert wide.count() == archc.loads(TWO)["Wide"].space(at=(np.int64(8),), c=4).count() == 2
    with pytest.raises(TypeError, match="expected as argument a number, flag, string or list of such, found None"):
        archc.loads(TWO)["Wide"].space(at=(8,), c=None)  # type: ignore[arg-type]  # a user's mistake


def test_chance_is_a_random_and_no_seed() -> None:
    space = archc.loads(TWO)["One"].space(at=(8,))
    seed: Random = 0  # type: ignore[assignment]  # a user's mistake
    asks = (
        lambda: space.sample(seed, 3),
        lambda: space.mutate(space[0], seed),
        lambda: space.crossover(space[0], space[1], seed),
        lambda: list(space.neighbours(space[0], seed)),
        lambda: next(space.architectures(seed)),
    )
    for ask in asks:
        with pytest.raises(TypeError, match=r"expected a random.Random, such as Random\(0\), found 0"):
            ask()
    with pytest.raises(TypeError, match="expected a whole number of members, found '3'"):
        space.sample(Random(0), "3")  # type: ignore[arg-type]  # a user's mistake
    with pytest.raises(ValueError, match="of at least 0 and finite"):
        space.fitted([space[0]], smoothing=float("nan"))
    with pytest.raises(ValueError, match="expected a number of output types of at least 0, found -1"):
        archc.loads(TWO)["One"].space(at=(8,), most_types=-1)


def test_what_no_network_has_is_no_cost() -> None:
    space = archc.loads(TWO)["One"].space(at=(8,))
    with pytest.raises(ValueError, match=r"no op is called `liner`; nearest: count\(linear\)"):
        space.moments("count(liner)")
    with pytest.raises(ValueError, match="`id` puts no op into a network"):
        space.range("count(id)")
    with pytest.raises(TypeError, match="expected a condition such as 'params <= 5M', found None"):
        space.where(None)  # type: ignore[arg-type]  # a user's mistake


def test_members_and_their_space_are_pickled_whatever_was_asked_before() -> None:
    space = archc.loads(TWO)["One"].space(at=(8,)).where("nodes <= 5")
    members = space.sample(Random(0), 100)
    space.moments("params")
    again: list[Member] = pickle.loads(pickle.dumps(members))  # noqa: S301  # written here
    assert again == members and again[0].space is again[1].space
    assert again[0].text == members[0].text and again[0].space.count() == space.count()
    assert again[0].space.sample(Random(0), 100) == members


SUMS = "arch 0.1\nspace Sums : [d] -> [d] where depth <= 200 = relu | linear(d) -> Sums | (Sums, Sums) -> add\n"


def test_what_has_too_many_members_to_count_is_drawn_by_weight_and_bounded() -> None:
    space = archc.loads(SUMS)["Sums"].space(at=(8,))
    for ask in (space.count, space.types, lambda: space[0], lambda: space.sample(Random(0), by="count")):
        with pytest.raises(ValueError, match=r"more than 10\^1,000,000 derivations"):
            ask()
    drawn = space.sample(Random(0), 3, distinct=True)
    assert len({member.key for member in drawn}) == 3 and space.moments("nodes").mean > 1
    assert space.mutate(drawn[0], Random(0)) != drawn[0] and space.logprob(drawn[0]) < 0
    small = space.where("nodes <= 3")
    assert small.count() == archc.loads(SUMS.replace("200", "5"))["Sums"].space(at=(8,)).where("nodes <= 3").count()
