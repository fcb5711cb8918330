"""Workers: whatever an evaluation does, it ends with a reason, the next goes on, and no process is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from driver import OBJECTIVE, cells, searched
from searching import Digits
from test_search_store import marked

import archc
from archc.members import Space
from archc.search.jobs import Inline, Job, identify
from archc.search.loop import Search, run
from archc.search.protocol import Objective, Outcome, Proposal
from archc.search.tasks.base import task
from archc.search.workers import Fleet, WorkerError, WorkerLimits, Workers

PARAMS = Objective.of(maximize=["params"])
LIMITS = WorkerLimits(seconds=2.5, memory=300 * 2**20, output=2**20)

REASONS = {
    "memory": "out of memory",
    "tensor": "out of memory",
    "sleep": "it took longer than 2.5 s",
    "spin": "it took longer than 2.5 s",
    "stop": "it took longer than 2.5 s",
    "deaf": "it took longer than 2.5 s",
    "lock": "it took longer than 2.5 s",
    "family": "it took longer than 2.5 s",
    "crash": "it was ended by SIGSEGV",
    "leave": "it ended with code 3 and no metrics; its last words: the last words",
    "talk": "it wrote more than 1 MiB of output",
    "boast": "its metrics are longer than 1 MiB",
    "nan": "expected a finite params, found nan",
    "nothing": "expected the metric params, found none",
    "refuse": "ValueError: no luck today",
}


@pytest.fixture(scope="module")
def space() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return cells()


@pytest.fixture
def mark(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark all processes that the workers of a test begin; none may be left behind it."""
    name, value = "ARCHC_TEST_MARK", f"{os.getpid()} {request.node.name}"
    monkeypatch.setenv(name, value)
    yield f"{name}={value}"
    assert not marked(f"{name}={value}")


@pytest.fixture
def faulty(mark: str) -> Iterator[Workers]:
    """Return workers that do what the seed of a job says."""
    found = Workers("python:searching:Faulty", PARAMS, Fleet(2, LIMITS, threads=1))
    yield found
    found.close()


def outcomes(workers: Workers, jobs: list[Job]) -> dict[int, Outcome]:
    """Return the outcomes of jobs, begun as fast as there are slots."""
    waiting, found, under_way = list(jobs), dict[int, Outcome](), 0
    while waiting or under_way:
        while waiting and under_way < workers.slots:
            workers.start(waiting.pop(0))
            under_way += 1
        for number, outcome in workers.wait(60):
            found[number] = outcome
            under_way -= 1
    return found


def test_every_fault_is_the_reason_of_its_trial_and_the_next_goes_on(space: Space, faulty: Workers, mark: str) -> None:
    member = space[0]
    names = [*REASONS, "daemon", "well"]
    jobs = [Job(number, member, 1.0, seed_for(name)) for number, name in enumerate(names)]
    found = outcomes(faulty, jobs)
    for number, name in enumerate(names):
        assert found[number].reason.startswith(REASONS.get(name, "")), name
        assert found[number].done == (name in ("daemon", "well")), found[number]
        assert found[number].seconds < 8
    assert len(marked(mark)) == 1, "beside the process that forks, something is left"


def seed_for(name: str) -> int:
    """Return the seed for which the task does this."""
    from searching import FAULTS

    return list(FAULTS).index(name)


def test_what_kills_its_worker_is_given_to_another_and_then_fails(space: Space, mark: str) -> None:
    workers = Workers("python:searching:Killer", PARAMS, Fleet(2, LIMITS, threads=1))
    try:
        search = Search(space, PARAMS, "exhaustive", evaluations=4)
        found = run(search, workers, lambda proposal: proposal.member.key).history
    finally:
        workers.close()
    assert [trial.status for trial in found] == ["failed", "done", "done", "done"]
    assert found[0].attempts == 3 and found[0].reason == "its worker was lost"


def test_the_same_trials_with_workers_as_in_the_driver(space: Space) -> None:
    search = searched(space, 12, "evolution", 3)

    def by_key(proposal: Proposal) -> str:
        return identify(Digits(), proposal)

    workers = Workers("python:searching:Slow", OBJECTIVE, Fleet(3, threads=1))
    try:
        found = run(search, workers, by_key).history
    finally:
        workers.close()
    plain = run(search, Inline(Digits(), OBJECTIVE), by_key).history
    assert [(t.key, t.seed, t.metrics, t.origin) for t in found] == [
        (t.key, t.seed, t.metrics, t.origin) for t in plain
    ]


def test_a_module_that_is_trained_is_that_of_its_seed(space: Space, mark: str) -> None:
    workers = Workers("python:searching:Weights", PARAMS, Fleet(2, threads=1))
    try:
        jobs = [Job(number, space[15_000], 1.0, seed) for number, seed in enumerate((1, 1, 2))]
        found = outcomes(workers, jobs)
    finally:
        workers.close()
    first, again, other = (found[number].metrics for number in range(3))
    assert first == again != other
    assert first["params"] == space[15_000].cost("params") == other["params"]


JOINT = """arch 0.1
space Net(c: 8 | 16) : [4] -> [2] = linear(c) -> (relu | tanh) -> linear(2)
space Joint = { net = Net(8 | 16), train = { lr = log(1e-4 .. 1e-1), epochs = 1 | 2 | 4 }, tags = ["a", "b"] }
space Train = { epochs = 1 | 2 }
"""


def test_a_record_is_a_network_with_its_recipe(mark: str) -> None:
    joint = archc.loads(JOINT)["Joint"].space()
    objective = Objective.of(maximize=["epochs"])
    workers = Workers("python:searching:Reading", objective, Fleet(2, threads=1))
    made = task("python:searching:Reading")
    try:
        search = Search(joint, objective, "random", evaluations=6)
        found = run(search, workers, lambda proposal: identify(made, proposal)).history
    finally:
        workers.close()
    assert len({trial.identity for trial in found}) == 6
    for trial in found:
        value = found.member(trial.number)["train"]
        assert isinstance(value, dict)
        assert trial.metrics == {"epochs": value["epochs"], "lr": value["lr"], "tags": 2.0}


def test_a_record_without_a_network_fails_with_the_reason(mark: str) -> None:
    recipes = archc.loads(JOINT)["Train"].space()
    workers = Workers("python:searching:Reading", PARAMS)
    try:
        found = run(Search(recipes, PARAMS, "exhaustive"), workers, lambda proposal: proposal.member.key).history
    finally:
        workers.close()
    assert [trial.status for trial in found] == ["failed", "failed"]
    assert "a task takes one network, and a member of Train has 0" in found[0].reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("python:searching:Nobody", "the module searching has no Nobody"),
        ("python:nowhere:Nobody", "there is no module nowhere"),
        ("python:searching:decisions", "missing 1 required positional argument"),
        ("digit", "no task is called 'digit'; nearest: digits"),
        ("tabular", "expected tabular:PATH"),
    ],
)
def test_a_task_that_cannot_be_made_is_told_before_any_trial(name: str, words: str) -> None:
    with pytest.raises(WorkerError, match=words):
        Workers(name, PARAMS)


def test_a_class_that_is_no_task_is_refused() -> None:
    with pytest.raises(TypeError, match="is no task: expected `metrics` and `fit"):
        task("python:random:Random")


@pytest.mark.soak
def test_two_hundred_that_take_too_much_memory(
    space: Space, faulty: Workers, mark: str, record: Callable[[str], None]
) -> None:
    def taken() -> int:
        found = 0
        for pid in [os.getpid(), *marked(mark)]:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            found += next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) // 1024
        return found

    rng = Random(0)
    names = ["memory", "tensor"]
    before = taken()
    jobs = [Job(number, space[0], 1.0, seed_for(rng.choice(names))) for number in range(200)]
    begun = time.monotonic()
    found = outcomes(faulty, jobs)
    assert all(outcome.reason.startswith("out of memory") for outcome in found.values())
    growth = taken() - before
    assert growth < 50
    record(f"200 evaluations out of memory in {time.monotonic() - begun:.0f} s: {growth} MB of growth")


def test_closing_ends_what_is_under_way(space: Space, mark: str) -> None:
    workers = Workers("python:searching:Hanging", PARAMS, Fleet(2, WorkerLimits(None), threads=1))
    for number, name in enumerate(("family", "deaf")):
        workers.start(Job(number, space[0], 1.0, seed_for(name)))
    time.sleep(0.7)
    assert len(marked(mark)) > 2
    begun = time.monotonic()
    workers.close()
    assert time.monotonic() - begun < 10
    assert not marked(mark)


def test_a_nursery_that_is_killed_takes_its_children_along(space: Space, mark: str) -> None:
    workers = Workers("python:searching:Hanging", PARAMS, Fleet(2, WorkerLimits(None), threads=1))
    try:
        for number, name in enumerate(("deaf", "spin")):
            workers.start(Job(number, space[0], 1.0, seed_for(name)))
        time.sleep(0.7)
        before = marked(mark)
        assert len(before) == 3
        os.kill(min(before), signal.SIGKILL)
        found = dict(workers.wait(60))
        assert [outcome.retry for outcome in found.values()] == [True, True]
        assert not set(before) & set(marked(mark))
    finally:
        workers.close()
