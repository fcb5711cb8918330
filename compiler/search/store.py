"""The store of a search: one SQLite file with one writer, in which no acknowledged trial is lost or read wrongly."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

from archc.search.about import About
from archc.search.lock import Lock
from archc.search.protocol import Json, Trial
from archc.search.rows import COLUMNS, TABLES, checksum, row_of

FORMAT = 1
"""The version of the tables; a store of a greater one is not touched."""

APPLICATION = 0x61726368
"""Marks the file as a store of archc in SQLite's header: "arch"."""

PAGES = 400
"""After so many pages the log is copied into the file."""

Connect = Callable[[str], sqlite3.Connection]


class StoreError(Exception):
    """A store could not be read or written; what it held before is still there."""


class Store:
    """A store that is open for writing. `save` returns when what it was given is on the disk."""

    __slots__ = ("_database", "_lock", "path")

    def __init__(self, path: Path, lock: Lock, database: sqlite3.Connection) -> None:
        self.path, self._lock, self._database = path, lock, database

    def save(self, trials: Sequence[Trial], told: int, state: Json) -> None:
        """Keep how these trials stand now, and the state, in one transaction.

        Raises StoreError where the disk does not take it, and then nothing of it was kept.
        """
        kept = json.dumps(state, separators=(",", ":"))
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(INSERT, [row_of(trial) for trial in trials])
            asked = self._database.execute("SELECT coalesce(max(number), -1) + 1 FROM trials").fetchone()[0]
            values = (1, asked, told, kept)
            self._database.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", (*values, checksum(values)))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise StoreError(
                f"{self.path} does not take more: {error}. What was acknowledged is kept; make room and resume"
            ) from error

    def _undo(self) -> None:
        if self._database.in_transaction:
            try:
                self._database.execute("ROLLBACK")
            except sqlite3.Error:
                self._database.close()

    def close(self) -> None:
        """Close the file and let another driver have it."""
        try:
            self._database.close()
        finally:
            self._lock.release()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


INSERT = f"INSERT OR REPLACE INTO trials VALUES ({', '.join('?' * len(COLUMNS))})"


def create(path: Path, about: About, *, connect: Connect = sqlite3.connect) -> Store:
    """Return a new store. Raises StoreError where there is a file of this name, or it cannot be written."""
    lock = _locked(path)
    try:
        if path.exists() and path.stat().st_size:
            raise StoreError(f"{path} is there already; resume it, or take another name")
        return Store(path, lock, _prepared(path, about, connect))
    except BaseException:
        lock.release()
        raise


def _locked(path: Path) -> Lock:
    try:
        return Lock.take(path)
    except BlockingIOError as busy:
        raise StoreError(f"{path} is in use by {busy}; one store has one driver at a time") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _prepared(path: Path, about: About, connect: Connect) -> sqlite3.Connection:
    try:
        database = _connected(path, connect)
        database.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            database.execute(table)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.executemany("INSERT INTO about VALUES (?, ?, ?)", _about_rows(about))
        values = (1, 0, 0, "null")
        database.execute("INSERT INTO state VALUES (?, ?, ?, ?, ?)", (*values, checksum(values)))
        database.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    return database


def _connected(path: Path, connect: Connect) -> sqlite3.Connection:
    database = connect(str(path))
    database.isolation_level = None
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA wal_autocheckpoint = {PAGES}")
    return database


def _about_rows(about: About) -> Iterable[tuple[str, str, bytes]]:
    entries: dict[str, Json] = {"format": FORMAT, "space": about.space, "fixed": about.fixed, "notes": about.notes}
    for key, value in entries.items():
        text = json.dumps(value, separators=(",", ":"), sort_keys=True)
        yield key, text, checksum((key, text))
