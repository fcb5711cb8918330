"""Workers on Ray: the same trials as local workers, and lost ones are begun again."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from driver import OBJECTIVE, cells, searched
from searching import Digits

from archc.search.cluster import LOCAL, ClusterError, OnRay
from archc.search.jobs import Inline, Job, identify
from archc.search.loop import run
from archc.search.workers import Fleet, WorkerLimits

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'archc[ray]'")
LIMITS = Fleet(2, WorkerLimits(60.0), threads=1)
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of which there are many


def outcomes(found: object) -> list[tuple[str, float]]:
    """Return what was tried and what came of it."""
    from archc.search.loop import Result

    assert isinstance(found, Result)
    return [(trial.key, trial.metrics["sum"]) for trial in found.history]


@pytest.fixture(scope="module")
def on_ray() -> Iterator[OnRay]:
    """Return slots on a cluster of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        made = OnRay("python:searching:Slow", OBJECTIVE, LIMITS, LOCAL)
        yield made
        made.close()


@needs_ray
def test_in_order_a_cluster_makes_the_trials_of_this_process(on_ray: OnRay) -> None:
    search = searched(cells(), 8, "evolution", 2)
    whole = run(search, Inline(Digits(), OBJECTIVE), lambda found: identify(Digits(), found))
    found = run(search, on_ray, lambda found: identify(Digits(), found))
    assert outcomes(found) == outcomes(whole)


@needs_ray
def test_a_worker_that_is_lost_is_begun_again(on_ray: OnRay) -> None:
    import ray

    job = Job(0, cells()[1], 1.0, 0)
    on_ray.start(job)
    ((_, actor),) = on_ray._under_way.values()
    ray.kill(actor)
    ((number, outcome),) = on_ray.wait()
    assert number == 0 and outcome.retry and "was lost" in outcome.reason
    on_ray.start(job)
    on_ray.start(Job(1, cells()[2], 1.0, 0))
    ended: dict[int, bool] = {}
    while len(ended) < 2:
        ended.update({number: outcome.done for number, outcome in on_ray.wait()})
    assert ended == {0: True, 1: True}


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ClusterError, match="not installed") as raised:
        OnRay("digits", OBJECTIVE, LIMITS, LOCAL)
    assert "archc[ray]" in raised.value.hint
