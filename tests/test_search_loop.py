"""The loop: which trials a search has depends on nothing but what it says, wherever it was broken off."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from driver import OBJECTIVE, cells, searched
from searching import Digits

from archc.members import Space
from archc.search import named as known
from archc.search.jobs import Inline, Job, identify
from archc.search.loop import Bound, Saved, Search, run
from archc.search.named import make, named, strategies
from archc.search.protocol import Context, History, Json, Objective, Outcome, Proposal, Trial
from archc.search.reading import LOST
from archc.search.strategies.random import Weighted

STRATEGIES = ("random", "uniform", "exhaustive", "local", "evolution")


@pytest.fixture(scope="module")
def space() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return cells()


def by_key(proposal: Proposal) -> str:
    """Let no two members be one."""
    return identify(Digits(), proposal)


@dataclass
class Kept:
    """A keeper that keeps in memory, and breaks off when it is told."""

    trials: dict[int, Trial] = field(default_factory=dict)
    told: int = 0
    state: Json = None
    saves: int = 0
    most: int = 10**9

    def save(self, trials: Sequence[Trial], told: int, state: Json) -> None:
        """Keep, or raise KeyboardInterrupt where the power goes."""
        self.saves += 1
        if self.saves > self.most:
            raise KeyboardInterrupt
        self.trials.update({trial.number: trial for trial in trials})
        self.told, self.state = told, state

    @property
    def saved(self) -> Saved:
        """Return what a resumed search gets."""
        found = [self.trials[number] for number in sorted(self.trials)]
        return Saved(found, self.told, self.state, has_state=bool(found))


@dataclass
class Shuffled:
    """Evaluates at once, and tells in an order of its own."""

    slots: int
    rng: Random
    seconds: float | None = None
    waiting: list[tuple[int, Outcome]] = field(default_factory=list)

    def start(self, job: Job) -> None:
        """Evaluate."""
        inline = Inline(Digits(), OBJECTIVE)
        inline.start(job)
        self.waiting.extend(inline.wait())

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return some of what is under way, in a random order."""
        self.rng.shuffle(self.waiting)
        many = self.rng.randint(1, len(self.waiting))
        found, self.waiting = self.waiting[:many], self.waiting[many:]
        return found

    def close(self) -> None:
        """Forget."""


def essence(trials: Sequence[Trial] | History) -> list[Trial]:
    """Return trials without what depends on the clock and the workers."""
    return [replace(trial, asked=0.0, seconds=0.0, lease=0.0, attempts=0) for trial in trials]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_broken_off_at_any_save_goes_on_as_if_it_was_not(space: Space, strategy: str) -> None:
    search = searched(space, 40, strategy)
    whole = essence(run(search, Inline(Digits(), OBJECTIVE), by_key).history)
    for most in range(0, 40, 3):
        kept = Kept(most=most)
        with pytest.raises(KeyboardInterrupt):
            run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=kept)
        again = Kept(dict(kept.trials), kept.told, kept.state)
        found = run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=again, saved=kept.saved)
        assert essence(found.history) == whole, most


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ahead", [2, 5])
def test_in_order_the_trials_are_the_same_whatever_evaluates_them(space: Space, strategy: str, ahead: int) -> None:
    search = searched(space, 60, strategy, ahead)
    whole = essence(run(search, Inline(Digits(), OBJECTIVE), by_key).history)
    for slots in (1, 3, 8):
        found = run(search, Shuffled(slots, Random(slots)), by_key)
        assert essence(found.history) == whole, slots


@pytest.mark.parametrize("strategy", ["local", "evolution"])
def test_in_order_and_broken_off_with_several_under_way(space: Space, strategy: str) -> None:
    search = searched(space, 40, strategy, 4)
    whole = essence(run(search, Inline(Digits(), OBJECTIVE), by_key).history)
    for most in range(1, 12, 2):
        kept = Kept(most=most)
        with pytest.raises(KeyboardInterrupt):
            run(search, Shuffled(3, Random(most)), by_key, keeper=kept)
        found = run(search, Shuffled(2, Random(-most)), by_key, saved=kept.saved)
        assert essence(found.history) == whole, most


def test_a_longer_search_begins_with_the_trials_of_a_shorter_one(space: Space) -> None:
    short = run(searched(space, 25, ahead=3), Inline(Digits(), OBJECTIVE), by_key)
    kept = Kept()
    run(searched(space, 25, ahead=3), Inline(Digits(), OBJECTIVE), by_key, keeper=kept)
    resumed = run(searched(space, 50, ahead=3), Inline(Digits(), OBJECTIVE), by_key, saved=kept.saved)
    whole = run(searched(space, 50, ahead=3), Inline(Digits(), OBJECTIVE), by_key)
    assert essence(whole.history)[:25] == essence(short.history)
    assert essence(resumed.history) == essence(whole.history)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_out_of_order_every_member_comes_once(space: Space, strategy: str) -> None:
    found = run(searched(space, 200, strategy, None), Shuffled(4, Random(1)), by_key).history
    assert len({trial.key for trial in found}) == len(found) == 200
    assert all(trial.done for trial in found)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_small_space_is_searched_to_its_end(space: Space, strategy: str) -> None:
    small = space.within("count(conv)", 6, 6)
    result = run(Search(small, OBJECTIVE, strategy, ahead=1), Inline(Digits(), OBJECTIVE), by_key)
    assert len(result.history) == small.count() == 64
    assert "every member" in result.stopped


def test_one_architecture_is_evaluated_once(space: Space) -> None:
    """Cells of one hash are one network; here only those of one sum, which is quicker to see."""

    started: list[str] = []

    class Counting(Inline):
        def start(self, job: Job) -> None:
            started.append(job.member.key)
            super().start(job)

    def by_sum(proposal: Proposal) -> str:
        return str(sum(int(word) for word in proposal.member.key.split()))

    evaluator = Counting(Digits(), OBJECTIVE)
    result = run(Search(space, OBJECTIVE, "random", evaluations=12), evaluator, by_sum)
    trials = list(result.history)
    assert len(started) == 12 == len({trial.identity for trial in trials}) < len(trials)
    for trial in trials:
        first = next(other for other in trials if other.identity == trial.identity)
        assert trial.same_as == (None if first is trial else first.number) and trial.metrics == first.metrics


def test_cells_that_are_one_network_are_evaluated_once(space: Space) -> None:
    search = Search(space, OBJECTIVE, "uniform", evaluations=60, seed=1)
    found = run(search, Inline(Digits(), OBJECTIVE), lambda proposal: proposal.member.hash).history
    copies = [trial for trial in found if trial.same_as is not None]
    assert copies and len({trial.identity for trial in found}) == 60 == len(found) - len(copies)
    for trial in copies:
        first = found[trial.same_as or 0]
        assert found.member(first.number).hash == found.member(trial.number).hash and first.key != trial.key
        assert trial.metrics == first.metrics and trial.attempts == 0


def test_what_waited_for_a_lost_trial_is_evaluated_itself(space: Space) -> None:
    def first(proposal: Proposal) -> str:
        return proposal.member.key.split()[0]

    search = Search(space, OBJECTIVE, "exhaustive", evaluations=2, ahead=3)
    kept = Kept()
    run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=kept)
    trials = list(kept.saved.trials)
    lost = replace(trials[0], status="lost", metrics={}, key="", identity="")
    waiting = replace(trials[1], status="waiting", metrics={}, same_as=0, attempts=0)
    found = run(search, Inline(Digits(), OBJECTIVE), first, saved=Saved((lost, waiting))).history
    assert found[0].status == "lost" and found[1].done and found[1].same_as is None


def test_a_lost_trial_is_none_that_was_asked(space: Space) -> None:
    history, member = History(space, OBJECTIVE), space[0]
    history.put(Trial(0, member.key, member.derivation, "", 0, 1.0, "lost"))
    assert history.find(member) is None and not history.seen(member) and not history.under_way()
    with pytest.raises(ValueError, match="trial 0 is lost"):
        history.member(0)
    history.put(Trial(1, member.key, member.derivation, "", 0, 1.0, "waiting"), member)
    found = history.find(member)
    assert found is not None and found.number == 1 and history.member(1) is member


class Looking(Weighted):
    """Draws, once it has looked at all that is under way."""

    def ask(self, rng: Random) -> Proposal:
        """Return a draw."""
        for trial in self._history.under_way():
            assert self._history.member(trial.number).key == trial.key
        return super().ask(rng)


@pytest.mark.parametrize("strategy", [name for name in strategies() if name not in ("llm", "proxy")] + ["looking"])
@pytest.mark.parametrize("ahead", [1, 8])
def test_every_strategy_goes_on_without_trials_that_were_lost(
    space: Space, strategy: str, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(known.STRATEGIES, "looking", f"{__name__}:Looking")
    search = Search(space, OBJECTIVE, strategy, evaluations=12, ahead=ahead, seed=2)
    trials = list(run(search, Inline(Digits(), OBJECTIVE), by_key).history)
    for number in (2, 5, 9, 11):
        trials[number] = replace(LOST, number=number)
    trials[7] = replace(trials[7], status="running", metrics={})
    found = run(replace(search, evaluations=14), Inline(Digits(), OBJECTIVE), by_key, saved=Saved(trials)).history
    assert [trial.number for trial in found if trial.status == "lost"] == [2, 5, 9, 11]
    assert sum(trial.done for trial in found) == 14 and len(found) == 18


def test_a_trial_that_is_the_same_as_one_under_way_waits_for_it(space: Space) -> None:
    search = Search(space, OBJECTIVE, "random", evaluations=5)
    found = run(search, Shuffled(4, Random(3)), lambda proposal: proposal.member.key.split()[0]).history
    copies = [trial for trial in found if trial.same_as is not None]
    assert copies and all(trial.metrics == found[trial.same_as or 0].metrics for trial in copies)


def test_what_costs_too_much_touches_no_worker(space: Space) -> None:
    most = 2 * 160
    search = Search(space, OBJECTIVE, "random", evaluations=40, bounds=(Bound("params", high=most),))
    found = run(search, Inline(Digits(), OBJECTIVE), by_key).history
    refused = [trial for trial in found if trial.status == "refused"]
    done = [trial for trial in found if trial.done]
    assert refused and len(done) == 40 and not any(trial.attempts for trial in refused)
    for trial in found:
        assert trial.done == (found.member(trial.number).cost("params") <= most)
    assert "at most 320 wanted" in refused[0].reason


def test_given_architectures_come_first_and_the_strategy_learns_of_them(space: Space) -> None:
    best = max(space.sample(Random(0), 500), key=lambda member: Digits().read_key(member.key))
    search = Search(space, OBJECTIVE, "local", evaluations=10, given=(best, best, space[3]))
    found = run(search, Inline(Digits(), OBJECTIVE), by_key).history
    assert [found[0].key, found[1].key] == [best.key, space[3].key]
    assert found[2].origin["parents"] == [0]


def test_a_lost_worker_is_tried_again_three_times(space: Space) -> None:
    @dataclass
    class Losing:
        slots: int = 1
        seconds: float | None = None
        jobs: list[Job] = field(default_factory=list)

        def start(self, job: Job) -> None:
            self.jobs.append(job)

        def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
            job = self.jobs[-1]
            is_lost = job.number == 0 or job.attempt < 2
            return [(job.number, Outcome(reason="lost", retry=True) if is_lost else Outcome({"sum": 1.0}))]

        def close(self) -> None:
            pass

    evaluator = Losing()
    found = run(Search(space, OBJECTIVE, "random", evaluations=2), evaluator, by_key).history
    assert [job.number for job in evaluator.jobs] == [0, 0, 0, 1, 1]
    assert [trial.status for trial in found] == ["failed", "done"]
    assert len({job.seed for job in evaluator.jobs}) == 2


@pytest.mark.parametrize("limit", ["evaluations", "seconds", "ahead"])
def test_a_budget_of_nothing_is_refused(space: Space, limit: str) -> None:
    search = replace(Search(space, OBJECTIVE), **{limit: 0})
    with pytest.raises(ValueError, match=f"{limit}: expected more than 0, found 0"):
        run(search, Inline(Digits(), OBJECTIVE), by_key)


def test_time_ends_a_search(space: Space) -> None:
    result = run(Search(space, OBJECTIVE, seconds=0.2), Inline(Digits(), OBJECTIVE), by_key)
    assert result.stopped == "0.2 seconds" and 0 < len(result.history) < 15_625


def test_names_that_nothing_has_are_told_with_the_nearest(space: Space) -> None:
    context = Context(space, OBJECTIVE, History(space, OBJECTIVE))
    with pytest.raises(KeyError, match="no strategy is called 'evolutoin'; nearest: evolution"):
        named("evolutoin")
    with pytest.raises(KeyError, match="no setting of evolution is called 'populaton'; nearest: population"):
        make("evolution", context, {"populaton": 3})
    with pytest.raises(ValueError, match="population takes a whole number"):
        make("evolution", context, {"population": "many"})
    with pytest.raises(ValueError, match="1 <= sample <= population"):
        make("evolution", context, {"sample": 30})
    assert set(STRATEGIES) <= set(strategies())


def test_values_point_up_whatever_the_direction() -> None:
    both = Objective.of(maximize=["accuracy"], minimize=["params"])
    assert both.values({"accuracy": 0.5, "params": 3.0}) == (0.5, -3.0)
    assert both.lack({"accuracy": 0.5}) == "expected the metric params, found accuracy"
    assert both.lack({"accuracy": float("nan"), "params": 1.0}) == "expected a finite accuracy, found nan"
    with pytest.raises(ValueError, match="at least one metric"):
        Objective.of()


def test_the_front_is_what_nothing_dominates(space: Space) -> None:
    both = Objective.of(maximize=["sum"], minimize=["ones"])
    history = run(Search(space, both, "random", evaluations=150), Inline(Digits(), both), by_key).history
    front = history.front()
    values = [history.values(trial) for trial in history]
    for trial in history:
        own = history.values(trial)
        assert own is not None
        beaten = any(o is not None and o != own and o[0] >= own[0] and o[1] >= own[1] for o in values)
        assert beaten != any(history.values(other) == own for other in front)
