"""A lock beside a store: held by one process, and given back by the kernel however that ends."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Lock:
    """A lock that is held. Processes started by exec do not inherit it."""

    path: Path
    handle: int

    @classmethod
    def take(cls, store: Path) -> "Lock":
        """Return the lock of a store. Raises BlockingIOError with who holds it, OSError where there is no writing."""
        import fcntl

        path = store.with_name(store.name + "-lock")
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 200).decode(errors="replace").strip()
                os.close(handle)
                raise BlockingIOError(holder or "another process") from None
            if _is_there(path, handle):
                break
            os.close(handle)
        found = cls(path, handle)
        try:
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        except OSError:
            found.release()
            raise
        return found

    @staticmethod
    def is_held(store: Path) -> bool:
        """Return whether some process holds the lock of a store."""
        import fcntl

        try:
            handle = os.open(store.with_name(store.name + "-lock"), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def release(self) -> None:
        """Give it back; again does nothing."""
        if self.handle >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self.handle)
            self.handle = -1


def _is_there(path: Path, handle: int) -> bool:
    """Return whether the file that was locked still has the name: its last holder may have removed it meanwhile."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
