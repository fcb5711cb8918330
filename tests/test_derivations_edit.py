"""Edits of derivations: whatever is redrawn, swapped or changed is derivable and new, and distances are those of paths."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archc
from archc.runtime.derivations.distance import Edit, distance, hamming
from archc.runtime.derivations.draw import By, Sampler
from archc.runtime.derivations.edit import NoOther, Place, crossover, interchange, mutate, places
from archc.runtime.derivations.neighbours import neighbours
from archc.runtime.derivations.nodes import nodes_of
from archc.runtime.derivations.ranks import enumerate_from
from archc.spaces.forest import Decision, Derivation, Forest, Site, forest_of, script, subtree
from archc.spaces.refine import refine

Row = list[tuple[tuple[Decision, ...], tuple[int, ...]]]
MOST = 3000


# ---------------------------------------------------------------- forests, and what holds of them
def is_derivable(forest: Forest, derivation: Derivation) -> bool:
    """Whether the edges derive the root and nothing is left over, and each real lies in its range."""
    waiting, reals = [forest.root], list(derivation.reals[::-1])
    for edge in derivation.edges:
        if not waiting or edge not in forest.rows[waiting.pop()]:
            return False
        for number, _ in forest.decisions[forest.label[edge]]:
            site = forest.sites[number]
            if site.low is not None and site.high is not None and not site.low <= reals.pop() <= site.high:
                return False
        waiting.extend(forest.calls[edge][::-1])
    return not waiting and not reals


def members(forest: Forest, state: int | None = None) -> list[tuple[int, ...]]:
    """Return all derivations of a state by enumeration."""
    every: list[list[tuple[int, ...]]] = []
    for row in forest.rows:
        own = []
        for edge in row:
            for parts in product(*(every[child] for child in forest.calls[edge])):
                own.append((edge, *(inner for part in parts for inner in part)))
        every.append(own)
    return every[forest.root if state is None else state]


def sample(forest: Forest, rng: Random) -> Derivation:
    return Sampler(forest, "count").draw(rng)


@st.composite
def forests(choose: st.DrawFn) -> Forest:
    """Forests of a few states and at most MOST members, whose edges differ in the first decision; the last is the root."""
    sites: list[Site] = []
    rows: list[Row] = []
    counts: list[int] = []
    states = choose(st.integers(1, 6))
    for state in range(states):
        weights = choose(st.lists(st.integers(1, 9), min_size=1 + (state == states - 1), max_size=3))
        shares = tuple(weight / sum(weights) for weight in weights)
        sites.append(Site(("",) * len(weights), shares))
        own, row, total = len(sites) - 1, [], 0
        for option in range(len(weights)):
            decisions = [(own, option)]
            if choose(st.integers(0, 5)) == 0:
                decisions.append((len(sites), 0))
                low, width = choose(st.integers(1, 3)), choose(st.integers(0, 2))
                sites.append(Site(("",), (1.0,), low=low, high=low + width, logarithmic=choose(st.booleans())))
            calls = choose(st.lists(st.integers(0, state - 1), max_size=3)) if state else []
            while prod(counts[call] for call in calls) > MOST // 3:
                calls.pop()
            row.append((tuple(decisions), tuple(calls)))
            total += prod(counts[call] for call in calls)
        rows.append(row)
        counts.append(total)
    return forest_of(rows, sites, states - 1)


CHANCE = st.integers(0, 2**32).map(Random)


def chain(tables: Sequence[Sequence[int | None]], length: int, start: int, end: int) -> Forest | None:
    """Return the forest of the words of operations that lead from a type to a type; None if there is none.

    Operation o takes type t to tables[o][t]. Words split into an operation and the rest, at every type in between.
    """
    rows: list[Row] = []
    known: dict[tuple[int, int, int], int | None] = {}
    types = range(len(tables[0]))

    def state(many: int, source: int, target: int) -> int | None:
        key = (many, source, target)
        if key not in known:
            row: Row = []
            if many == 0:
                row = [(((0, o),), ()) for o, table in enumerate(tables) if table[source] == target]
            else:
                for middle in types:
                    first, rest = state(0, source, middle), state(many - 1, middle, target)
                    if many == 1:
                        rest = None
                        if middle == target and first is not None:
                            row.append(((), (first,)))
                    elif first is not None and rest is not None:
                        row.append(((), (first, rest)))
            known[key] = len(rows) if row else None
            if row:
                rows.append(row)
        return known[key]

    root = state(length, start, end)
    options = tuple(f"op{number}" for number in range(len(tables)))
    return None if root is None else forest_of(rows, [Site(options, (1 / len(options),) * len(options))], root)


def tree(depth: int = 3) -> Forest:
    """Return the forest of binary trees of some depth at most, with two kinds of leaves and two of inner nodes."""
    rows: list[Row] = [[(((0, 0),), ()), (((0, 1),), ())]]
    for below in range(depth):
        rows.append([(((0, 0),), ()), (((0, 1),), ()), (((0, 2),), (below, below)), (((0, 3),), (below,))])
    return forest_of(rows, [Site(("x", "y", "pair", "one"), (0.1, 0.2, 0.3, 0.4))], depth)


def deep(length: int) -> Forest:
    """Return the forest of words of `length` letters, one below another, with a number beside each."""
    rows: list[Row] = [[(((0, 0), (1, 0)), ()), (((0, 1), (1, 0)), ())]]
    for below in range(length - 1):
        rows.append([(((0, 0), (1, 0)), (below,)), (((0, 1), (1, 0)), (below,))])
    return forest_of(rows, [Site(("a", "b"), (0.25, 0.75)), Site(("",), (1.0,), low=0.0, high=1.0)], length - 1)


# ---------------------------------------------------------------- mutation
@settings(max_examples=200, deadline=None)
@given(forests(), CHANCE, st.sampled_from(["weights", "count"]))
def test_a_mutation_is_derivable_and_differs(forest: Forest, rng: Random, by: By) -> None:
    derivation, sampler = sample(forest, rng), Sampler(forest, by)
    for _ in range(50):
        child = mutate(forest, derivation, rng, sampler=sampler)
        assert is_derivable(forest, child)
        assert child != derivation
        derivation = child


@pytest.mark.parametrize("by", ["weights", "count"])
def test_a_redraw_of_the_root_has_the_distribution_without_the_parent(by: By) -> None:
    forest, rng, draws = tree(2), Random(1), 20_000
    sampler = Sampler(forest, by)
    every = members(forest)
    masses = {edges: _mass(forest, edges) if by == "weights" else 1.0 for edges in every}
    parent = Derivation(sorted(every, key=len)[len(every) // 2])
    del masses[parent.edges]
    seen = Counter(
        mutate(forest, parent, rng, nodes=lambda place: place.at == 0, sampler=sampler).edges for _ in range(draws)
    )
    assert set(seen) <= set(masses)
    assert _is_plausible(seen, masses, draws)


def _mass(forest: Forest, edges: Sequence[int]) -> float:
    mass, shares = 1.0, forest.shares()
    for edge in edges:
        mass *= float(shares[edge])
    return mass


def _is_plausible(seen: "Counter[tuple[int, ...]]", masses: dict[tuple[int, ...], float], draws: int) -> bool:
    """Whether Pearson's statistic is within five standard deviations of its mean; rare outcomes count as one."""
    total = sum(masses.values())
    statistic, freedom, rare, rarely = 0.0, -1, 0.0, 0
    for outcome, mass in masses.items():
        expected = draws * mass / total
        if expected < 5:
            rare, rarely = rare + expected, rarely + seen[outcome]
            continue
        statistic += (seen[outcome] - expected) ** 2 / expected
        freedom += 1
    if rare >= 5:
        statistic, freedom = statistic + (rarely - rare) ** 2 / rare, freedom + 1
    return statistic < freedom + 5 * (2 * freedom) ** 0.5


def test_nodes_are_picked_uniformly_or_by_weight() -> None:
    forest, rng = tree(), Random(2)
    parent = Derivation(max(members(forest), key=len))
    found = places(forest, parent)
    assert len(found) == len(parent.edges) == 15
    seen: Counter[int] = Counter()
    for _ in range(3000):
        child = mutate(forest, parent, rng, nodes=lambda place: place.state == 0)
        changed = [at for at, pair in enumerate(zip(parent.edges, child.edges, strict=True)) if pair[0] != pair[1]]
        assert len(changed) == 1
        seen[changed[0]] += 1
    leaves = [place.at for place in found if place.state == 0]
    assert set(seen) == set(leaves)
    assert sum((seen[leaf] - 375) ** 2 / 375 for leaf in leaves) < 30


def test_a_subtree_that_is_redrawn_leaves_the_rest() -> None:
    forest, rng = deep(50), Random(3)
    parent = sample(forest, rng)
    child = mutate(forest, parent, rng, nodes=lambda place: place.at == 20 and place.real is None)
    assert child.edges[:20] == parent.edges[:20] and child.reals[:20] == parent.reals[:20]
    assert child.edges[20:] != parent.edges[20:]
    assert not set(child.reals[20:]) & set(parent.reals)


def test_a_real_is_redrawn_alone() -> None:
    forest, rng = deep(5), Random(4)
    parent = sample(forest, rng)
    child = mutate(forest, parent, rng, nodes=lambda place: place.real == 3)
    assert child.edges == parent.edges
    assert [one == other for one, other in zip(parent.reals, child.reals, strict=True)] == [
        True,
        True,
        True,
        False,
        True,
    ]


def test_a_state_whose_only_freedom_is_a_real_can_be_edited() -> None:
    forest = forest_of([[(((0, 0),), ())]], [Site(("",), (1.0,), low=1e-4, high=1e-1, logarithmic=True)], 0)
    parent = Derivation((0,), (1e-2,))
    children = [mutate(forest, parent, Random(seed)) for seed in range(1000)]
    assert all(is_derivable(forest, child) and child != parent for child in children)
    assert 250 < sum(child.reals[0] < 1e-3 for child in children) < 417


def test_one_member_has_no_mutation() -> None:
    narrow = Site(("",), (1.0,), low=2.0, high=2.0)
    forest = forest_of([[(((0, 0),), ())], [((), (0, 0))]], [narrow], 1)
    with pytest.raises(NoOther, match="this space has one"):
        mutate(forest, Derivation((1, 0, 0), (2.0, 2.0)), Random(0))


def test_weights_of_nodes_that_pick_nothing_are_refused() -> None:
    forest = tree()
    with pytest.raises(ValueError, match="one above 0"):
        mutate(forest, Derivation((2,)), Random(0), nodes=lambda place: 0.0)
    with pytest.raises(ValueError, match="0 and more"):
        mutate(forest, Derivation((2,)), Random(0), nodes=lambda place: -1.0)


def test_a_sampler_of_another_forest_is_refused() -> None:
    with pytest.raises(ValueError, match="of another forest"):
        mutate(tree(), Derivation((2,)), Random(0), sampler=Sampler(tree()))


def test_a_redraw_that_is_nearly_the_parent_finds_another_member() -> None:
    site = Site(("a", "b"), (1.0, 0.0))
    forest = forest_of([[(((0, 0),), ()), (((0, 1),), ())], [((), (0, 0))]], [site], 1)
    parent = Derivation((2, 0, 0))
    seen = Counter(mutate(forest, parent, Random(seed)).edges for seed in range(200))
    assert (2, 0, 0) not in seen
    assert set(seen) >= {(2, 1, 0), (2, 0, 1)}


def test_ten_thousand_nodes_are_edited_without_recursion() -> None:
    forest, rng = deep(10_000), Random(5)
    parent, other = sample(forest, rng), sample(forest, rng)
    child = mutate(forest, parent, rng)
    assert is_derivable(forest, child) and child != parent
    pair = crossover(forest, parent, other, rng)
    assert pair and all(is_derivable(forest, one) for one in pair)
    assert interchange(forest, parent, rng) is None
    first = next(neighbours(forest, parent))
    assert is_derivable(forest, first) and hamming(forest, parent, first) == 1


def test_the_same_chance_makes_the_same_edits() -> None:
    forest = tree()
    parent, other = (Derivation(edges) for edges in members(forest)[40:42])
    for edit in (
        lambda rng: mutate(forest, parent, rng),
        lambda rng: crossover(forest, parent, other, rng),
        lambda rng: interchange(forest, parent, rng),
        lambda rng: list(neighbours(forest, parent, rng=rng)),
    ):
        assert edit(Random(7)) == edit(Random(7))


# ---------------------------------------------------------------- swaps
def swaps(forest: Forest, first: Derivation, second: Derivation) -> set[tuple[Derivation, Derivation]]:
    """Return all pairs of children that are new, by trying every swap of two nodes of one state."""
    one, two = nodes_of(forest, first), nodes_of(forest, second)
    found = set()
    for at, to in product(range(len(one.states)), range(len(two.states))):
        if one.states[at] == two.states[to]:
            children = (
                one.replaced(first, at, two.part(second, to)),
                two.replaced(second, to, one.part(first, at)),
            )
            if not {first, second} & set(children):
                found.add(children)
    return found


@settings(max_examples=200, deadline=None)
@given(forests(), CHANCE)
def test_a_crossover_is_one_of_the_swaps_that_make_new_derivations(forest: Forest, rng: Random) -> None:
    first, second = sample(forest, rng), sample(forest, rng)
    possible = swaps(forest, first, second)
    for _ in range(20):
        children = crossover(forest, first, second, rng)
        if children is None:
            assert not possible
            break
        assert children in possible
        assert all(is_derivable(forest, child) for child in children)


def test_every_swap_is_found_in_time() -> None:
    forest, rng = tree(), Random(8)
    every = [Derivation(edges) for edges in members(forest)]
    for _ in range(10):
        first, second = rng.sample(every, 2)
        possible = swaps(forest, first, second)
        assert {crossover(forest, first, second, rng) for _ in range(40 * len(possible))} - {None} == possible


def test_parents_that_differ_in_one_place_alone_have_no_child_there() -> None:
    forest = forest_of([[(((0, 0),), ()), (((0, 1),), ())], [((), (0,))]], [Site(("a", "b"), (0.5, 0.5))], 1)
    assert crossover(forest, Derivation((2, 0)), Derivation((2, 1)), Random(0)) is None
    assert crossover(forest, Derivation((2, 0)), Derivation((2, 0)), Random(0)) is None


def test_a_swap_takes_the_reals_along() -> None:
    rows: list[Row] = [[(((0, 0),), ())], [((), (0, 0, 0))]]
    forest = forest_of(rows, [Site(("",), (1.0,), low=0.0, high=9.0)], 1)
    parent = Derivation((1, 0, 0, 0), (1.0, 2.0, 3.0))
    seen = {interchange(forest, parent, Random(seed)) for seed in range(50)}
    assert {child.reals for child in seen if child} == {(2.0, 1.0, 3.0), (3.0, 2.0, 1.0), (1.0, 3.0, 2.0)}
    children = crossover(forest, parent, Derivation((1, 0, 0, 0), (4.0, 5.0, 6.0)), Random(1))
    assert children and sorted(children[0].reals + children[1].reals) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@settings(max_examples=200, deadline=None)
@given(forests(), CHANCE)
def test_an_interchange_swaps_two_subtrees_of_one_state(forest: Forest, rng: Random) -> None:
    parent = sample(forest, rng)
    nodes = nodes_of(forest, parent)
    parts = [(state, nodes.part(parent, at)) for at, state in enumerate(nodes.states)]
    child = interchange(forest, parent, rng)
    if child is None:
        assert len({state for state, _ in parts}) == len(set(parts))
        return
    assert is_derivable(forest, child) and child != parent
    assert sorted(child.edges) == sorted(parent.edges) and sorted(child.reals) == sorted(parent.reals)


# ---------------------------------------------------------------- neighbours
@settings(max_examples=200, deadline=None)
@given(forests(), CHANCE)
def test_neighbours_are_derivable_new_and_as_many_as_options(forest: Forest, rng: Random) -> None:
    parent = sample(forest, rng)
    found = list(neighbours(forest, parent))
    assert all(is_derivable(forest, one) and one.edges != parent.edges for one in found)
    assert len(found) == len(set(found))
    assert len(found) == sum(len(forest.rows[state]) - 1 for state in nodes_of(forest, parent).states)
    assert set(neighbours(forest, parent, rng=rng)) == set(found)


TABLES = st.lists(st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=3, max_size=3), min_size=2, max_size=4)


@settings(max_examples=300, deadline=None)
@given(TABLES, st.integers(1, 5), st.integers(0, 2), st.integers(0, 2), CHANCE)
def test_types_in_between_follow_an_option(
    tables: list[list[int | None]], length: int, start: int, end: int, rng: Random
) -> None:
    forest = chain(tables, length, start, end)
    if forest is None:
        return
    words = {script(forest, Derivation(edges)) for edges in members(forest)}
    parent = sample(forest, rng)
    word = script(forest, parent)
    expected = {one for one in words if sum(left != right for left, right in zip(word, one, strict=True)) == 1}
    found = list(neighbours(forest, parent))
    assert all(is_derivable(forest, one) for one in found)
    assert sorted(script(forest, one) for one in found) == sorted(expected)


def test_every_member_of_einspace_that_one_decision_sets_apart_is_a_neighbour() -> None:
    text = (Path(__file__).parent.parent / "examples/einspace.arch").read_text(encoding="utf-8")
    program = archc.loads(text.replace("depth <= 8", "depth <= 1")).checked
    forest = refine(program, "Net", arguments={"classes": 10}, at="[16, 8]").forest
    every = {_decided(forest, derivation): derivation for derivation in enumerate_from(forest)}
    words: dict[tuple[object, ...], set[tuple[Decision, ...]]] = defaultdict(set)
    for word in every:
        for context in _contexts(word):
            words[context].add(word)
    for word in Random(13).sample(sorted(every), 100):
        apart = {other for context in _contexts(word) for other in words[context]} - {word}
        found = [_decided(forest, one) for one in neighbours(forest, every[word])]
        assert len(found) == len(set(found)) and apart <= set(found) <= set(every)


def _decided(forest: Forest, derivation: Derivation) -> tuple[Decision, ...]:
    return tuple(decision for edge in derivation.edges for decision in forest.decisions[forest.label[edge]])


def _contexts(word: tuple[Decision, ...]) -> Iterator[tuple[object, ...]]:
    for place, (site, _) in enumerate(word):
        yield word[:place], site, word[place + 1 :]


def test_what_is_below_another_option_is_kept_where_it_fits() -> None:
    rows: list[Row] = [
        [(((1, 0),), ()), (((1, 1),), ())],
        [(((2, 0),), ()), (((2, 1),), ()), (((2, 2),), (0, 0))],
        [(((0, 0),), (0, 1)), (((0, 1),), (0, 0, 1)), (((0, 2),), (1,)), (((0, 3),), ())],
    ]
    sites = [Site(("a",) * count, (1 / count,) * count) for count in (4, 2, 3)]
    forest = forest_of(rows, sites, 2)
    parent = Derivation((5, 1, 3))
    of_root = [one for one in neighbours(forest, parent) if one.edges[0] != 5]
    assert [one.edges for one in of_root] == [(6, 1, 0, 3), (7, 3), (8,)]


def test_numbers_of_a_neighbour_stay_or_are_the_middle() -> None:
    rows: list[Row] = [
        [(((1, 0),), ())],
        [(((0, 0), (2, 0)), (0,)), (((0, 1), (2, 0), (2, 0)), (0,)), (((0, 2),), (0, 0))],
    ]
    sites = [Site(("a", "b", "c"), (0.4, 0.3, 0.3)), _range(1.0, 4.0, is_log=True), _range(0.0, 4.0)]
    forest = forest_of(rows, sites, 1)
    found = list(neighbours(forest, Derivation((1, 0), (3.0, 1.5))))
    assert [one.reals for one in found] == [(3.0, 2.0, 1.5), (1.5, 2.0)]


def _range(low: float, high: float, *, is_log: bool = False) -> Site:
    return Site(("",), (1.0,), low=low, high=high, logarithmic=is_log)


# ---------------------------------------------------------------- distances
def reference(forest: Forest, one: Derivation, other: Derivation) -> int:
    """Return the tree edit distance by its definition: over forests, the last root goes, comes or is matched."""

    def trees(derivation: Derivation) -> object:
        nodes = nodes_of(forest, derivation)

        def at(node: int) -> object:
            edge, own, child = derivation.edges[node], [], node + 1
            for _ in forest.calls[edge]:
                own.append(at(child))
                child = nodes.ends[child]
            begin = nodes.reals[node]
            mine = nodes.reals[node + 1] - begin
            label = (forest.cells[nodes.states[node]], forest.decisions[forest.label[edge]])
            return (label, derivation.reals[begin : begin + mine], tuple(own))

        return (at(0),)

    @cache
    def apart(left: tuple, right: tuple) -> int:  # type: ignore[type-arg]  # nested tuples of no fixed depth
        if not left or not right:
            return sum(1 + apart(node[2], ()) for node in left) + sum(1 + apart((), node[2]) for node in right)
        (*before, one), (*ahead, two) = left, right
        return min(
            apart((*before, *one[2]), right) + 1,
            apart(left, (*ahead, *two[2])) + 1,
            apart(tuple(before), tuple(ahead)) + apart(one[2], two[2]) + (one[:2] != two[:2]),
        )

    return apart(trees(one), trees(other))  # type: ignore[arg-type]


def follow(forest: Forest, one: Derivation, other: Derivation, path: tuple[Edit, ...]) -> None:
    """Check that what a path keeps or changes stands in the same order, and below the same, in both."""
    removed = {edit.one for edit in path if edit.kind == "remove"}
    added = {edit.other for edit in path if edit.kind == "add"}
    left = [at for at in range(len(one.edges)) if at not in removed]
    right = [at for at in range(len(other.edges)) if at not in added]
    pairs = list(zip(left, right, strict=True))
    changed = {(edit.one, edit.other) for edit in path if edit.kind == "change"}
    assert changed <= set(pairs)
    first, second = nodes_of(forest, one), nodes_of(forest, other)
    for at, to in pairs:
        same = (one.edges[at], first.part(one, at).reals[: first.reals[at + 1] - first.reals[at]]) == (
            other.edges[to],
            second.part(other, to).reals[: second.reals[to + 1] - second.reals[to]],
        )
        assert same != ((at, to) in changed)
        for inner, within in pairs:
            assert (at <= inner < first.ends[at]) == (to <= within < second.ends[to])


@settings(max_examples=150, deadline=None)
@given(forests(), CHANCE)
def test_the_distance_is_that_of_the_definition_and_of_the_path(forest: Forest, rng: Random) -> None:
    one, other, third = (sample(forest, rng) for _ in range(3))
    apart, path = distance(forest, one, other)
    if len(one.edges) * len(other.edges) <= 100:
        assert apart == reference(forest, one, other)
    assert len(path) == apart == distance(forest, other, one)[0]
    assert (apart == 0) == (one == other)
    assert apart <= distance(forest, one, third)[0] + distance(forest, third, other)[0]
    follow(forest, one, other, path)


def test_a_path_says_what_to_change_remove_and_add() -> None:
    forest = tree()
    inner = forest.rows[2]
    whole, part = forest.rows[3][2], forest.rows[3][3]
    leaf, pair = inner[0], inner[1]
    one, other = Derivation((whole, leaf, pair)), Derivation((part, leaf))
    assert distance(forest, one, other) == (2, (Edit("remove", 2, None), Edit("change", 0, 0)))
    assert distance(forest, other, one) == (2, (Edit("change", 0, 0), Edit("add", None, 2)))
    assert hamming(forest, one, other) is None


@settings(max_examples=100, deadline=None)
@given(forests(), CHANCE)
def test_the_hamming_distance_counts_decisions_of_like_trees(forest: Forest, rng: Random) -> None:
    one, other = sample(forest, rng), sample(forest, rng)
    assert hamming(forest, one, one) == 0
    apart = hamming(forest, one, other)
    if apart is not None:
        assert (apart == 0) == (one == other)
        assert distance(forest, one, other)[0] <= apart


def test_extents_agree_with_the_forest() -> None:
    forest = tree()
    for edges in members(forest)[::50]:
        nodes = nodes_of(forest, Derivation(edges))
        assert list(nodes.ends) == [subtree(forest, edges, at) for at in range(len(edges))]


def test_ten_thousand_mutations_in_a_row_are_derivable_and_new() -> None:
    forest, rng = tree(), Random(11)
    derivation = Derivation(members(forest)[0])
    for _ in range(10_000):
        child = mutate(forest, derivation, rng, nodes=_small)
        assert child != derivation and is_derivable(forest, child)
        derivation = child


def _small(place: Place) -> float:
    return 1 / place.size


@pytest.mark.soak
def test_a_hundred_thousand_mutations_of_einspace_are_derivable_and_new() -> None:
    text = (Path(__file__).parent.parent / "examples/einspace.arch").read_text(encoding="utf-8")
    program = archc.loads(text.replace("depth <= 8", "depth <= 1")).checked
    forest, rng = refine(program, "Net", arguments={"classes": 10}, at="[3, 32, 32]").forest, Random(14)
    derivation = sample(forest, rng)
    for _ in range(100_000):
        child = mutate(forest, derivation, rng)
        assert is_derivable(forest, child) and script(forest, child) != script(forest, derivation)
        derivation = child
