"""What every test run begins with, and the record that `make soak` leaves."""

import os
import platform
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("archc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("archc")
"""Tests assert nothing on wall time: a machine with other work fails none of them."""

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.pop("NO_COLOR", None)
os.environ["COLUMNS"] = "100"

SOAK = Path(__file__).parent.parent / "docs" / "soak.md"
HEAD = """\
# What soaked

Written by `make soak` when every test of it passed: {machine}

| test | took | what was seen |
|---|---|---|
"""


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that notes what a long test saw; `make soak` writes it into docs/soak.md."""

    def note(text: str) -> None:
        request.node.user_properties.append(("seen", text))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Write docs/soak.md after a run of all long tests in which all passed."""
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("keyword")
    if config.getoption("markexpr") != "soak" or exitstatus != 0 or not is_whole:
        return
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    rows = []
    for report in sorted(reports, key=lambda report: str(report.nodeid)):
        seen = "; ".join(text for name, text in report.user_properties if name == "seen")
        rows.append(f"| `{report.nodeid.rpartition('::')[2]}` | {report.duration:.0f} s | {seen} |\n")
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}."
    SOAK.write_text(HEAD.format(machine=machine) + "".join(rows), encoding="utf-8")
