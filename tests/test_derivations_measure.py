"""Questions to a forest of a space: every answer agrees with listing its derivations one by one."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise, product
from math import exp, fsum, inf, isclose, log, prod, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.runtime.derivations.best import Bound, cheapest, dearest, likeliest
from archc.runtime.derivations.fit import fit
from archc.runtime.derivations.histogram import histogram
from archc.runtime.derivations.measure import count, counts, greatest, inside, least
from archc.runtime.derivations.ranks import enumerate_from, rank, unrank
from archc.runtime.derivations.restrict import TooManyStates, acceptance, bucketed, restrict
from archc.runtime.derivations.scaled import logarithm
from archc.runtime.derivations.weights import (
    by_count,
    by_weight,
    entropy,
    grammar_logprob,
    logprob,
    moments,
    outside,
    uses,
    visits,
)
from archc.runtime.semiring import Semiring
from archc.spaces.forest import Decision, Derivation, Forest, Site, Use, forest_of, script

quick = settings(deadline=None, max_examples=60)
MOST = 3_000

Edge = tuple[list[Decision], list[int]]


# ---------------------------------------------------------------- forests, and listing them
def grown(rng: Random) -> Forest:
    """Return a random forest of at most `MOST` derivations in which every state is part of one."""
    while True:
        sites = (Site(("range",), (1.0,), low=1.0, high=9.0, logarithmic=True), *(drawn_site(rng) for _ in range(4)))
        rows: list[list[Edge]] = []
        many: list[int] = []
        for state in range(rng.randint(1, 7)):
            decisions = rng.sample(ways(sites, rng), rng.randint(1, 3))
            row = [(made, rng.choices(range(state), k=rng.randint(0, 3)) if state else []) for made in decisions]
            rows.append(row)
            many.append(sum(prod(many[child] for child in calls) for _, calls in row))
        missing = sorted(set(range(len(rows))) - {child for row in rows for _, calls in row for child in calls})
        if len(missing) > 1:
            rows.append([([(1, 0)], missing)])
            many.append(prod(many[state] for state in missing))
        if many[-1] <= MOST:
            forest = forest_of(rows, sites, len(rows) - 1)
            nested = np.array([rng.random() < 0.3 for _ in forest.children], dtype=np.bool_)
            use = tuple((Use(edge % 3),) if edge % 2 else () for edge in range(forest.edges))
            return replace(forest, nested=nested, uses=use)


def drawn_site(rng: Random) -> Site:
    parts = [rng.randint(1, 8) for _ in range(3)]
    return Site(("a", "b", "c"), tuple(part / sum(parts) for part in parts))


def ways(sites: tuple[Site, ...], rng: Random) -> list[list[Decision]]:
    """Return decisions that no two edges of a state may share."""
    site, other = rng.sample(range(1, len(sites)), 2)
    return [[(site, 0)], [(site, 1), (other, 2)], [(site, 2), (0, 0)]]


forests = st.integers(0, 10**6).map(lambda seed: grown(Random(seed)))


def listed(forest: Forest) -> list[tuple[int, ...]]:
    """Return the edges of every derivation, by recursion."""

    def of_state(state: int) -> Iterator[tuple[int, ...]]:
        for edge in forest.rows[state]:
            for parts in product(*(list(of_state(child)) for child in forest.calls[edge])):
                yield (edge, *(inner for part in parts for inner in part))

    return list(of_state(forest.root))


def costs_of(forest: Forest, rng: Random, low: int = 0, high: int = 6) -> list[int]:
    return [rng.randint(low, high) for _ in range(forest.edges)]


def cost(edges: tuple[int, ...], costs: list[int]) -> int:
    return sum(costs[edge] for edge in edges)


def share(forest: Forest, edges: tuple[int, ...]) -> float:
    shares = forest.shares()
    return prod(float(shares[edge]) for edge in edges)


def chain(length: int, options: int = 2) -> Forest:
    """Return a forest with one derivation path of `length` states, `options` edges each."""
    site = Site(tuple("abcdefgh"[:options]), (1 / options,) * options)
    rows = [[([(0, option)], [state - 1] if state else []) for option in range(options)] for state in range(length)]
    return forest_of(rows, (site,), length - 1)


def tower(height: int) -> Forest:
    """Return a forest of 2**(2**height) derivations of 2**(height + 1) - 1 nodes."""
    rows: list[list[Edge]] = [[([(0, 0)], []), ([(0, 1)], [])]]
    rows.extend([([], [state, state])] for state in range(height))
    return forest_of(rows, (Site(("a", "b"), (0.75, 0.25)),), height)


# ---------------------------------------------------------------- inside
@quick
@given(forests)
def test_counts_are_those_of_a_list(forest: Forest) -> None:
    assert count(forest) == len(listed(forest))
    assert min(counts(forest)) >= 1


def test_counts_are_exact_at_any_size() -> None:
    assert count(tower(12)) == 2**4096
    assert count(chain(10_000)) == 2**10_000


@quick
@given(forests, st.randoms(use_true_random=False))
def test_the_extremes_of_a_cost_are_those_of_a_list(forest: Forest, rng: Random) -> None:
    costs = costs_of(forest, rng, -3, 10**15)
    every = [cost(edges, costs) for edges in listed(forest)]
    assert (least(forest, costs)[forest.root], greatest(forest, costs)[forest.root]) == (min(every), max(every))


@quick
@given(forests, st.randoms(use_true_random=False))
def test_any_semiring_will_do(forest: Forest, rng: Random) -> None:
    values = [Fraction(rng.randint(1, 9), rng.randint(1, 9)) for _ in range(forest.edges)]
    fractions = Semiring(Fraction(0), Fraction(1), lambda one, other: one + other, lambda one, other: one * other)
    expected = sum(prod(values[edge] for edge in edges) for edges in listed(forest))
    assert inside(forest, fractions, values)[forest.root] == expected


def test_a_value_for_each_edge_is_expected() -> None:
    with pytest.raises(ValueError, match="expected a value for each of 4 edges and found 3"):
        least(chain(2), [1, 2, 3])


# ---------------------------------------------------------------- weights
@quick
@given(forests)
def test_probabilities_are_those_of_a_list(forest: Forest) -> None:
    every = listed(forest)
    total = fsum(share(forest, edges) for edges in every)
    assert isclose(exp(logarithm(by_weight(forest).inside[forest.root])), total)
    for edges in every[:50]:
        assert isclose(logprob(forest, Derivation(edges)), log(share(forest, edges) / total), abs_tol=1e-9)
        assert isclose(grammar_logprob(forest, Derivation(edges)), log(share(forest, edges)), abs_tol=1e-9)


@quick
@given(forests)
def test_the_chances_of_the_edges_of_a_state_add_up_to_one(forest: Forest) -> None:
    for chances in (by_weight(forest).chances, by_count(forest)):
        for row in forest.rows:
            assert isclose(sum(chances[edge] for edge in row), 1)


def test_probabilities_do_not_underflow() -> None:
    forest = tower(12)
    first = next(likeliest(forest))
    assert isclose(first[0], 4096 * log(0.75))
    sites = (replace(forest.sites[0], shares=(0.2, 0.2)),)
    weights = by_weight(forest, sites)
    assert isclose(logarithm(weights.inside[forest.root]), 4096 * log(0.4))
    assert isclose(logprob(forest, first[1], sites, weights=weights), 4096 * log(0.5))
    assert isclose(entropy(forest, weights.chances), 4096 * log(2))


def test_a_weight_of_zero_is_never_drawn() -> None:
    forest = tower(2)
    weights = by_weight(forest, (replace(forest.sites[0], shares=(1.0, 0.0)),))
    assert [*weights.chances[:2]] == [1.0, 0.0]
    nothing = (replace(forest.sites[0], shares=(0.0, 0.0)),)
    assert logarithm(by_weight(forest, nothing).inside[forest.root]) == -inf
    with pytest.raises(ValueError, match="weight 0"):
        logprob(forest, unrank(forest, 0), nothing)


@quick
@given(forests, st.randoms(use_true_random=False), st.booleans())
def test_mean_variance_and_entropy_are_those_of_a_list(forest: Forest, rng: Random, uniform: bool) -> None:
    costs = costs_of(forest, rng, -5, 50)
    every = listed(forest)
    masses = [1.0 if uniform else share(forest, edges) for edges in every]
    chances = [mass / fsum(masses) for mass in masses]
    mean = fsum(chance * cost(edges, costs) for chance, edges in zip(chances, every, strict=True))
    variance = fsum(chance * (cost(edges, costs) - mean) ** 2 for chance, edges in zip(chances, every, strict=True))
    each = by_count(forest) if uniform else by_weight(forest).chances
    found = moments(forest, each, costs)
    assert isclose(found.mean, mean, abs_tol=1e-9) and isclose(found.variance, variance, abs_tol=1e-9)
    assert isclose(entropy(forest, each), -fsum(chance * log(chance) for chance in chances), abs_tol=1e-9)


def test_the_uniform_entropy_is_the_logarithm_of_the_count() -> None:
    forest = tower(10)
    assert isclose(entropy(forest, by_count(forest)), log(count(forest)))


@quick
@given(forests)
def test_expected_uses_are_those_of_a_list(forest: Forest) -> None:
    every = listed(forest)
    total = fsum(share(forest, edges) for edges in every)
    edge_uses: Counter[int] = Counter()
    decision_uses: Counter[Decision] = Counter()
    for edges in every:
        for edge in edges:
            edge_uses[edge] += share(forest, edges) / total
            for decision in forest.decisions[forest.label[edge]]:
                decision_uses[decision] += share(forest, edges) / total
    chances = by_weight(forest).chances
    for edge, often in enumerate(visits(forest, chances)):
        assert isclose(often, edge_uses[edge], abs_tol=1e-12)
    found = uses(forest, chances)
    assert found.keys() == decision_uses.keys()
    assert all(isclose(found[decision], often) for decision, often in decision_uses.items())


@quick
@given(forests)
def test_outside_times_inside_is_how_often_a_state_is_met(forest: Forest) -> None:
    around, within = outside(forest), by_weight(forest).inside
    met = [0.0] * forest.states
    for edge, often in enumerate(visits(forest, by_weight(forest).chances)):
        met[int(forest.owner[edge])] += often
    for state in range(forest.states):
        both = logarithm(around[state]) + logarithm(within[state]) - logarithm(within[forest.root])
        assert isclose(exp(both), met[state])


# ---------------------------------------------------------------- fitting
@quick
@given(forests, st.randoms(use_true_random=False))
def test_fitted_shares_are_frequencies_and_most_likely(forest: Forest, rng: Random) -> None:
    elite = [unrank(forest, rng.randrange(count(forest))) for _ in range(5)]
    weights = [rng.random() + 0.1 for _ in elite]
    fitted = fit(forest, elite, weights, smoothing=0.0, rounds=0)
    assert fitted[0] == forest.sites[0]

    def likelihood(sites: tuple[Site, ...]) -> float:
        each = [grammar_logprob(forest, derivation, sites) for derivation in elite]
        return fsum(weight * one for weight, one in zip(weights, each, strict=True))

    assert all(isclose(sum(site.shares), 1) for site in fitted)
    assert forest.shares(fitted).shape == (forest.edges,)
    for _ in range(5):
        other = (forest.sites[0], *(drawn_site(rng) for _ in fitted[1:]))
        assert likelihood(other) <= likelihood(fitted) + 1e-9


@quick
@given(forests, st.randoms(use_true_random=False))
def test_shares_are_fitted_to_draws_that_are_well_typed(forest: Forest, rng: Random) -> None:
    elite = [unrank(forest, rng.randrange(count(forest))) for _ in range(20)]

    def likelihood(sites: tuple[Site, ...]) -> float:
        weights = by_weight(forest, sites)
        return fsum(logprob(forest, derivation, sites, weights=weights) for derivation in elite)

    by_frequency = fit(forest, elite, smoothing=1e-6, rounds=0)
    fitted = fit(forest, elite, smoothing=1e-6, rounds=30)
    assert likelihood(by_frequency) - 1e-3 <= likelihood(fitted)
    assert all(isclose(sum(site.shares), 1) for site in fitted)


def test_draws_from_a_space_do_not_move_its_shares() -> None:
    site, other = Site(("a", "b"), (0.5, 0.5)), Site(("c", "d"), (0.9, 0.1))
    forest = forest_of([[([(1, 1)], [])], [([(0, 0)], []), ([(0, 1)], [0])]], (site, other), 1)
    often = [10 / 11, 1 / 11]
    members = list(enumerate_from(forest))
    assert all(isclose(exp(logprob(forest, one)), many) for one, many in zip(members, often, strict=True))
    fitted = fit(forest, members, often, smoothing=0.0, rounds=200)
    assert all(isclose(exp(logprob(forest, one, fitted)), many) for one, many in zip(members, often, strict=True))
    assert not isclose(exp(logprob(forest, members[0], fit(forest, members, often, rounds=0))), 10 / 11, rel_tol=1e-2)


def test_smoothing_counts_as_decisions_made_before() -> None:
    forest = tower(1)
    elite = [Derivation((forest.edges - 1, 1, 1))]
    assert fit(forest, elite, smoothing=2.0)[0].shares == ((0 + 1.5) / 4, (2 + 0.5) / 4)
    assert fit(forest, elite, smoothing=0.0)[0].shares == (0.0, 1.0)
    assert fit(forest, [], smoothing=0.0) == forest.sites
    with pytest.raises(ValueError, match="at least 0"):
        fit(forest, elite, [-1.0])
    with pytest.raises(ValueError, match="a weight for each of 1"):
        fit(forest, elite, [])


# ---------------------------------------------------------------- ranks
@quick
@given(forests)
def test_ranks_number_the_derivations_in_order(forest: Forest) -> None:
    every = listed(forest)
    assert [derivation.edges for derivation in enumerate_from(forest)] == every
    for number, edges in enumerate(every):
        assert unrank(forest, number).edges == edges
        assert rank(forest, Derivation(edges)) == number
    assert len({script(forest, unrank(forest, number)) for number in range(len(every))}) == len(set(every))


@quick
@given(st.integers(0, 2**4096 - 1))
def test_unrank_undoes_rank_at_any_size(number: int) -> None:
    forest = tower(12)
    assert rank(forest, unrank(forest, number)) == number


def test_ranks_know_no_depth() -> None:
    forest = chain(10_000)
    number = 2**9_999 + 12345
    derivation = unrank(forest, number)
    assert len(derivation.edges) == 10_000 and rank(forest, derivation) == number
    following = list(islice(enumerate_from(forest, number), 3))
    assert [rank(forest, one) for one in following] == [number, number + 1, number + 2]


def test_a_range_counts_once_and_is_taken_at_its_middle() -> None:
    sites = (Site(("x",), (1.0,), low=0.0, high=3.0), Site(("y",), (1.0,), low=1e-4, high=1e-2, logarithmic=True))
    forest = forest_of([[([(1, 0), (0, 0)], [])], [([(0, 0)], [0])]], sites, 1)
    assert count(forest) == 1
    assert unrank(forest, 0).reals == (1.5, sqrt(1e-4) * sqrt(1e-2), 1.5)


@pytest.mark.parametrize("number", [-1, 16, 10**50])
def test_a_number_out_of_range_is_told(number: int) -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 15"):
        unrank(tower(2), number)


@pytest.mark.parametrize("edges", [(), (0,), (3,), (3, 2, 0, 0), (3, 2, 0, 0, 2, 0, 0, 0), (3, 2, 0, 0, 2, 0, 99)])
def test_what_is_no_derivation_has_no_rank(edges: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="this derivation"):
        rank(tower(2), Derivation(edges))


# ---------------------------------------------------------------- best first
@quick
@given(forests, st.randoms(use_true_random=False), st.sampled_from([cheapest, dearest]))
def test_the_best_come_first_and_all_come_once(
    forest: Forest, rng: Random, ordered: Callable[..., Iterator[tuple[int, Derivation]]]
) -> None:
    costs, others = costs_of(forest, rng, -3, 9), costs_of(forest, rng)
    every = listed(forest)
    found = list(ordered(forest, costs))
    assert sorted(derivation.edges for _, derivation in found) == sorted(every)
    assert all(value == cost(derivation.edges, costs) for value, derivation in found)
    values = [value for value, _ in found]
    assert values == sorted(values, reverse=ordered is dearest)
    high = rng.randint(0, 20)
    bounded = list(ordered(forest, costs, within=Bound(others, high)))
    assert sorted(one.edges for _, one in bounded) == sorted(e for e in every if cost(e, others) <= high)
    values = [value for value, _ in bounded]
    assert values == sorted(values, reverse=ordered is dearest)


@quick
@given(forests)
def test_the_likeliest_come_first(forest: Forest) -> None:
    found = list(likeliest(forest))
    assert sorted(derivation.edges for _, derivation in found) == sorted(listed(forest))
    assert all(one[0] >= other[0] - 1e-12 for one, other in pairwise(found))
    assert all(isclose(value, logprob(forest, derivation), abs_tol=1e-9) for value, derivation in found[:100])
    assert isclose(fsum(exp(value) for value, _ in found), 1)


def test_the_likeliest_leave_out_what_weighs_nothing() -> None:
    forest = tower(2)
    sites = (replace(forest.sites[0], shares=(1.0, 0.0)),)
    assert [(value, one.edges) for value, one in likeliest(forest, sites)] == [(0.0, (3, 2, 0, 0, 2, 0, 0))]


def test_the_best_of_a_deep_and_of_a_huge_forest() -> None:
    forest = chain(10_000)
    costs = [edge % 2 for edge in range(forest.edges)]
    assert [value for value, _ in islice(cheapest(forest, costs), 5)] == [0, 1, 1, 1, 1]
    forest = tower(12)
    costs = [0, 1, *[0] * (forest.edges - 2)]
    assert [value for value, _ in islice(cheapest(forest, costs), 20)] == [0] + [1] * 19


# ---------------------------------------------------------------- histograms
@quick
@given(forests, st.randoms(use_true_random=False))
def test_a_histogram_is_that_of_a_list(forest: Forest, rng: Random) -> None:
    costs = costs_of(forest, rng, -4, 12)
    every = Counter(cost(edges, costs) for edges in listed(forest))
    found = histogram(forest, costs)
    assert found.exact and found.counts == dict(sorted(every.items()))
    rough = histogram(forest, costs, limit=3)
    assert sum(bucket.count for bucket in rough.buckets) == sum(every.values())
    for high in (-2, 0, 5, 11, 40):
        number = sum(many for value, many in every.items() if value <= high)
        assert found.between(high=high) == (number, number)
        inner, outer = rough.between(high=high)
        assert inner <= number <= outer


def test_a_bucketed_histogram_says_so() -> None:
    forest = chain(12)
    costs = [0 if edge % 2 else 2 ** (edge // 2) for edge in range(forest.edges)]
    found = histogram(forest, costs, limit=64)
    assert not found.exact and len(found.buckets) <= 65
    assert sum(bucket.count for bucket in found.buckets) == 2**12
    assert found.buckets[0].low == 0 and found.buckets[-1].high == 2**12 - 1
    with pytest.raises(ValueError, match="raise the limit"):
        _ = found.counts
    assert histogram(forest, costs, limit=4096).exact
    with pytest.raises(ValueError, match="limit of at least 1"):
        histogram(forest, costs, limit=0)


# ---------------------------------------------------------------- restricting
@quick
@given(forests, st.randoms(use_true_random=False))
def test_a_restricted_forest_has_what_is_within_the_bounds(forest: Forest, rng: Random) -> None:
    costs = costs_of(forest, rng, *rng.choice([(0, 6), (-3, 3), (0, 1)]))
    if rng.random() < 0.3:
        costs = [3 * one for one in costs]
    low = rng.choice([None, rng.randint(-2, 25)])
    high = rng.choice([None, (low or 0) + rng.randint(0, 10)])
    wanted = [
        edges
        for edges in listed(forest)
        if (low is None or cost(edges, costs) >= low) and (high is None or cost(edges, costs) <= high)
    ]
    if not wanted:
        with pytest.raises(ValueError, match="and found none: they cost from"):
            restrict(forest, costs, low=low, high=high)
        return
    found = restrict(forest, costs, low=low, high=high)
    check_restricted(forest, costs, found.forest, found.costs(costs))
    members = list(enumerate_from(found.forest))
    assert sorted(found.whole(one).edges for one in members) == sorted(wanted)
    assert count(found.forest) == len(wanted)
    for one in members[:20]:
        assert script(found.forest, one) == script(forest, found.whole(one))
        assert isclose(grammar_logprob(found.forest, one), grammar_logprob(forest, found.whole(one)), abs_tol=1e-9)


def check_restricted(forest: Forest, costs: list[int], found: Forest, mapped: list[int]) -> None:
    """Assert that a restricted forest keeps to the rules of forests, and its costs are those of the whole."""
    assert all(child < state for state, row in enumerate(found.rows) for edge in row for child in found.calls[edge])
    assert all(len(row) for row in found.rows)
    reached = {found.root} | set(found.children.tolist())
    assert reached == set(range(found.states))
    for one in islice(enumerate_from(found), 20):
        kept = [piece for edge in one.edges for piece in found.uses[edge]]
        assert len(kept) <= len(one.edges)
    whole = histogram(forest, costs).counts
    assert all(many <= whole[value] for value, many in histogram(found, mapped).counts.items())


def test_parts_that_no_bound_touches_are_not_split() -> None:
    forest = tower(8)
    costs = [0, 1, *[0] * (forest.edges - 2)]
    assert restrict(forest, costs, high=256).forest.states == forest.states
    assert restrict(forest, [0] * forest.edges, low=0, high=0).forest.states == forest.states
    assert count(restrict(forest, costs, low=128, high=128).forest) == histogram(forest, costs).counts[128]


def test_a_state_of_many_parts_is_split_without_listing_their_costs() -> None:
    site = Site(tuple("abcdefgh"), (1 / 8,) * 8)
    rows: list[list[Edge]] = [[([(0, option)], []) for option in range(8)], [([], [0] * 12)]]
    forest = forest_of(rows, (site,), 1)
    costs = [*range(8), 5]
    found = restrict(forest, costs, low=40, high=45)
    assert found.forest.edges < 2_000
    assert count(found.forest) == sum(histogram(forest, costs).counts[value] for value in range(40, 46))


def test_too_many_states_are_told() -> None:
    forest = chain(30)
    costs = [0 if edge % 2 else 3 ** (edge // 2) for edge in range(forest.edges)]
    with pytest.raises(TooManyStates, match="raise the limit"):
        restrict(forest, costs, high=3**29, limit=1_000)
    found = bucketed(forest, costs, high=3**29, buckets=32, limit=1_000)
    top = greatest(found.forest, found.costs(costs))[found.forest.root]
    assert 0 < top <= 3**29
    assert 2**28 < count(found.forest) <= 2**29 + 1
    with pytest.raises(ValueError, match=r"2\*\*60"):
        restrict(forest, [(one << 60) + 1 for one in costs], high=3**29 << 60)


@quick
@given(forests, st.randoms(use_true_random=False), st.integers(1, 12))
def test_buckets_are_never_over_the_bound_and_say_what_they_leave_out(
    forest: Forest, rng: Random, buckets: int
) -> None:
    costs = costs_of(forest, rng, -2, 30)
    high = rng.randint(0, 120)
    within = {edges for edges in listed(forest) if cost(edges, costs) <= high}
    try:
        found = bucketed(forest, costs, high=high, buckets=buckets)
    except ValueError as error:
        assert "found none" in str(error) and (buckets < 12 or not within)
        return
    check_restricted(forest, costs, found.forest, found.costs(costs))
    members = [found.whole(one).edges for one in enumerate_from(found.forest)]
    assert len(set(members)) == len(members) == count(found.forest) and within.issuperset(members)
    assert acceptance(found, histogram(forest, costs), high=high) == (Fraction(len(members), len(within)),) * 2
    fewest, most = acceptance(found, histogram(forest, costs, limit=2), high=high)
    assert fewest <= Fraction(len(members), len(within)) <= most


def test_enough_buckets_leave_nothing_out() -> None:
    forest = tower(6)
    costs = [0, 1, *[0] * (forest.edges - 2)]
    exact = count(restrict(forest, costs, high=20).forest)
    assert count(bucketed(forest, costs, high=20, buckets=64).forest) == exact
    assert exact // 10 < count(bucketed(forest, costs, high=20, buckets=12).forest) < exact
    with pytest.raises(ValueError, match="buckets of at least 1"):
        bucketed(forest, costs, high=20, buckets=0)
