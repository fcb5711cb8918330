"""Draws from forests: as often as they should be, the same everywhere, at any depth, and without replacement to the end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod, sqrt
from random import Random
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archc.runtime.derivations import draw
from archc.runtime.derivations.alias import Words, WordStream, below, slots_of
from archc.runtime.derivations.draw import By, Sampler
from archc.runtime.derivations.measure import count
from archc.runtime.derivations.reals import power_of_two
from archc.runtime.derivations.restrict import restrict
from archc.runtime.derivations.unique import TooFewDerivations, distinct, draw_distinct
from archc.spaces.forest import Derivation, Forest, Site, forest_of

WAYS: tuple[By, ...] = ("weights", "count")
Edges = tuple[int, ...]
Rows = list[list[tuple[list[tuple[int, int]], list[int]]]]
K = TypeVar("K")


# ---------------------------------------------------------------- forests, and all that they derive
def grown(rng: Random, states: int) -> Forest:
    """Return a forest in which every state above the lowest calls two others at most."""
    rows: Rows = []
    sites: list[Site] = []
    for state in range(states):
        options = rng.randint(1, 3)
        shares = [rng.randint(1, 9) for _ in range(options)]
        sites.append(Site(("o",) * options, tuple(share / sum(shares) for share in shares)))
        calls = [[rng.randrange(state) for _ in range(rng.randint(0, 2))] if state else [] for _ in range(options)]
        rows.append([([(state, option)], called) for option, called in enumerate(calls)])
    return forest_of(rows, sites, states - 1)


def members(forest: Forest) -> list[Edges]:
    """Return all derivations, by brute force."""
    of_state: list[list[Edges]] = []
    for row in forest.rows:
        found: list[Edges] = []
        for edge in row:
            parts = product(*(of_state[child] for child in forest.calls[edge]))
            found.extend((edge, *(inner for part in together for inner in part)) for together in parts)
        of_state.append(found)
    return of_state[forest.root]


def expected(forest: Forest, by: By, sites: Sequence[Site] | None = None) -> dict[Edges, float]:
    """Return the probability of every derivation, by brute force."""
    shares = forest.shares(sites).tolist()
    masses = {edges: prod(shares[edge] for edge in edges) if by == "weights" else 1.0 for edges in members(forest)}
    total = sum(masses.values())
    return {edges: mass / total for edges, mass in masses.items()}


FORESTS = [forest for seed in range(60) if 2 <= count(forest := grown(Random(seed), 5)) <= 120][:8]


def fits(seen: Mapping[K, int], chances: Mapping[K, float]) -> bool:
    """Tell whether Pearson's statistic is within four standard deviations; rare outcomes are pooled."""
    assert set(seen) <= set(chances)
    draws = sum(seen.values())
    common = [key for key, chance in chances.items() if chance * draws >= 8]
    pairs = [(seen.get(key, 0), chances[key] * draws) for key in common]
    rest = draws - sum(wanted for _, wanted in pairs)
    if rest >= 1e-6:
        pairs.append((draws - sum(got for got, _ in pairs), rest))
    freedom = len(pairs) - 1
    return sum((got - wanted) ** 2 / wanted for got, wanted in pairs) <= freedom + 4 * sqrt(2 * freedom) + 4


def chain(length: int, share: float) -> Forest:
    """Return a forest of two chains of which each has the weight share**length; the root prefers one 3 to 1."""
    step = Site(("on", "ill typed"), (share, 1 - share))
    rows: Rows = [[([(0, 0)], [state - 1] if state else [])] for state in range(length)]
    ends = [([(1, 0)], [length - 1]), ([(1, 1)], [length - 1])]
    return forest_of([*rows, ends], [step, Site(("a", "b"), (0.75, 0.25))], length)


RANGES = forest_of(
    [[([(0, 0), (1, 0)], [])], [([(2, 0)], [0]), ([(2, 1), (0, 0)], [])]],
    [
        Site(("1e-4 .. 1e-1",), (1.0,), low=1e-4, high=1e-1, logarithmic=True),
        Site(("-1 .. 3",), (1.0,), low=-1.0, high=3.0),
        Site(("x", "y"), (0.5, 0.5)),
    ],
    1,
)


# ---------------------------------------------------------------- frequencies
@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("number", range(len(FORESTS)))
def test_single_draws_come_as_often_as_they_should(number: int, by: By) -> None:
    sampler, rng = Sampler(FORESTS[number], by), Random(number)
    assert fits(Counter(sampler.draw(rng).edges for _ in range(4000)), expected(FORESTS[number], by))


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("number", range(len(FORESTS)))
def test_batches_come_as_often_as_they_should(number: int, by: By) -> None:
    drawn = Sampler(FORESTS[number], by).batch(Random(number), 20_000)
    assert fits(Counter(one.edges for one in drawn), expected(FORESTS[number], by))


def test_the_test_of_frequencies_tells_the_two_ways_apart() -> None:
    forest = FORESTS[0]
    drawn = Counter(one.edges for one in Sampler(forest, "count").batch(Random(0), 20_000))
    assert not fits(drawn, expected(forest, "weights"))


@pytest.mark.parametrize("by", WAYS)
def test_what_a_budget_leaves_is_drawn_alike(by: By) -> None:
    forest = FORESTS[1]
    costs = [1] * forest.edges
    middle = sorted(map(len, members(forest)))[len(members(forest)) // 2]
    within = restrict(forest, costs, high=middle)
    chances = {edges: chance for edges, chance in expected(forest, by).items() if len(edges) <= middle}
    total = sum(chances.values())
    drawn = Counter(within.whole(one).edges for one in Sampler(within.forest, by).batch(Random(3), 20_000))
    assert fits(drawn, {edges: chance / total for edges, chance in chances.items()})
    every = draw_distinct(within.forest, Random(0), len(chances), by=by)
    assert {within.whole(one).edges for one in every} == set(chances)


def test_other_sites_give_other_weights() -> None:
    forest = FORESTS[0]
    sites = [Site(site.options, (*(0.0 for _ in site.shares[1:]), 1.0)) for site in forest.sites]
    assert len({one.edges for one in Sampler(forest, sites=sites).batch(Random(0), 500)}) == 1
    assert fits(
        Counter(one.edges for one in Sampler(forest, sites=forest.sites[:]).batch(Random(0), 9000)),
        expected(forest, "weights"),
    )


# ---------------------------------------------------------------- alias tables
@given(st.lists(st.integers(0, 2**80), min_size=1, max_size=9).filter(any))
def test_slots_have_exactly_the_weights(weights: list[int]) -> None:
    slots = slots_of(weights)
    have = [0] * len(weights)
    for own, other, part in zip(slots.own, slots.other, slots.parts, strict=True):
        have[own] += part
        have[other] += slots.total - part
    assert have == [len(slots.own) * weight for weight in weights]


class Fixed:
    """A source whose next number is known."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)

    def getrandbits(self, k: int, /) -> int:
        """Return the next number."""
        number = self.numbers.pop(0)
        assert number < 1 << k
        return number


def test_more_bits_settle_what_a_word_leaves_open() -> None:
    weights = [1, 1, 5]
    slots, seven = slots_of(weights), range(7)
    mass = [Fraction(0)] * 3
    for slot, bound in enumerate(slots.thresholds()):
        start, size = slot << slots.shift, 1 << slots.shift
        mass[slots.own[slot]] += Fraction(bound - start, size) / len(slots.own)
        mass[slots.other[slot]] += Fraction(start + size - bound - 1, size) / len(slots.own)
        for case in seven:
            mass[slots.settle(slot, Fixed(case))] += Fraction(1, 7 * size) / len(slots.own)
    assert mass == [Fraction(weight, 7) for weight in weights]


class Thresholds:
    """Words that are all thresholds of the first table; further bits are random."""

    def __init__(self, bounds: Words) -> None:
        self.bounds, self.rng = bounds, Random(0)

    def words(self, n: int) -> Words:
        """Return n thresholds."""
        return np.resize(self.bounds, n)

    def getrandbits(self, k: int, /) -> int:
        """Return random bits."""
        return self.rng.getrandbits(k)


def test_a_batch_settles_what_words_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = forest_of([[([(0, option)], []) for option in range(3)]], [Site(("a", "b", "c"), (0.25, 0.25, 0.5))], 0)
    slots = slots_of([1, 1, 1])
    rests = [(part << slots.shift) % 3 / 3 for part in slots.parts]
    slot = next(slot for slot, rest in enumerate(rests) if rest)
    bound = np.array([slots.thresholds()[slot]], dtype=np.uint64)
    monkeypatch.setattr(draw, "WordStream", lambda seed: Thresholds(bound))
    drawn = Sampler(forest, "count").batch(Random(0), 20_000)
    assert fits(Counter(drawn.edges.tolist()), {slots.own[slot]: rests[slot], slots.other[slot]: 1 - rests[slot]})


def test_numbers_below_a_bound_are_equally_likely() -> None:
    rng, stream = Random(5), WordStream(5)
    for source in (rng, stream):
        assert fits(Counter(below(source, 5) for _ in range(5000)), dict.fromkeys(range(5), 0.2))
        assert below(source, 1) == 0
    assert stream.getrandbits(200) >> 190


# ---------------------------------------------------------------- the same everywhere
GOLDEN_DRAWS: list[Edges] = [(12, 8, 4, 6), (10,), (12, 9, 3, 4)]
GOLDEN_BATCH: list[Edges] = [(12, 8, 4, 6), (11, 8, 6, 6), (10,)]
GOLDEN_DISTINCT: list[Edges] = [(11, 7, 2, 0), (12, 7, 0, 1), (11, 8, 6, 5, 3)]
GOLDEN_NUMBERS: list[Derivation] = [
    Derivation(edges=(2,), reals=(0.025514983008958606,)),
    Derivation(edges=(1, 0), reals=(0.00022581658689358204, 2.0438489826871638)),
    Derivation(edges=(1, 0), reals=(0.0013767193678479294, -0.16017954116181432)),
]
GOLDEN_NUMBERS_BATCH: list[Derivation] = [
    Derivation(edges=(1, 0), reals=(0.0009960822008225512, -0.09483317787498002)),
    Derivation(edges=(1, 0), reals=(0.01303711641506171, 2.4989302977656838)),
    Derivation(edges=(2,), reals=(0.022831255660764903,)),
]


def test_a_seed_gives_these_derivations() -> None:
    sampler, rng = Sampler(FORESTS[2]), Random(7)
    assert [sampler.draw(rng).edges for _ in range(3)] == GOLDEN_DRAWS
    assert [one.edges for one in sampler.batch(Random(7), 3)] == GOLDEN_BATCH
    assert [one.edges for one in draw_distinct(FORESTS[2], Random(7), 3)] == GOLDEN_DISTINCT


def test_a_seed_gives_these_numbers() -> None:
    sampler = Sampler(RANGES, "count")
    assert [sampler.draw(rng) for rng in [Random(1)] for _ in range(3)] == GOLDEN_NUMBERS
    assert list(sampler.batch(Random(1), 3)) == GOLDEN_NUMBERS_BATCH


# ---------------------------------------------------------------- numbers of continuous ranges
def test_numbers_follow_their_ranges() -> None:
    drawn = Sampler(RANGES).batch(Random(2), 20_000)
    assert len(drawn.reals) == 2 * np.sum(drawn.edges == 0) + np.sum(drawn.edges == 2)
    rates = np.array([one.reals[0] for one in drawn])
    evenly = np.array([one.reals[1] for one in drawn if len(one.reals) == 2])
    for numbers, low, high in ((np.log(rates), np.log(1e-4), np.log(1e-1)), (evenly, -1.0, 3.0)):
        tenths = np.floor((numbers - low) / (high - low) * 10).clip(0, 9).astype(int)
        assert fits(Counter(tenths.tolist()), dict.fromkeys(range(10), 0.1))
    assert rates.min() >= 1e-4 and rates.max() <= 1e-1


def test_single_draws_and_batches_have_numbers_of_one_kind() -> None:
    rng, sampler = Random(4), Sampler(RANGES)
    for one in [*(sampler.draw(rng) for _ in range(300)), *sampler.batch(rng, 300)]:
        assert len(one.reals) == (2 if one.edges == (1, 0) else 1)
        assert 1e-4 <= one.reals[0] <= 1e-1 and all(-1 <= number <= 3 for number in one.reals[1:])


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20))
def test_powers_of_two_are_right_to_two_units(exponents: list[float]) -> None:
    for exponent, found in zip(exponents, power_of_two(np.array(exponents)).tolist(), strict=True):
        assert found == pytest.approx(2.0**exponent, rel=2**-51, abs=0)


# ---------------------------------------------------------------- any depth, any weight
@pytest.mark.parametrize("by", WAYS)
def test_nothing_underflows_or_overflows(by: By) -> None:
    forest = chain(10_000, 0.5)
    sampler, rng = Sampler(forest, by), Random(0)
    assert len(sampler.draw(rng).edges) == 10_001
    preferred = [one.edges[0] == 10_000 for one in sampler.batch(rng, 400)]
    assert abs(sum(preferred) - (300 if by == "weights" else 200)) < 50
    assert len({one.edges for one in draw_distinct(forest, rng, 2, by=by)}) == 2


def test_the_least_weight_comes_without_replacement() -> None:
    rows: Rows = [[([(0, 0)], [state - 1] if state else [])] for state in range(3000)]
    rows.append([([(1, 0)], []), ([(1, 1)], [2999])])
    forest = forest_of(rows, [Site(("on", "off"), (0.5, 0.5)), Site(("a", "b"), (0.5, 0.5))], 3000)
    assert {len(one.edges) for one in Sampler(forest).batch(Random(0), 100)} == {1}
    assert [len(one.edges) for one in draw_distinct(forest, Random(0), 2)] == [1, 3001]


def test_long_derivations_have_their_edges_in_preorder() -> None:
    rows: Rows = [[([(0, 0)], []), ([(0, 1)], [])]]
    rows += [[([(1, 0)], [state, 0]), ([(1, 1)], [0, state])] for state in range(3000)]
    forest = forest_of(rows, [Site(("a", "b"), (0.5, 0.5)), Site(("l", "r"), (0.5, 0.5))], 3000)
    owner = forest.owner.tolist()
    for one in (Sampler(forest).draw(Random(1)), *Sampler(forest, "count").batch(Random(1), 5)):
        waiting = [forest.root]
        for edge in one.edges:
            assert owner[edge] == waiting.pop()
            waiting.extend(reversed(forest.calls[edge]))
        assert not waiting and len(one.edges) == 6001


def test_what_has_no_weight_is_never_drawn() -> None:
    rows: Rows = [[([(0, 0)], []), ([(0, 1)], [])], [([(1, 0)], [0]), ([(1, 1)], [0])]]
    forest = forest_of(rows, [Site(("a", "b"), (0.0, 1.0)), Site(("a", "b"), (0.5, 0.5))], 1)
    assert {one.edges for one in Sampler(forest).batch(Random(0), 200)} == {(2, 1), (3, 1)}
    assert {one.edges for one in distinct(forest, Random(0))} == {(2, 1), (3, 1)}
    assert len({one.edges for one in Sampler(forest, "count").batch(Random(0), 200)}) == 4
    nothing = [Site(("a", "b"), (0.0, 0.0)), forest.sites[1]]
    with pytest.raises(ValueError, match="every derivation of this space has weight 0"):
        Sampler(forest, sites=nothing)
    with pytest.raises(TooFewDerivations, match="at least 1 derivations, found 0"):
        draw_distinct(forest, Random(0), 1, sites=nothing)


def test_a_sampler_says_what_it_takes() -> None:
    with pytest.raises(ValueError, match="expected 'weights' or 'count', found 'size'"):
        Sampler(RANGES, "size")  # type: ignore[arg-type]  # what a caller might write
    with pytest.raises(ValueError, match="expected 3, as the forest has, found 0"):
        Sampler(RANGES, sites=())


# ---------------------------------------------------------------- batches as sequences
def test_a_batch_is_a_sequence() -> None:
    drawn = Sampler(RANGES).batch(Random(3), 1000)
    every = list(drawn)
    assert len(drawn) == len(every) == 1000
    assert [drawn[at] for at in range(1000)] == every
    assert drawn[-1] == every[-1] and drawn[5:20:3] == tuple(every[5:20:3]) and every[7] in drawn
    with pytest.raises(IndexError):
        drawn[1000]
    empty = Sampler(RANGES).batch(Random(3), 0)
    assert len(empty) == 0 and not list(empty)


# ---------------------------------------------------------------- without replacement
@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("number", range(len(FORESTS)))
def test_without_replacement_everything_comes_once(number: int, by: By) -> None:
    every = members(FORESTS[number])
    drawn = [one.edges for one in draw_distinct(FORESTS[number], Random(number), len(every), by=by)]
    assert sorted(drawn) == sorted(every)
    assert [one.edges for one in distinct(FORESTS[number], Random(number), by=by)] == drawn
    with pytest.raises(TooFewDerivations, match=f"at least {len(every) + 1} derivations, found {len(every)}") as found:
        draw_distinct(FORESTS[number], Random(number), len(every) + 1, by=by)
    assert (found.value.asked, found.value.size) == (len(every) + 1, len(every))


SMALL = forest_of(
    [[([(0, 0)], []), ([(0, 1)], [])], [([(1, 0)], [0]), ([(1, 1)], [0, 0]), ([(1, 2)], [])]],
    [Site(("a", "b"), (0.9, 0.1)), Site(("a", "b", "c"), (0.7, 0.2, 0.1))],
    1,
)


@pytest.mark.parametrize("by", WAYS)
def test_without_replacement_the_order_is_that_of_one_draw_after_another(by: By) -> None:
    chances = expected(SMALL, by)
    triples = {
        (one, two, three): a * b / (1 - a) * c / (1 - a - b)
        for (one, a), (two, b), (three, c) in product(chances.items(), repeat=3)
        if len({one, two, three}) == 3
    }
    rng = Random(11)
    drawn = Counter(tuple(one.edges for one in draw_distinct(SMALL, rng, 3, by=by)) for _ in range(6000))
    assert fits(drawn, triples)


def test_the_last_ones_come_as_they_should() -> None:
    chances = expected(SMALL, "weights")
    rng, last = Random(12), Counter[Edges]()
    for _ in range(4000):
        *_, before, _ = distinct(SMALL, rng)
        last[before.edges] += 1
    wanted = dict.fromkeys(chances, 0.0)
    orders: list[tuple[tuple[Edges, ...], float, float]] = [((), 1.0, 1.0)]
    for _ in range(len(chances) - 1):
        orders = [
            ((*come, one), chance * chances[one] / left, left - chances[one])
            for come, chance, left in orders
            for one in chances
            if one not in come
        ]
    for come, chance, _ in orders:
        wanted[come[-1]] += chance
    assert fits(last, wanted)


def test_different_derivations_of_a_deep_forest_take_no_memory_for_their_ends() -> None:
    rows: Rows = [[([(0, 0)], [])]] + [[([(0, 0)], [0]), ([(0, 1)], [state])] for state in range(5000)]
    forest = forest_of(rows, [Site(("stop", "go"), (0.001, 0.999))], 5000)
    drawn = draw_distinct(forest, Random(0), 60)
    assert len({one.edges for one in drawn}) == 60
    everything = draw_distinct(forest, Random(0), 300, by="count")
    assert len({one.edges for one in everything}) == 300
