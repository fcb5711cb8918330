"""Weights of arms that a parameter tells: shares, chances, identity."""

from collections import Counter
from fractions import Fraction
from math import exp
from random import Random

import pytest

import archc
from archc.members import Space

TEXT = """arch 0.1
space Module(p = 32) : [n] -> [n] where depth <= 2 = p%: tanh | Module(p) -> Module(p) | relu
space Pair(p, q) : [n] -> [n] = Module(p) -> Module(q)
space Plain(n: Nat, m: Nat) : [d] -> [d] = n: tanh | m: relu | silu
space Mixed : [n] -> [n] = { choose p = 10 | 30  return p%: tanh | relu }
space Value(p) : [n] -> [m] = linear(p%: 8 | 16 | 32)
space Recipe(p) = { kind = p%: "a" | "b", part = p%: { x = 1 } | { x = 2 } }
space Near(p: Float) : [n] -> [n] = p%: tanh | (100 - p)%: relu
"""


def space(name: str, at: tuple[int, ...] | None = (8,), **arguments: float) -> Space:
    return archc.loads(TEXT)[name].space(at=at, **arguments)


def chances(found: Space) -> list[float]:
    return [exp(found.logprob(member)) for member in found]


@pytest.mark.parametrize("p", [1, 32, 61, 99])
def test_a_percentage_is_the_chance_of_its_arm(p: int) -> None:
    found, part = space("Module", p=p), Fraction(p, 100)
    rest = (1 - part) / 2
    inner = [part / (part + rest), rest / (part + rest)]
    pairs = [(part + rest) ** 2 * rest * one * other for one in inner for other in inner]
    total = part + sum(pairs, Fraction(0)) + rest
    expected = [part / total, *(pair / total for pair in pairs), rest / total]
    assert chances(found) == pytest.approx([float(chance) for chance in expected])
    assert found.count() == space("Module").count() == 6


def test_the_same_text_at_other_weights_is_another_choice() -> None:
    found = space("Pair", p=10, q=90)
    first, second = Counter[str](), Counter[str]()
    for member, chance in zip(found, chances(found), strict=True):
        first[member.key.split()[0]] += chance
        second[member.key.split()[-1]] += chance
    alike = space("Pair", p=10, q=10)
    assert len(found.forest.sites) == 2 * len(alike.forest.sites) == 2
    assert first["0"] < 0.2 and second["0"] > 0.8


def test_decisions_are_the_same_at_any_weight() -> None:
    one, other = space("Module", p=10), space("Module", p=90)
    assert [member.key for member in one] == [member.key for member in other]
    assert [member.hash for member in one] == [member.hash for member in other]
    assert [one.rank(member) for member in other] == list(range(6))


def test_an_arm_without_a_share_is_no_member() -> None:
    assert [member.key for member in space("Module", p=100)] == ["0"]
    assert [member.key for member in space("Plain", n=0, m=3)] == ["1", "2"]
    assert chances(space("Plain", n=0, m=3)) == pytest.approx([0.75, 0.25])


def test_what_a_name_decides_is_a_weight_of_what_follows() -> None:
    assert chances(space("Mixed")) == pytest.approx([0.05, 0.45, 0.15, 0.35])


def test_values_and_records_have_weights_as_networks_have() -> None:
    assert chances(space("Value", p=60)) == pytest.approx([0.6, 0.2, 0.2])
    assert chances(space("Recipe", at=None, p=60)) == pytest.approx([0.36, 0.24, 0.24, 0.16])


@pytest.mark.parametrize("p", [0.1, 12.3, 33.3, 70.1])
def test_floats_that_round_make_a_whole(p: float) -> None:
    assert chances(space("Near", p=p)) == pytest.approx([p / 100, 1 - p / 100])


def test_fitting_sets_the_shares_apart_for_each_weight() -> None:
    found = space("Pair", p=10, q=90)
    best = max(found, key=found.logprob)
    fitted = found.fitted([best], smoothing=0.1)
    assert fitted.logprob(best) > found.logprob(best)
    assert len(fitted.forest.sites) == len(found.forest.sites)


def test_draws_and_mutations_follow_a_parameter() -> None:
    rng, found = Random(0), space("Module", p=90)
    drawn = Counter(member.key for member in found.sample(rng, 400))
    assert drawn["0"] > 300
    for member in found.sample(rng, 20):
        assert found.mutate(member, rng) != member
        member.module()


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("Module", {"p": 132}, "`p%` as a weight needs p <= 100"),
        ("Plain", {"n": 0, "m": -1}, "`m` of `Plain` is a whole number of at least 0; this is -1"),
        ("Near", {"p": float("inf")}, "the weight of an arm is a number; this is the number inf"),
        ("Near", {"p": -3.5}, "a weight is 0 or more"),
    ],
)
def test_weights_that_are_none_are_told(name: str, arguments: dict[str, float], said: str) -> None:
    with pytest.raises(archc.CompileError) as caught:
        space(name, **arguments)
    assert [entry.message for entry in caught.value.diagnostics] == [said]
