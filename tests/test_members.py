"""Members asked of other spaces than their own, and wrong questions."""

from random import Random

import pytest

import archc

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
