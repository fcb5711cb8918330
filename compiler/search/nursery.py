"""A process that loads a task once and forks a child for each evaluation, which it watches and ends.

It reads jobs as JSON lines from its input and writes outcomes to its output. When its input ends, as when the driver is
killed, it ends all that it forked and itself. What children leave behind comes to it (a subreaper), and is ended too.
"""

import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from archc.search.brought import BroughtError, told
from archc.search.child import Commands, conceive
from archc.search.kernel import become_subreaper, children_of, die_with_parent, live_freely, own_memory
from archc.search.tasks.base import AnyTask, Reader, task

TICK = 0.05
"""Seconds between two looks at the memory and the time of the children."""

MOST_ANSWER = 2**20
"""Bytes that the answer of one child may have."""

KEPT = 1000
"""Bytes of the end of a child's output that are kept for a reason."""


@dataclass(slots=True)
class Child:
    """One evaluation under way."""

    number: int
    pid: int
    begun: float
    answer_pipe: int
    output_pipe: int
    answer: bytes = b""
    written: int = 0
    tail: bytes = b""
    reason: str = ""
    open_pipes: set[int] = field(default_factory=set)


def main() -> None:
    """Make the task that the first line names, then evaluate until the input ends."""
    die_with_parent()
    output = os.dup(1)
    os.dup2(2, 1)
    config = json.loads(_first_line())
    sys.path[:] = config["path"]
    made = _made(config["task"], output)
    if made is None:
        return
    live_freely()
    become_subreaper()
    _write(output, {"ready": True})
    try:
        _Nursery(made, config, output).run()
    finally:
        os._exit(0)  # torch takes more than a second to leave in good order


def _first_line() -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        found += byte
    return found


def _made(name: str, output: int) -> AnyTask | None:
    """Return the task, with torch loaded once for all children that train; a reader loads itself what it needs."""
    try:
        found = task(name)
    except Exception as error:  # noqa: BLE001  a user's task may raise anything; the driver says so and ends
        _write(output, {"broken": str(error) if isinstance(error, BroughtError) else told(error)})
        return None
    if not isinstance(found, Reader):
        try:
            import torch  # noqa: F401
        except ImportError:
            _write(output, {"broken": "training needs torch; try  pip install 'archc[torch]'"})
            return None
    return found


def _write(output: int, entry: Mapping[str, object]) -> None:
    data = json.dumps(entry).encode() + b"\n"
    while data:
        data = data[os.write(output, data) :]


class _Nursery:
    """The children under way, by process."""

    def __init__(self, made: AnyTask, config: Mapping[str, object], output: int) -> None:
        self.task, self.config, self.output = made, config, output
        self.children: dict[int, Child] = {}
        self.selector = selectors.DefaultSelector()
        self.read = b""
        self.is_open = True
        seconds, memory, most = config["seconds"], config["memory"], config["output"]
        self.seconds = float(seconds) if isinstance(seconds, int | float) else None
        self.memory = memory if isinstance(memory, int) else None
        self.most = most if isinstance(most, int) else 2**24
        self.base = own_memory(os.getpid())

    def run(self) -> None:
        """Evaluate until the input ends; then end everything."""
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ)
        try:
            while self.is_open:
                for key, _ in self.selector.select(TICK if self.children else None):
                    self._receive(key.fd, key.data)
                for child in list(self.children.values()):
                    self._look(child)
        except BrokenPipeError:
            pass
        finally:
            for child in self.children.values():
                _kill(child.pid)
            _end_strays(set())

    def _receive(self, handle: int, child: Child | None) -> None:
        try:
            data = os.read(handle, 1 << 16)
        except BlockingIOError:
            return
        if child is None:
            self._command(data)
            return
        if not data:
            self._close(child, handle)
        elif handle == child.answer_pipe:
            child.answer += data
            if len(child.answer) > MOST_ANSWER:
                self._end(child, f"its metrics are longer than {_mib(MOST_ANSWER)}")
        else:
            child.written += len(data)
            child.tail = (child.tail + data)[-KEPT:]
            if child.written > self.most:
                self._end(child, f"it wrote more than {_mib(self.most)} of output")

    def _command(self, data: bytes) -> None:
        if not data:
            self.is_open = False
            return
        *lines, self.read = (self.read + data).split(b"\n")
        for line in lines:
            self._begin(json.loads(line))

    def _begin(self, entry: Mapping[str, object]) -> None:
        number = entry["number"]
        assert isinstance(number, int)
        born = conceive(self.task, Commands(entry, str(self.config["device"]), self.memory))
        child = Child(number, born.pid, time.monotonic(), born.answer, born.output)
        self.children[born.pid] = child
        for handle in (born.answer, born.output):
            os.set_blocking(handle, False)
            self.selector.register(handle, selectors.EVENT_READ, child)
            child.open_pipes.add(handle)

    def _look(self, child: Child) -> None:
        """End a child that takes too much, and tell of one that has ended."""
        if not child.reason:
            if self.seconds is not None and time.monotonic() - child.begun > self.seconds:
                self._end(child, f"it took longer than {self.seconds:g} s")
            elif self.memory is not None and self._taken(child) > self.memory:
                self._end(child, f"out of memory: it took more than {_mib(self.memory)}")
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0:
            return
        del self.children[child.pid]
        _kill(child.pid)
        _end_strays(set(self.children))
        self._drain(child)
        _write(self.output, {"number": child.number, "seconds": time.monotonic() - child.begun, **_told(child, status)})

    def _taken(self, child: Child) -> int:
        """Return the bytes of memory of a child and all below it, without what it shares with this process."""
        found, waiting = 0, [child.pid]
        while waiting:
            pid = waiting.pop()
            found += max(0, own_memory(pid) - self.base)
            waiting.extend(children_of(pid))
        return found

    def _end(self, child: Child, reason: str) -> None:
        child.reason = child.reason or reason
        _kill(child.pid)

    def _drain(self, child: Child) -> None:
        for handle in list(child.open_pipes):
            with suppress(BlockingIOError):
                while handle in child.open_pipes and not child.reason:
                    data = os.read(handle, 1 << 16)
                    if not data:
                        break
                    if handle == child.answer_pipe:
                        child.answer += data
                    else:
                        child.tail = (child.tail + data)[-KEPT:]
            self._close(child, handle)

    def _close(self, child: Child, handle: int) -> None:
        if handle in child.open_pipes:
            child.open_pipes.discard(handle)
            self.selector.unregister(handle)
            os.close(handle)


def _mib(many: int) -> str:
    return f"{many / 2**20:.4g} MiB"


def _told(child: Child, status: int) -> Mapping[str, object]:
    """Return the metrics of a child that has ended, or why it has none."""
    if child.reason:
        return {"reason": child.reason}
    try:
        found = json.loads(child.answer)
    except ValueError:
        found = None
    if isinstance(found, dict) and ("metrics" in found or "reason" in found):
        return found
    code = os.waitstatus_to_exitcode(status)
    ended = f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code} and no metrics"
    tail = child.tail.decode(errors="replace").strip()
    return {"reason": f"{ended}{f'; its last words: {tail}' if tail else ''}"}


def _kill(group: int) -> None:
    """End a process and all of its group."""
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            end(group, signal.SIGKILL)


def _end_strays(known: set[int]) -> None:
    """End what children have left behind: processes that came to this one, and those below them."""
    for _ in range(100):
        strays = [pid for pid in children_of(os.getpid()) if pid not in known]
        if not strays:
            return
        for pid in strays:
            _kill(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
