"""What Linux is asked about processes; elsewhere these do nothing, and limits are those of the clock and the group."""

import os
import signal
import sys
from pathlib import Path

_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36
"""Numbers of prctl(2)."""

_IS_LINUX = sys.platform == "linux"


def _prctl(option: int, value: int) -> None:
    if _IS_LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    """Let the kernel end this process when the thread that began it ends."""
    _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def live_freely() -> None:
    """Take `die_with_parent` back."""
    _prctl(_SET_DEATH_SIGNAL, 0)


def become_subreaper() -> None:
    """Let all that the children of this process leave behind become its own children."""
    _prctl(_SET_SUBREAPER, 1)


def be_first_to_go() -> None:
    """Let the kernel end this process before others when memory runs out."""
    if _IS_LINUX:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def children_of(pid: int) -> list[int]:
    """Return the processes that a process began, and those that came to it; none where it is gone."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found.extend(map(int, (thread / "children").read_text(encoding="ascii").split()))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def own_memory(pid: int) -> int:
    """Return the bytes of memory that a process has and no file backs; 0 where it is gone."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def limit_memory(more: int) -> None:
    """Let this process take at most so many bytes of its own more than it has."""
    if not _IS_LINUX:
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (held + more, held + more))


def write_no_core() -> None:
    """Let this process leave no core file when it crashes."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
