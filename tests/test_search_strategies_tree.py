"""Strategies over the tree of choices: valid, new, resumed exactly, and better than chance where there is something to learn."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import inf
from random import Random
from statistics import mean, median

import pytest
from driver import cells
from test_search_loop import Kept, essence

import archc
from archc.members import Member, Space
from archc.runtime.derivations.best import cheapest, dearest
from archc.runtime.derivations.weights import by_weight
from archc.search.ageing import Ageing
from archc.search.fronts import crowding, fronts
from archc.search.jobs import Inline, Job
from archc.search.loop import Bound as Within
from archc.search.loop import Result, Search, run
from archc.search.named import make
from archc.search.operators import FLOOR, Operators
from archc.search.places import derive, features, pick
from archc.search.protocol import Context, History, Json, Objective, Outcome, Proposal, Trial, dominates
from archc.search.rungs import fidelities
from archc.search.starts import Starts
from archc.search.strategies.map_elites import MapElites
from archc.search.strategies.nsga2 import survivors as by_crowding
from archc.search.strategies.nsga3 import directions
from archc.search.strategies.nsga3 import survivors as by_direction
from archc.search.tasks.base import Budget, Candidate, Direction
from archc.search.trie import Node, Trie
from archc.search.unfold import Through, unfold
from archc.spaces.forest import Derivation

ONE = ("adaptive", "cross-entropy", "mcts", "nsga2", "nsga3", "map-elites", "additive")
SEVERAL = ("successive-halving", "asha")
SUM = Objective.of(maximize=["sum"])
BOTH = Objective.of(maximize=["sum"], minimize=["params"])

RECURSIVE = """arch 0.1
import std.nn
space Net : a -> a where depth <= 4 =
  | Net -> Net
  | (Net, Net) -> add
  | Leaf
space Leaf : a -> a = relu | gelu | tanh | sigmoid | id
"""


@pytest.fixture(scope="module")
def space() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return cells()


@pytest.fixture(scope="module")
def recursive(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """Return a space that mentions itself."""
    path = tmp_path_factory.mktemp("recursive") / "net.arch"
    path.write_text(RECURSIVE, encoding="ascii")
    return archc.load(path)["Net"].space(at="[8]")


class Blocks:
    """Adds what each decision at each place is worth, as drawn with a seed; a lower fidelity is off by a little."""

    metrics: Mapping[str, Direction] = {"sum": "maximize", "params": "minimize"}
    quick = True

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed
        self.members: dict[str, Member] = {}

    def read(self, candidate: Candidate, budget: Budget) -> Mapping[str, float]:
        """Return the sum over the decisions, and the parameters."""
        member = self.members[candidate.key]
        noise = Random(f"{candidate.key} {budget.share}").gauss(0, 0.3) if budget.share < 1.0 else 0.0
        return {"sum": self.worth(member) + noise, "params": float(member.cost("params"))}

    def worth(self, member: Member) -> float:
        """Return the sum over the decisions of a member."""
        found = features(self.space.forest, member.derivation.edges)
        decided = [(place, self.space.forest.decisions[label]) for place, label in found]
        return sum(Random(f"{self.seed} {place} {entry}").gauss(0, 1) for place, entry in decided)

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


class Reading(Inline):
    """Evaluates members, which the task gets by key."""

    def start(self, job: Job) -> None:
        """Evaluate at once."""
        assert isinstance(self.task, Blocks)
        self.task.members[job.member.key] = job.member
        super().start(job)


class Late(Reading):
    """Has several slots, and tells of only some jobs at a time, the latest first."""

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return the one that began last."""
        return [self._ended.pop()]


def by_key(proposal: Proposal) -> str:
    """Let no two members be one."""
    return proposal.member.key


def searched(space: Space, strategy: str, evaluations: int | None) -> Search:
    """Return a search of one goal, in order."""
    settings: dict[str, Json] = {"rungs": 3, "eta": 2} if strategy in SEVERAL else {}
    return Search(space, SUM, strategy, settings, seed=3, evaluations=evaluations, ahead=1)


def ran(search: Search, seed: int = 0) -> Result:
    """Return how a search ends that adds up blocks."""
    return run(search, Reading(Blocks(search.space, seed), search.objective), by_key)


# ---------------------------------------------------------------- what holds for each
@pytest.mark.parametrize("strategy", ONE + SEVERAL)
@pytest.mark.parametrize("of", ["space", "recursive"])
def test_broken_off_at_any_save_it_goes_on_as_if_it_was_not(
    strategy: str, of: str, request: pytest.FixtureRequest
) -> None:
    search = searched(request.getfixturevalue(of), strategy, 40)
    whole = essence(ran(search).history)
    for most in range(1, 40, 13):
        kept = Kept(most=most)
        reading = Reading(Blocks(search.space, 0), SUM)
        with pytest.raises(KeyboardInterrupt):
            run(search, reading, by_key, keeper=kept)
        found = run(search, Reading(Blocks(search.space, 0), SUM), by_key, saved=kept.saved)
        assert essence(found.history) == whole, most


@pytest.mark.parametrize("strategy", ONE + SEVERAL)
def test_out_of_order_nothing_comes_twice(space: Space, strategy: str) -> None:
    search = replace(searched(space, strategy, 60), ahead=None)
    found = run(search, Late(Blocks(space, 0), SUM, 4), by_key).history
    assert len({(trial.key, trial.fidelity) for trial in found}) == len(found) >= 60
    assert all(space.rank(found.member(trial.number)) < 15_625 for trial in found)


@pytest.mark.parametrize("strategy", ONE + SEVERAL)
def test_out_of_order_and_broken_off_the_state_says_all(space: Space, strategy: str) -> None:
    """A strategy that was restored asks the same as the one that was not, with what is under way left open."""
    history = History(space, SUM)
    context = Context(space, SUM, history, 80)
    settings = searched(space, strategy, 1).settings
    made, blocks, rng = make(strategy, context, settings), Blocks(space, 0), Random(5)
    for _ in range(80):
        open_ = history.under_way()
        if len(open_) < 3:
            seed, number = rng.getrandbits(32), len(history)
            again = make(strategy, context, settings)
            again.restore(made.state())
            proposal, twin = made.ask(Random(seed)), again.ask(Random(seed))
            assert twin == proposal
            assert made.state() == again.state()
            if proposal is not None:
                member = proposal.member
                assert not history.seen(member, proposal.fidelity)
                trial = Trial(number, member.key, member.derivation, member.key, seed, proposal.fidelity, "running")
                history.put(replace(trial, origin=proposal.origin), member)
                continue
        trial = rng.choice(open_)
        metrics = {"sum": blocks.worth(history.member(trial.number))}
        ended = (
            replace(trial, status="done", metrics=metrics) if rng.random() < 0.8 else replace(trial, status="failed")
        )
        history.put(ended)
        made.tell(ended)


@pytest.mark.parametrize("strategy", ONE + SEVERAL)
def test_a_small_space_is_searched_to_its_end(space: Space, strategy: str) -> None:
    small = space.within("count(conv)", 6, 6)
    result = ran(searched(small, strategy, None))
    full = sum(trial.fidelity == 1.0 for trial in result.history)
    assert full == (16 if strategy == "successive-halving" else 64)
    assert len({trial.key for trial in result.history}) == small.count() == 64
    assert "every member" in result.stopped


@pytest.mark.parametrize("strategy", ONE + SEVERAL)
def test_trials_without_metrics_are_worse_than_all(space: Space, strategy: str) -> None:
    search = replace(searched(space, strategy, 40), bounds=(Within("params", high=300),))
    found = ran(search).history
    assert sum(trial.done for trial in found) == 40
    assert any(trial.status == "refused" for trial in found)


@pytest.mark.parametrize("strategy", ONE + SEVERAL)
def test_a_state_of_another_strategy_is_refused(space: Space, strategy: str) -> None:
    made = make(strategy, Context(space, SUM, History(space, SUM)), {})
    with pytest.raises(ValueError, match="found"):
        made.restore("something else")


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("adaptive", {"sample": 30}),
        ("cross-entropy", {"smoothing": 0.0}),
        ("mcts", {"chance": 2.0}),
        ("nsga2", {"population": 1}),
        ("nsga3", {"population": 1}),
        ("map-elites", {"bins": 0}),
        ("map-elites", {"descriptors": "paramms"}),
        ("successive-halving", {"eta": 1}),
        ("successive-halving", {"size": -1}),
        ("asha", {"rungs": 1}),
        ("asha", {"around": 1.5}),
        ("additive", {"measures": 0}),
        ("additive", {"cost": "paramms"}),
    ],
)
def test_settings_out_of_range_are_refused(space: Space, strategy: str, settings: Mapping[str, Json]) -> None:
    with pytest.raises(ValueError, match=r"expected|takes|paramms"):
        make(strategy, Context(space, SUM, History(space, SUM)), settings)


@pytest.mark.parametrize("strategy", ONE)
def test_it_learns_where_blocks_add_up(recursive: Space, strategy: str) -> None:
    """The best of 150 is better than that of random search, in the median over seeds."""

    def best(name: str, seed: int) -> float:
        found = ran(replace(searched(recursive, name, 150), seed=seed, settings={}), seed).history
        return found.score(found[found.best().number])  # type: ignore[union-attr]

    gains = [best(strategy, seed) - best("random", seed) for seed in range(5)]
    assert median(gains) > 0, gains


# ---------------------------------------------------------------- additive
def exact(space: Space, blocks: Blocks, most: int | None = None, *, without: Collection[str] = ()) -> float:
    """Return the greatest sum of blocks of a member, of those that cost so much at most and were not asked before."""
    within = [m for m in space if m.key not in without and (most is None or m.cost("nodes") <= most)]
    return max(map(blocks.worth, within))


@pytest.mark.parametrize("most", [None, 17])
def test_blocks_that_add_up_are_solved_exactly(space: Space, most: int | None) -> None:
    small = space.within("count(conv)", 5, 5)
    blocks = Blocks(small, 1)
    settings: dict[str, Json] = {"measures": 8, "ridge": 1e-6} | ({"cost": "nodes", "most": most} if most else {})
    history = ran(replace(searched(small, "additive", 120), settings=settings), 1).history
    solved = [trial for trial in history if trial.origin["operator"] == "solve"]
    first = solved[0].number
    asked = {trial.key for trial in history if trial.number < first}
    assert history.score(solved[0]) == pytest.approx(exact(small, blocks, most, without=asked))
    assert most is None or all(history.member(trial.number).cost("nodes") <= most for trial in solved)


def test_a_budget_holds_in_a_space_that_mentions_itself(recursive: Space) -> None:
    settings: dict[str, Json] = {"cost": "nodes", "most": 12}
    history = ran(replace(searched(recursive, "additive", 60), settings=settings)).history
    costs = [history.member(trial.number).cost("nodes") for trial in history if trial.origin["operator"] == "solve"]
    assert len(costs) == 30 and 8 <= max(costs) <= 12


def test_each_block_is_measured_before_the_first_solution(recursive: Space) -> None:
    history = ran(searched(recursive, "additive", 200)).history
    unfolded = unfold(recursive.forest)
    measured: Counter[object] = Counter()
    for trial in history:
        if trial.origin["operator"] == "solve":
            break
        measured.update(set(features(recursive.forest, trial.derivation.edges, unfolded.context)))
    blocks = {made for made in unfolded.made if made is not None}
    assert trial.number == 100 or min(measured[block] for block in blocks) >= 2


def test_an_unfolded_forest_derives_the_same(recursive: Space, space: Space) -> None:
    small = space.within("count(conv)", 5, 6)
    unfolded = unfold(small.forest)
    zeros = [0] * unfolded.forest.edges
    found = [tuple(unfolded.original(d.edges)) for _, d in dearest(unfolded.forest, zeros)]
    assert sorted(found) == sorted(member.derivation.edges for member in small)
    whole = unfold(recursive.forest)
    costs = whole.costs(recursive.costs("nodes"))
    for cost, derivation in islice(cheapest(whole.forest, costs), 50):
        assert Member(recursive, Derivation(tuple(whole.original(derivation.edges)))).cost("nodes") == cost


def test_a_draw_through_an_edge_has_it(recursive: Space) -> None:
    through, rng = Through(recursive.forest), Random(1)
    for edge in range(recursive.forest.edges):
        drawn = through.draw(edge, rng)
        assert edge in drawn.edges and Member(recursive, drawn).graph().nodes


# ---------------------------------------------------------------- the tree
def walked(trie: Trie, edges: Sequence[int]) -> list[Node]:
    """Return the nodes on a path that are there."""
    found, node = [trie.root], trie.root
    for edge in trie.choices(edges):
        if edge not in node.below:
            break
        node = node.below[edge]
        found.append(node)
    return found


def test_a_tree_counts_what_begins_alike(recursive: Space) -> None:
    trie, rng = Trie(recursive.forest), Random(0)
    members = {member.key: member for member in recursive.sample(rng, 200)}
    paths = {key: tuple(trie.choices(member.derivation.edges)) for key, member in members.items()}
    for number, member in enumerate(members.values()):
        trie.enter(member.derivation.edges)
        trie.tell(member.derivation.edges, number)
    for key, member in members.items():
        for depth, node in enumerate(walked(trie, member.derivation.edges)):
            alike = [n for n, other in enumerate(members) if paths[other][:depth] == paths[key][:depth]]
            assert (node.tally.asked, node.tally.told, node.tally.gain) == (len(alike), len(alike), sum(alike))
    assert trie.root.most == float(recursive.count()) and not trie.root.is_closed


def test_a_tree_is_closed_when_all_was_asked(space: Space) -> None:
    small = space.within("count(conv)", 6, 6)
    trie = Trie(small.forest)
    for number, member in enumerate(small):
        assert trie.root.is_closed == (number == 64)
        trie.enter(member.derivation.edges)
    assert trie.root.is_closed


def test_choices_by_their_weights_are_draws_of_the_space(space: Space) -> None:
    rng, chances = Random(2), by_weight(space.forest).chances
    drawn = Counter(
        Member(
            space, Derivation(tuple(derive(space.forest, lambda _, row: pick(row, chances[row.start : row.stop], rng))))
        ).key
        for _ in range(300)
    )
    assert len(drawn) > 280


# ---------------------------------------------------------------- fronts
def test_fronts_are_what_is_left_when_those_before_are_taken_away() -> None:
    rng = Random(0)
    for _ in range(50):
        values = [(rng.randrange(6), rng.randrange(6), rng.randrange(6)) for _ in range(20)]
        left = set(range(20))
        for front in fronts(values):
            assert set(front) == {a for a in left if not any(dominates(values[b], values[a]) for b in left)}
            left -= set(front)
        assert not left


def test_the_ends_of_a_front_have_the_most_room() -> None:
    values = [(0.0, 4.0), (1.0, 3.0), (1.5, 2.5), (4.0, 0.0)]
    assert crowding(values, range(4)) == {0: inf, 1: 0.75, 2: 1.5, 3: inf}
    assert by_crowding([*values, (0.0, 0.0)], 3) == [0, 3, 2]


def test_directions_are_even_and_no_more_than_wanted() -> None:
    assert sorted(directions(2, 4)) == [(0, 1), (1 / 3, 2 / 3), (2 / 3, 1 / 3), (1, 0)]
    assert len(list(directions(3, 24))) == 21 and all(sum(d) == pytest.approx(1) for d in directions(3, 24))
    assert list(directions(1, 10)) == [(1.0,)]


def test_survivors_are_spread_over_the_directions() -> None:
    crowd = [(0.5 + x / 1000, 0.5 - x / 1000) for x in range(10)]
    values = [*crowd, (1.0, 0.0), (0.0, 1.0), (-1.0, -1.0)]
    assert {10, 11} < set(by_direction(values, 3, list(directions(2, 3))))


@pytest.mark.parametrize("strategy", ["nsga2", "nsga3"])
def test_the_front_of_two_goals_is_wider_than_that_of_chance(space: Space, strategy: str) -> None:
    def covered(name: str, seed: int) -> float:
        """Return the area between the front and a corner that is worse than all."""
        search = Search(space, BOTH, name, seed=seed, evaluations=100, ahead=1)
        front = run(search, Reading(Blocks(space, 4), BOTH), by_key).history.front()
        points = sorted((trial.metrics["params"], trial.metrics["sum"]) for trial in front)
        ends = [*(params for params, _ in points[1:]), 1000.0]
        return sum((end - params) * (high + 20.0) for (params, high), end in zip(points, ends, strict=True))

    gains = [covered(strategy, seed) - covered("random", seed) for seed in range(16)]
    assert mean(gains) > 0, gains


# ---------------------------------------------------------------- the others
def test_each_cell_has_its_best(space: Space) -> None:
    search = searched(space, "map-elites", 100)
    history = ran(search).history
    made = MapElites(Context(space, SUM, history), descriptors="params,nodes")
    made.restore(None)
    best: dict[tuple[int, ...], float] = {}
    for trial in history:
        cell = made.cell(history.member(trial.number))
        best[cell] = max(best.get(cell, -inf), history.score(trial))
    assert {cell: history.score(history[number]) for cell, number in made.elites().items()} == best
    assert len(best) > 10


def test_more_cells_have_better_members_than_by_chance(space: Space) -> None:
    def filled(name: str, seed: int) -> float:
        """Return the sum over all cells of how good their best members are."""
        search = replace(searched(space, name, 150), seed=seed)
        history = ran(search, seed).history
        made = MapElites(Context(space, SUM, history))
        made.restore(None)
        return sum(history.score(history[number]) + 10.0 for number in made.elites().values())

    gains = [filled("map-elites", seed) - filled("random", seed) for seed in range(3)]
    assert median(gains) > 0, gains


@pytest.mark.parametrize("strategy", SEVERAL)
def test_only_the_best_of_a_rung_go_on(space: Space, strategy: str) -> None:
    history = ran(searched(space, strategy, 100)).history
    shares = fidelities(2, 3)
    assert shares == [0.25, 0.5, 1.0]
    many = [sum(trial.fidelity == share for trial in history) for share in shares]
    assert many[0] > many[1] > many[2] > 5
    for trial in history:
        if trial.origin["operator"] == "promote":
            (parent,) = trial.origin["parents"]  # type: ignore[misc]
            before = history[parent]  # type: ignore[index]
            assert before.key == trial.key and shares.index(before.fidelity) == shares.index(trial.fidelity) - 1


def test_operators_that_lead_to_better_ones_are_taken_more_often(space: Space) -> None:
    history = History(space, SUM)
    operators = Operators(history)
    assert list(operators.shares().values()) == pytest.approx([1 / 5] * 5)
    for number, member in enumerate(space.sample(Random(0), 60, distinct=True)):
        name = ("edit", "regrow")[number % 2]
        score = float(number) if name == "edit" else -1.0
        origin: dict[str, Json] = {"operator": name, "parents": [max(0, number - 2)]} if number > 1 else {}
        trial = Trial(number, member.key, member.derivation, "", 0, 1.0, "done", {"sum": score}, origin=origin)
        history.put(trial, member)
    shares = operators.shares()
    assert shares["edit"] > 0.3 > shares["swap"] > shares["regrow"] >= FLOOR
    assert sum(shares.values()) == pytest.approx(1.0)
    rng = Random(1)
    for _ in range(100):
        child = operators.vary(rng.randrange(60), rng.randrange(60), rng)
        assert child is not None and not history.seen(child.member)


# ---------------------------------------------------------------- where searches begin
def test_starts_are_of_many_sizes_and_none_comes_twice() -> None:
    deep = archc.loads(RECURSIVE.replace("depth <= 4", "depth <= 6"))["Net"].space(at="[8]")
    history = History(deep, SUM)
    starts, rng = Starts(history), Random(4)
    sizes = []
    for number in range(200):
        member = starts.draw(rng)
        assert not history.seen(member)
        history.put(Trial(number, member.key, member.derivation, "", 0, 1.0, "done", {"sum": 0.0}))
        sizes.append(len(member.derivation.edges))
    drawn = sorted(len(member.derivation.edges) for member in deep.sample(Random(4), 200))
    assert min(sizes) <= drawn[20] and sorted(sizes)[150] > 1.5 * drawn[150]


def test_starts_leave_out_what_has_no_weight() -> None:
    text = "arch 0.1\nspace Net : [8] -> [2] = linear(4 | 8) -> (0%: relu | 50%: tanh | 50%: gelu) -> linear(2)\n"
    space = archc.loads(text)["Net"].space()
    starts, rng = Starts(History(space, SUM)), Random(0)
    assert {starts.draw(rng).key.split()[1] for _ in range(300)} == {"1", "2"}


def test_a_population_that_is_stuck_begins_anew(space: Space) -> None:
    history = History(space, SUM)
    population = Ageing(history, size=4, sample=2, patience=2)
    begun = []
    for number, member in enumerate(space.sample(Random(2), 20, distinct=True)):
        begun.append(population.begins())
        trial = Trial(number, member.key, member.derivation, "", 0, 1.0, "done", {"sum": float(number == 1)})
        history.put(trial)
        population.tell(trial)
        if number == 5:
            assert population.state() == [4, 1, 4, 2, 3, 4, 5]
    assert begun == [True] * 4 + [False] * 6 + [True] * 4 + [False] * 5 + [True]
