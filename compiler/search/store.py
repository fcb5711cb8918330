"""The store of a search: one SQLite file with one writer, in which no acknowledged trial is lost or read wrongly."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from archc.search.about import About
from archc.search.lock import Lock
from archc.search.protocol import Json, Trial
from archc.search.rows import COLUMNS, NONE, TABLES, Cell, checksum, row_of, together

FORMAT = 1
"""The version of the tables; a store of a greater one is not touched."""

APPLICATION = 0x61726368
"""Marks the file as a store of archc in SQLite's header: "arch"."""

PAGES = 400
"""After so many pages the log is copied into the file."""

Connect = Callable[[str], sqlite3.Connection]


class StoreError(Exception):
    """A store could not be read or written; what it held before is still there."""


class InUse(StoreError):
    """Another driver has the store."""


class StoreDamaged(StoreError):
    """Some of a store cannot be read, and the rest can be salvaged."""


class Store:
    """A store that is open for writing. `save` returns when what it was given is on the disk."""

    __slots__ = ("_database", "_joint", "_lock", "_sums", "path")

    def __init__(self, path: Path, lock: Lock, database: sqlite3.Connection, sums: Sequence[bytes] = ()) -> None:
        self.path, self._lock = path, lock
        self._database: sqlite3.Connection | None = database
        self._sums = list(sums)
        self._joint = int.from_bytes(together(sums))

    def save(self, trials: Sequence[Trial], told: int, state: Json) -> None:
        """Keep how these trials stand now, and the state, in one transaction.

        Raises StoreError where the disk does not take it, and from then on: a new driver has to resume.
        """
        if self._database is None:
            raise StoreError(f"{self.path} did not take the last write; resume it")
        rows = [row_of(trial) for trial in trials]
        joint = self._joined(rows)
        values = (1, len(self._sums), told, json.dumps(state, separators=(",", ":")), joint)
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(INSERT, rows)
            self._database.execute(INSERT_STATE, (*values, checksum(values)))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._drop()
            raise StoreError(
                f"{self.path} does not take more: {error}. What was acknowledged is kept; make room and resume"
            ) from error

    def _joined(self, rows: Sequence[Sequence[Cell]]) -> bytes:
        """Return the checksums of all rows together, once these take the place of those of their numbers."""
        for row in rows:
            match row:
                case (int() as number, *_, bytes() as own):
                    if number == len(self._sums):
                        self._sums.append(NONE)
                    self._joint ^= int.from_bytes(self._sums[number]) ^ int.from_bytes(own)
                    self._sums[number] = own
                case _:
                    raise AssertionError(row)
        return self._joint.to_bytes(len(NONE))

    def _drop(self) -> None:
        """Leave the file: SQLite takes back what was begun, now or when the file is opened again."""
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()

    def close(self) -> None:
        """Copy the log into the file, which then is the whole store even where a reader is about; let another driver have it."""
        if self._database is not None:
            _copy_log(self._database)
        self._drop()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


INSERT_STATE = "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)"
INSERT = f"INSERT OR REPLACE INTO trials VALUES ({', '.join('?' * len(COLUMNS))})"


def is_blank(path: Path) -> bool:
    """Return whether there is no file of this name, or one without any table, as a driver leaves it that ends at once."""
    if not path.exists() or not path.stat().st_size:
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        return False
    return bool(tables == 0)


def create(path: Path, about: About, *, connect: Connect = sqlite3.connect) -> Store:
    """Return a new store. Raises StoreError where there is a file of this name, or it cannot be written."""
    lock = locked(path)
    try:
        if not is_blank(path):
            raise StoreError(f"{path} is there already; resume it, or take another name")
        return Store(path, lock, _prepared(path, about, connect))
    except BaseException:
        lock.release()
        raise


def locked(path: Path) -> Lock:
    """Return the lock of a store. Raises StoreError where another driver has it, or the folder takes no file."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder, and a store is one file")
    try:
        return Lock.take(path)
    except BlockingIOError as busy:
        raise InUse(f"{path} is in use by {busy}; one store has one driver at a time") from None
    except OSError as error:
        if not path.parent.is_dir():
            raise StoreError(f"{path} cannot be written: there is no folder {path.parent}") from error
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _prepared(path: Path, about: About, connect: Connect) -> sqlite3.Connection:
    try:
        database = connected(path, connect)
        database.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            database.execute(table)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.executemany("INSERT INTO about VALUES (?, ?, ?)", _about_rows(about))
        values = (1, 0, 0, "null", NONE)
        database.execute(INSERT_STATE, (*values, checksum(values)))
        database.execute("COMMIT")
        _copy_log(database)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    return database


def _copy_log(database: sqlite3.Connection) -> None:
    """Copy the log into the file. Where the disk does not take it, it stays in the log, and nothing is lost."""
    with suppress(sqlite3.Error):
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def connected(path: Path, connect: Connect = sqlite3.connect) -> sqlite3.Connection:
    """Return a connection that writes as a store has to. Raises sqlite3.Error."""
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
