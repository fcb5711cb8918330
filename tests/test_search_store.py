"""The store: no acknowledged trial is lost and none is read wrongly, whatever ends the driver or alters the file."""

import ctypes
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from driver import OBJECTIVE, cells, searched
from searching import Digits

from archc.members import Space
from archc.search.about import about
from archc.search.jobs import Inline, identify
from archc.search.loop import Search, run
from archc.search.protocol import Objective, Proposal, Trial
from archc.search.reading import Contents, read, resume
from archc.search.store import FORMAT, StoreError, create, is_blank

HERE = Path(__file__).parent
TASK = "digits of the key"
TRIALS = 40


@pytest.fixture(scope="module")
def space() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return cells()


def by_key(proposal: Proposal) -> str:
    """Let no two members be one."""
    return identify(Digits(), proposal)


def fill(path: Path, search: Search) -> tuple[Trial, ...]:
    """Make a store of a whole search and return its trials."""
    with create(path, about(search, TASK)) as store:
        return tuple(run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=store).history)


def go_on(path: Path, search: Search, **how: bool) -> tuple[Trial, ...]:
    """Resume a search on its store and return its trials."""
    store, contents = resume(path, about(search, TASK), **how)
    with store:
        result = run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=store, saved=contents.saved)
    return tuple(result.history)


def essence(trials: tuple[Trial, ...]) -> list[Trial]:
    """Return trials without what depends on the clock and the worker."""
    return [replace(trial, asked=0.0, seconds=0.0, lease=0.0, attempts=0) for trial in trials]


# ---------------------------------------------------------------- as it should go
def test_what_was_kept_is_read(space: Space, tmp_path: Path) -> None:
    search = searched(space, TRIALS)
    trials = fill(tmp_path / "a.archdb", search)
    found = read(tmp_path / "a.archdb")
    assert found.saved.trials == trials and not found.damage
    assert found.about == about(search, TASK)
    assert [file.name for file in tmp_path.iterdir()] == ["a.archdb"]


def test_plain_sql_reads_it_too(space: Space, tmp_path: Path) -> None:
    trials = fill(tmp_path / "a.archdb", searched(space, TRIALS))
    database = sqlite3.connect(tmp_path / "a.archdb")
    query = "SELECT number FROM trials ORDER BY json_extract(metrics, '$.sum') DESC, number LIMIT 1"
    (best,) = database.execute(query).fetchone()
    database.close()
    assert trials[best].metrics["sum"] == max(trial.metrics["sum"] for trial in trials)


def test_a_store_is_read_while_it_is_written(space: Space, tmp_path: Path) -> None:
    search, seen = searched(space, 20), []

    def look(trial: Trial) -> None:
        found = read(tmp_path / "a.archdb")
        assert not found.damage
        assert found.saved.trials[trial.number] == trial
        seen.append(trial.number)

    with create(tmp_path / "a.archdb", about(search, TASK)) as store:
        run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=store, ended=look)
    assert seen == list(range(20))


def test_a_longer_search_goes_on(space: Space, tmp_path: Path) -> None:
    fill(tmp_path / "a.archdb", searched(space, 25))
    whole = fill(tmp_path / "b.archdb", searched(space, 50))
    assert essence(go_on(tmp_path / "a.archdb", searched(space, 50))) == essence(whole)


# ---------------------------------------------------------------- refused
def test_a_second_driver_is_refused(space: Space, tmp_path: Path) -> None:
    search = searched(space, 5)
    with create(tmp_path / "a.archdb", about(search, TASK)):
        with pytest.raises(StoreError, match=f"in use by process {os.getpid()} on .*one driver at a time"):
            resume(tmp_path / "a.archdb", about(search, TASK))
        with pytest.raises(StoreError, match="in use"):
            create(tmp_path / "a.archdb", about(search, TASK))
    assert len(go_on(tmp_path / "a.archdb", search)) == 5


def test_a_store_is_not_written_over(space: Space, tmp_path: Path) -> None:
    fill(tmp_path / "a.archdb", searched(space, 5))
    with pytest.raises(StoreError, match="there already; resume it"):
        create(tmp_path / "a.archdb", about(searched(space, 5), TASK))


def test_a_file_that_was_opened_and_never_written_is_no_store_yet(space: Space, tmp_path: Path) -> None:
    path = tmp_path / "a.archdb"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    assert path.stat().st_size
    assert len(fill(path, searched(space, 5))) == 5
    assert len(read(path).saved.trials) == 5


def test_a_store_of_another_space_or_search_is_refused(space: Space, tmp_path: Path) -> None:
    search = searched(space, 5)
    fill(tmp_path / "a.archdb", search)
    other = replace(space, sites=tuple(replace(site, shares=site.shares[::-1]) for site in space.sites[:-1]))
    for changed, words in (
        (replace(search, space=other), "is of another space"),
        (replace(search, seed=8), "seed 7, found 8"),
        (replace(search, strategy="local"), "strategy 'evolution', found 'local'"),
        (replace(search, objective=Objective.of(minimize=["sum"])), "objective 'maximize sum', found 'minimize sum'"),
    ):
        with pytest.raises(StoreError, match=words):
            resume(tmp_path / "a.archdb", about(changed, TASK))
    with pytest.raises(StoreError, match="task"):
        resume(tmp_path / "a.archdb", about(search, "another"))
    assert len(go_on(tmp_path / "a.archdb", search)) == 5


def test_what_is_no_store_or_newer_is_refused(space: Space, tmp_path: Path) -> None:
    path = tmp_path / "a.archdb"
    with pytest.raises(StoreError, match="there is no store"):
        read(path)
    path.write_bytes(b"a letter to a friend\n" * 300)
    with pytest.raises(StoreError, match="cannot be read"):
        read(path)
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE friends (name)")
    other.close()
    with pytest.raises(StoreError, match="is no store of archc"):
        read(path)
    path.unlink()
    fill(path, searched(space, 3))
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    database.close()
    with pytest.raises(StoreError, match=f"has format {FORMAT + 1}, and this archc knows {FORMAT}"):
        resume(path, about(searched(space, 3), TASK))


# ---------------------------------------------------------------- altered
def judge(path: Path, truth: Contents) -> str:
    """Return whether a store that was altered is read as it was, refused, or read with its damage told; else complain."""
    try:
        found = read(path)
    except StoreError:
        return "refused"
    if not found.damage:
        assert found.saved == truth.saved and found.about == truth.about, "damage in silence"
        return "the same"
    assert not found.saved.has_state
    for trial, true in zip(found.saved.trials, truth.saved.trials, strict=False):
        assert trial == true or trial.status in ("lost", "running", "waiting"), (trial, true, found.damage)
    return "told"


def flips(source: Path, truth: Contents, folder: Path, *, times: int, ends: tuple[str, ...]) -> dict[str, int]:
    """Return how often each answer came when one bit of a file of a store was flipped."""
    rng, seen = Random(times), {"refused": 0, "the same": 0, "told": 0}
    files = {
        end: source.with_name(source.name + end).read_bytes()
        for end in ("", "-wal")
        if source.with_name(source.name + end).exists()
    }
    for turn in range(times):
        path = folder / f"{turn}.archdb"
        end = ends[turn % len(ends)]
        bit = rng.randrange(8 * len(files[end]))
        for name, data in files.items():
            altered = bytearray(data)
            if name == end:
                altered[bit // 8] ^= 1 << bit % 8
            path.with_name(path.name + name).write_bytes(altered)
        seen[judge(path, truth)] += 1
        for file in folder.glob(f"{turn}.archdb*"):
            file.unlink()
    return seen


@pytest.fixture(scope="module")
def closed(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that was closed: all is in one file."""
    path = tmp_path_factory.mktemp("closed") / "a.archdb"
    fill(path, searched(space, TRIALS))
    return path


@pytest.fixture(scope="module")
def open_one(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store as a killed driver leaves it: most is in the log beside it."""
    folder = tmp_path_factory.mktemp("open")
    path, search = folder / "a.archdb", searched(space, TRIALS)
    with create(path, about(search, TASK)) as store:
        run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=store)
        (folder / "copy").mkdir()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", folder / "copy" / f"a.archdb{end}")
    return folder / "copy" / "a.archdb"


def test_flipped_bits_are_never_read_as_values(closed: Path, open_one: Path, tmp_path: Path) -> None:
    seen = flips(closed, read(closed), tmp_path, times=300, ends=("",))
    assert seen["told"] > 50, seen
    seen = flips(open_one, read(open_one), tmp_path, times=100, ends=("-wal",))
    assert seen["told"] > 30, seen


@pytest.mark.soak
def test_many_flipped_bits(closed: Path, open_one: Path, tmp_path: Path, record: Callable[[str], None]) -> None:
    one = flips(closed, read(closed), tmp_path, times=2001, ends=("",))
    other = flips(open_one, read(open_one), tmp_path, times=2001, ends=("-wal", ""))
    record(f"bits flipped in the file: {one}; in the file and its log: {other}")


def test_the_log_cut_short_is_a_shorter_search(open_one: Path, tmp_path: Path) -> None:
    """Bytes at the end of the log that were never written are no damage: they were not acknowledged."""
    truth = read(open_one).saved.trials
    log = open_one.with_name("a.archdb-wal").read_bytes()
    for turn, cut in enumerate(range(len(log) - 6_000, len(log), 613)):
        path = tmp_path / f"{turn}.archdb"
        shutil.copy(open_one, path)
        path.with_name(path.name + "-wal").write_bytes(log[:cut])
        found = read(path)
        for trial, true in zip(found.saved.trials, truth, strict=False):
            assert trial == true or not trial.ended
        assert not found.damage and len(found.saved.trials) >= TRIALS - 4


def test_a_damaged_store_goes_on_only_where_salvage_is_asked_for(space: Space, closed: Path, tmp_path: Path) -> None:
    path, search = tmp_path / "a.archdb", searched(space, TRIALS + 10)
    shutil.copy(closed, path)
    database = sqlite3.connect(path)
    database.execute("UPDATE trials SET metrics = '{\"sum\":1e9}' WHERE number IN (3, 17)")
    database.execute("DELETE FROM trials WHERE number = 20")
    database.commit()
    changed = database.total_changes
    database.close()
    assert changed == 3
    with pytest.raises(StoreError, match=r"is damaged: 3 of 40 trials: 3, 17, 20"):
        go_on(path, search)
    found = go_on(path, search, salvage=True)
    truth = read(closed).saved.trials
    lost = [trial.number for trial in found if trial.status == "lost"]
    assert lost == [3, 17, 20]
    assert all(found[number] == truth[number] for number in range(TRIALS) if number not in lost)
    assert sum(trial.done for trial in found) == TRIALS + 10
    assert (tmp_path / "a.archdb.damaged1").exists()
    assert read(path).saved.trials == found and not read(path).damage


# ---------------------------------------------------------------- writes that do not go through
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>
static long left = -1;
static int why = 28;
void fail_after(long writes, int error) { left = writes; why = error; }
static int fails(void) { if (left < 0) return 0; if (left == 0) { errno = why; return 1; } left--; return 0; }
ssize_t pwrite64(int f, const void *b, size_t n, off_t o) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite64"); return fails() ? -1 : real(f, b, n, o); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite"); return fails() ? -1 : real(f, b, n, o); }
int fsync(int f) { static int (*real)(int); if (!real) real = dlsym(RTLD_NEXT, "fsync"); return fails() ? -1 : real(f); }
int fdatasync(int f) {
  static int (*real)(int); if (!real) real = dlsym(RTLD_NEXT, "fdatasync"); return fails() ? -1 : real(f); }
"""


def failing_writes(folder: Path, counts: range) -> str:
    """Run this file in a process in which the k-th write of SQLite fails, for each k; return what it prints."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    source, shim = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True, timeout=60)
    words = [str(counts.start), str(counts.stop), str(counts.step)]
    done = subprocess.run(
        [sys.executable, __file__, str(folder), *words],
        env={
            **os.environ,
            "LD_PRELOAD": str(shim),
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def fail_each(folder: Path, counts: range) -> None:
    """For each k: let all writes from the k-th on fail, then go on without; nothing acknowledged may be missing."""
    shim = ctypes.CDLL(str(folder / "shim.so"))
    search = searched(cells(), 30)
    whole = essence(fill(folder / "whole.archdb", search))
    failed = 0
    for count in counts:
        path, acknowledged = folder / f"{count}.archdb", list[Trial]()
        shim.fail_after(ctypes.c_long(count), ctypes.c_int((5, 28)[count % 2]))
        try:
            with create(path, about(search, TASK)) as store:
                run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=store, ended=acknowledged.append)
        except StoreError as error:
            assert str(path) in str(error)
            failed += 1
        shim.fail_after(ctypes.c_long(-1), ctypes.c_int(0))
        try:
            kept = read(path)
        except StoreError:
            assert not acknowledged
            path.unlink(missing_ok=True)
            found = fill(path, search)
        else:
            assert not kept.damage
            assert [kept.saved.trials[trial.number] for trial in acknowledged] == acknowledged
            found = go_on(path, search)
        assert essence(found) == whole, count
    print(f"{failed} of {len(counts)} searches ended by a write")


def test_a_disk_that_takes_no_more_loses_nothing(tmp_path: Path) -> None:
    assert "searches ended by a write" in failing_writes(tmp_path, range(0, 200, 17))


@pytest.mark.soak
def test_every_write_that_can_fail(tmp_path: Path, record: Callable[[str], None]) -> None:
    record(failing_writes(tmp_path, range(201)).strip())


# ---------------------------------------------------------------- kill -9
def marked(mark: str) -> list[int]:
    """Return the processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


class Drivers:
    """Begins drivers, each a process of its own, and kills them."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
        self._server = subprocess.Popen(
            [sys.executable, str(HERE / "driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, path: Path, trials: int, workers: int, *, kill: tuple[int, float] | None = None) -> dict[str, str]:
        """Return the sums of the trials that a driver acknowledged, by number, when it has ended.

        With `kill`, that is by SIGKILL, so many seconds after so many trials; before the search begins where it is -1 trials.
        """
        assert self._server.stdin is not None
        self._server.stdin.write(f"{path} {trials} {workers} evolution\n")
        self._server.stdin.flush()
        pid = int(self._line().removeprefix("pid "))
        told: dict[str, str] = {}
        left = -2 if kill is None else kill[0] + 1
        while True:
            if left == 0 and kill is not None:
                time.sleep(kill[1])
                os.kill(pid, signal.SIGKILL)
            left -= 1
            match self._line().split():
                case ["begun"]:
                    pass
                case ["ended", code]:
                    assert code == ("0" if kill is None else "-9")
                    return told
                case [number, value]:
                    assert number not in told
                    told[number] = value
                case other:
                    pytest.fail(f"a driver wrote {other}")

    def _line(self) -> str:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, "no driver can be begun"
        return line

    def close(self) -> None:
        """End."""
        self._server.communicate()


@pytest.fixture(scope="module")
def drivers() -> Iterator[Drivers]:
    """Return what begins drivers."""
    found = Drivers()
    yield found
    found.close()


ENDLESS = 10_000
"""Trials of a driver that is killed long before."""


def kill_and_resume(drivers: Drivers, path: Path, *, workers: int, kills: int, rng: Random) -> tuple[int, int]:
    """Kill drivers at random points, then let one end; return how many trials were acknowledged, and how many there are."""
    acknowledged: dict[str, str] = {}
    trials = 10
    for turn in range(kills + 1):
        point = rng.randrange(-1, 10), rng.random() * (0.1 if workers else 0.01)
        is_last = turn == kills
        told = drivers.run(path, trials if is_last else ENDLESS, workers, kill=None if is_last else point)
        assert not set(told) & set(acknowledged), "a trial that was acknowledged was evaluated again"
        assert len(told) >= 10 or not is_last, "the search does not go on"
        acknowledged |= told
        require_end(f"ARCHC_TEST_MARK={path}")
        if is_blank(path):
            assert not acknowledged
            continue
        found = read(path)
        assert not found.damage
        for number, value in acknowledged.items():
            assert str(found.saved.trials[int(number)].metrics.get("sum")) == value
        trials = sum(trial.same_as is None for trial in found.saved.trials) + 10
    assert all(trial.done for trial in found.saved.trials)
    return len(acknowledged), trials - 10


def require_end(mark: str) -> None:
    """Wait for the end of all processes with a mark in their environment."""
    deadline = time.monotonic() + 30
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not marked(mark), "a process is left over"


def test_kill_in_the_middle_loses_nothing(space: Space, drivers: Drivers, tmp_path: Path) -> None:
    for turn in range(2):
        path = tmp_path / f"{turn}.archdb"
        told, trials = kill_and_resume(drivers, path, workers=0, kills=3, rng=Random(turn))
        assert told >= trials - 3, "each kill can come between a save and what is told of it"
        whole = run(searched(space, trials), Inline(Digits(), OBJECTIVE), by_key).history
        assert essence(read(path).saved.trials) == essence(tuple(whole)), "resumed is not as without the kill"


def test_kill_with_workers_leaves_no_process(drivers: Drivers, tmp_path: Path) -> None:
    told, trials = kill_and_resume(drivers, tmp_path / "a.archdb", workers=2, kills=1, rng=Random(5))
    assert trials - 2 <= told <= trials


@pytest.mark.soak
def test_two_hundred_kills(drivers: Drivers, tmp_path: Path, record: Callable[[str], None]) -> None:
    rng = Random(0)
    found = [
        kill_and_resume(drivers, tmp_path / f"{turn}.archdb", workers=workers, kills=10, rng=rng)
        for turn, workers in enumerate([0] * 15 + [4] * 5)
    ]
    told, trials = sum(told for told, _ in found), sum(trials for _, trials in found)
    assert told >= trials - 15 * 10 - 5 * 10 * 4, "only what was under way at a kill can be without a word"
    record(f"200 kills, 50 of them with 4 workers: all of {told} acknowledged trials kept, no process left")


if __name__ == "__main__":
    fail_each(Path(sys.argv[1]), range(*map(int, sys.argv[2:5])))
