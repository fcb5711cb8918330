"""Draws among the derivations that were not noted: none of those comes, and the others as often as they would."""

from collections import Counter
from itertools import permutations
from math import exp
from random import Random

import pytest

import archc
from archc.members import Member, Space
from archc.runtime.derivations.unique import Unasked

SPACE = """arch 0.1
space Net : [8] -> [8] where depth <= 2 = 70%: relu | 20%: gelu -> (3: tanh | 1: sigmoid) | Net -> (tanh | relu)
"""


def space() -> Space:
    return archc.loads(SPACE)["Net"].space()


def left(net: Space, noted: list[Member]) -> dict[str, float]:
    """Return the chance of each member that is not among those noted."""
    keys = {member.key for member in noted}
    chances = {member.key: exp(net.logprob(member)) for member in net if member.key not in keys}
    return {key: chance / sum(chances.values()) for key, chance in chances.items()}


@pytest.mark.parametrize("seed", range(6))
def test_the_others_come_as_often_as_they_would(seed: int) -> None:
    net, rng = space(), Random(seed)
    noted = rng.sample(list(net), rng.randrange(1, net.count()))
    drawn = Unasked(net.sampler())
    for member in noted:
        drawn.note(member.derivation)
    found = Counter(Member(net, made).key for _ in range(2_000) if (made := drawn.draw(rng)) is not None)
    expected = left(net, noted)
    assert found.keys() <= expected.keys()
    apart = sum((found[key] - 2_000 * chance) ** 2 / (2_000 * chance) for key, chance in expected.items())
    assert apart < 30, (found, expected)  # 8 degrees of freedom at most: one in 5,000


def test_what_was_noted_decides_and_not_when_or_how_often() -> None:
    net = space()
    some = list(net)[:3]
    draws = set()
    for order in permutations(some):
        drawn = Unasked(net.sampler())
        for member in (*order, *order):
            drawn.note(member.derivation)
        rng = Random(5)
        draws.add(tuple(drawn.draw(rng) for _ in range(20)))
    assert len(draws) == 1


def test_nothing_is_left_in_the_end() -> None:
    net = space()
    drawn = Unasked(net.sampler())
    for number, member in enumerate(net):
        assert drawn.draw(Random(number)) is not None
        drawn.note(member.derivation)
    assert drawn.draw(Random(0)) is None
