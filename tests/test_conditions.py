"""Conditions on costs: what they say, what is no condition, and which members of a space they leave."""

from collections import Counter
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random

import pytest

import archc
from archc.members import Space
from archc.runtime.derivations import narrow
from archc.runtime.derivations.conditions import Bounds, ConditionError, bounds
from archc.runtime.derivations.depth import by_depth, deepest, nested
from archc.runtime.derivations.histogram import histogram
from archc.runtime.derivations.narrow import NoneWithin
from archc.runtime.derivations.sums import TooManyStates

EXAMPLES = Path(__file__).parent.parent / "examples"


@cache
def cells() -> Space:
    return archc.load(EXAMPLES / "nasbench201.arch")["Cell"].space(at=(16, 8, 8), c=16)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("params <= 5M", [Bounds("params", None, 5_000_000)]),
        ("5M >= params", [Bounds("params", None, 5_000_000)]),
        ("params < 0.3k", [Bounds("params", None, 299)]),
        ("macs>1.5", [Bounds("macs", 2, None)]),
        ("0.1M <= params < 2_000_000", [Bounds("params", 100_000, 1_999_999)]),
        ("count( conv ) == 3", [Bounds("count(conv)", 3, 3)]),
        ("nodes >= 3 and nodes <= 9 and nodes >= 4", [Bounds("nodes", 4, 9)]),
        (
            "flops <= 2G and activation_bytes < 1B",
            [Bounds("flops", None, 2 * 10**9), Bounds("activation_bytes", None, 999_999_999)],
        ),
    ],
)
def test_a_condition_bounds_costs(text: str, found: list[Bounds]) -> None:
    assert bounds(text) == tuple(found)


def test_a_cost_that_is_a_time_has_a_unit() -> None:
    found = bounds("1us < latency <= 2.5ms and params <= 1k", times=["latency"])
    assert found == (Bounds("latency", 1_001, 2_500_000, " ns"), Bounds("params", None, 1_000))
    assert str(found[0]) == "1,001 ns <= latency <= 2,500,000 ns"
    for text, says in (
        ("latency <= 2", "a time ends in ns, us, ms or s, found `2`"),
        ("latency <= 2M", "found `2M`"),
        ("params <= 2ms", "only a latency is a time, found `2ms`"),
        ("latncy <= 2ms", "`latncy` is no cost; there are .*latency"),
        ("latency <= 2min", "here stands `2min`"),
    ):
        with pytest.raises(ConditionError, match=says):
            bounds(text, times=["latency"])
    with pytest.raises(ConditionError, match="`latency` is no cost"):
        bounds("latency <= 2ms")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "found nothing"),
        ("parms <= 3", "`parms` is no cost"),
        ("params <=", "found `params <=`"),
        ("params <= 5X", "here stands `5X`"),
        ("params <= 1e3", "here stands `1e3`"),
        ("params = 5", "here stands `=`"),
        ("params <= 5M or nodes < 3", "joined by `and`"),
        ("depth <= 3", "depth is no cost"),
        ("params <= 5 M", "`M` stands right behind its number"),
        ("params <= -3", "here stands `-`"),
        ("params <= 5M and", "found nothing"),
        ("5 <= 6", "found `5 <= 6`"),
        ("params <= " + "9" * 50, "at most 40 characters"),
        ("count(convv) <= 3", "no op is called `convv`"),
        ("params <= ٣", "here stands"),
        ("nodes == 1.5", "a whole number, found `1.5`"),
        ("nodes >= 5 and params < 3 and nodes <= 4", "`nodes` is asked to be 5 at least and 4 at most"),
        ("params < 3 and params > 2", "`params` is asked to be 3 at least and 2 at most"),
    ],
)
def test_what_is_no_condition_is_told(text: str, says: str) -> None:
    with pytest.raises(ConditionError) as found:
        bounds(text)
    assert says in found.value.message and found.value.hint


def test_a_condition_leaves_exactly_the_members_that_fulfil_it() -> None:
    costs = Counter((member.cost("params"), member.cost("count(zero)")) for member in cells())
    middle = sorted(costs.elements())[len(cells().forest.rows) * 7][0]
    left = cells().where(f"params <= {middle} and count(zero) == 1")
    assert left.count() == sum(many for (params, zeros), many in costs.items() if params <= middle and zeros == 1)
    assert [kept.exact for kept in left.kept] == [True, True] and left.kept[1].count == left.count()
    for member in left.sample(Random(0), 20):
        assert member.cost("params") <= middle and member.cost("count(zero)") == 1
        assert member.summary().params.constant == member.cost("params")


def test_a_condition_that_all_fulfil_changes_nothing() -> None:
    space = cells().where("params <= 1T")
    assert space.forest is cells().forest and space.kept[0].count == 5**6


@pytest.mark.parametrize("text", ["params < 0", "nodes >= 1M", "params == 1"])
def test_a_condition_that_none_fulfils_is_told(text: str) -> None:
    with pytest.raises(NoneWithin, match=" is from "):
        cells().where(text)


@pytest.mark.parametrize(
    "bound", [Bounds("params", None, 9_000), Bounds("params", 4_000, 9_000), Bounds("params", 9_000)]
)
def test_buckets_keep_a_share_that_is_known(monkeypatch: pytest.MonkeyPatch, bound: Bounds) -> None:
    def refused(*_: object, **__: object) -> None:
        raise TooManyStates

    monkeypatch.setattr(narrow, "restrict", refused)
    space = cells()
    costs = space.costs("params")
    steps, kept = narrow.narrow(space.forest, costs, bound)
    for step in steps:
        costs = step.costs(costs)
    within = histogram(space.forest, space.costs("params")).between(bound.low, bound.high)[0]
    left = histogram(steps[-1].forest, costs)
    assert not kept.exact and kept.least == kept.most == Fraction(kept.count, within) > Fraction(1, 2)
    assert left.between(bound.low, bound.high)[0] == kept.count == sum(left.counts.values())


# ---------------------------------------------------------------- depth
def branching(depth: int) -> Space:
    text = "space S : [4] -> [4] where depth <= {} = relu | (tanh -> S) | (clone(2) -> each(S) -> add) | Once"
    program = f"arch 0.1\n{text.format(depth)}\nspace Once : [4] -> [4] = relu | tanh\n"
    return archc.loads(program)["S"].space(at=(4,))


def test_derivations_are_counted_by_depth() -> None:
    space = branching(4)
    found = by_depth(space.forest, "S")
    assert [sum(list(found.values())[:depth]) for depth in (1, 2, 3, 4)] == [branching(d).count() for d in (1, 2, 3, 4)]
    assert list(found) == [1, 2, 3, 4] and found[1] == 3
    assert nested(space.forest) == ("S",) and nested(branching(1).forest) == ()
    assert [deepest(space.forest, name) for name in ("S", "Once", "None")] == [4, 1, 0]


def test_the_depth_of_a_bounded_space_is_the_one_that_it_declares() -> None:
    text = "arch 0.1\nspace S : [4] -> [4] where depth <= 5 = relu | (S -> tanh) | (S -> S)\n"
    space = archc.loads(text)["S"].space(at=(4,))
    counts, total = {1: 1}, 1
    for depth in range(2, 6):
        counts[depth] = 1 + total + total**2 - sum(counts.values())
        total = sum(counts.values())
    assert by_depth(space.forest, "S") == counts


def test_costs_that_no_buckets_tell_apart_are_not_said_to_be_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    space = archc.loads("arch 0.1\nspace Wide : [d] -> [n] = (linear(1 .. 12) -> relu) * 4\n")["Wide"].space(at=(8,))
    low, _ = space.range("params")

    def too_many(*_: object, **__: object) -> None:
        raise TooManyStates("there are too many costs")

    def none_left(*_: object, **__: object) -> None:
        raise ValueError("found none")

    monkeypatch.setattr(narrow, "restrict", too_many)
    monkeypatch.setattr(narrow, "bucketed", none_left)
    with pytest.raises(TooManyStates, match="no derivation is left within the bounds"):
        narrow.narrow(space.forest, space.costs("params"), Bounds("params", None, low + 1))
