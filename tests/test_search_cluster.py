"""Workers on Ray: the same trials as local workers, and lost ones are begun again."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from driver import OBJECTIVE, cells, searched
from searching import Digits

from archc.search.cluster import LOCAL, ClusterError, OnRay
from archc.search.jobs import Inline, identify
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


@needs_ray
def test_in_order_a_cluster_makes_the_trials_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    search = searched(cells(), 8, "evolution", 2)
    whole = run(search, Inline(Digits(), OBJECTIVE), lambda found: identify(Digits(), found))
    on_ray = OnRay("python:searching:Slow", OBJECTIVE, LIMITS, LOCAL)
    try:
        found = run(search, on_ray, lambda found: identify(Digits(), found))
    finally:
        on_ray.close()
    assert outcomes(found) == outcomes(whole)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ClusterError, match="not installed") as raised:
        OnRay("digits", OBJECTIVE, LIMITS, LOCAL)
    assert "archc[ray]" in raised.value.hint
