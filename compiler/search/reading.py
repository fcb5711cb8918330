"""A store -> what it holds, with all that is damaged named and none of it believed."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from archc.search.about import About
from archc.search.lock import Lock
from archc.search.loop import Saved
from archc.search.protocol import Json, Trial
from archc.search.rows import NONE, Cell, Damaged, checksum, together, trial_of, verified
from archc.search.store import APPLICATION, FORMAT, Store, StoreDamaged, StoreError, connected, create, locked
from archc.search.wal import lost
from archc.spaces.forest import Derivation

LOST = Trial(0, "", Derivation(()), "", 0, 1.0, "lost", reason="its row in the store could not be read")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds. `damage` names what could not be read; those trials are in `saved` as lost."""

    about: About
    saved: Saved
    damage: tuple[str, ...] = ()
    sums: tuple[bytes, ...] = ()


def read(path: Path) -> Contents:
    """Return what a store holds, also while a driver writes it.

    Raises StoreError where there is no store, one of a newer format, or none of it can be read.
    """
    _require_file(path)
    return _read(path, is_still=not Lock.is_held(path))


def _read(path: Path, *, is_still: bool) -> Contents:
    """Return what a store holds; if nobody writes it now, its log is looked at too."""
    _require_file(path)
    found = [wrong] if is_still and (wrong := lost(path)) is not None else []
    has_log = path.with_name(path.name + "-wal").exists()
    mode = "mode=ro&immutable=1" if is_still and not has_log else "mode=ro"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as database:
            return _contents(path, database, found)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise StoreError(
            f"{path} is a folder, and a store is one file" if path.is_dir() else f"there is no store {path}"
        )


def resume(path: Path, about: About, *, salvage: bool = False) -> tuple[Store, Contents]:
    """Return a store to go on with, and what it holds.

    Raises StoreError as `read` does, where another driver has it, where it is of another search, and where something is
    damaged; with `salvage`, what can be read goes into a new file, and the damaged one is kept beside it.
    """
    lock = locked(path)
    try:
        contents = _read(path, is_still=True)
        _require_same(path, contents.about, about)
        if contents.damage and not salvage:
            told = "; ".join(contents.damage[:3])
            raise StoreDamaged(
                f"{path} is damaged: {told}. Salvage what can be read, or take a copy of it from elsewhere"
            )
        if not contents.damage:
            return Store(path, lock, connected(path), contents.sums), contents
        lock.release()
        return _salvaged(path, contents), contents
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    except BaseException:
        lock.release()
        raise


def _require_same(path: Path, kept: About, wanted: About) -> None:
    if kept.space != wanted.space:
        old, new = kept.notes.get("where"), wanted.notes.get("where")
        where = f" where {old or 'all is allowed'}, found {new or 'no condition'}" if old != new else ""
        raise StoreError(f"{path} is of another space{where or ', or of another edition of it'}; take another name")
    for key in sorted({*kept.fixed, *wanted.fixed}):
        old, new = kept.fixed.get(key), json.loads(json.dumps(wanted.fixed.get(key)))
        if old != new:
            raise StoreError(f"{path} is of a search with {key} {old!r}, found {new!r}; take another name")


def _salvaged(path: Path, contents: Contents) -> Store:
    """Move a damaged store aside and return a new one with all that could be read of it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged{number}")).exists():
        number += 1
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(aside.with_name(aside.name + end))
    store = create(path, contents.about)
    store.save(contents.saved.trials, contents.saved.told, contents.saved.state)
    return store


# ---------------------------------------------------------------- reading
def _contents(path: Path, database: sqlite3.Connection, damage: list[str]) -> Contents:
    database.text_factory = bytes
    database.execute("BEGIN")
    _require_store(path, database)
    about = _about(path, database)
    state = _state(database, damage)
    found = dict(_trials(database, state[0] if state else None, damage))
    asked = max(state[0] if state else 0, max(found, default=-1) + 1)
    trials, sums = [], []
    for number in range(asked):
        trial, own = found.get(number, (None, NONE))
        trials.append(LOST if trial is None else trial)
        sums.append(own)
    missing = [number for number in range(asked) if number not in found]
    if missing:
        damage.append(f"{len(missing)} of {asked} trials: {', '.join(map(str, missing[:10]))}")
    elif state is not None and together(sums) != state[3]:
        damage.append("some trial is not as it was kept last")
    return _whole(about, trials, sums, state, damage)


def _whole(
    about: About,
    trials: Sequence[Trial],
    sums: Sequence[bytes],
    state: "_State | None",
    damage: Sequence[str],
) -> Contents:
    """Return the contents; where something is damaged, the state is not used: a new strategy is told what is left."""
    numbered = tuple(_numbered(trial, number) for number, trial in enumerate(trials))
    if state is None or damage:
        return Contents(about, Saved(numbered), tuple(damage), tuple(sums))
    return Contents(about, Saved(numbered, state[1], state[2], has_state=bool(trials)), (), tuple(sums))


def _numbered(trial: Trial, number: int) -> Trial:
    return replace(trial, number=number) if trial.status == "lost" else trial


def _require_store(path: Path, database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise StoreError(f"{path} is no store of archc")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise StoreError(f"{path} has format {version}, and this archc knows {FORMAT}; take the archc that made it")


def _text(row: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return a row with its text decoded: BLOB and TEXT both come as bytes, and the last column is the only BLOB."""
    return (*(value.decode() if isinstance(value, bytes) else value for value in row[:-1]), row[-1])


def _about(path: Path, database: sqlite3.Connection) -> About:
    entries: dict[str, Json] = {}
    for row in database.execute("SELECT key, value, checksum FROM about"):
        try:
            key, value = verified(_text(row))
        except (Damaged, UnicodeDecodeError):
            continue
        if isinstance(key, str) and isinstance(value, str):
            entries[key] = json.loads(value)
    match entries:
        case {"space": str() as space, "fixed": Mapping() as fixed, "notes": Mapping() as notes}:
            return About(space, fixed, notes)
    raise StoreError(f"{path} is damaged: it does not say of which search it is")


_State = tuple[int, int, Json, bytes]
"""How many trials were asked and told, the strategy's state, and all checksums together."""


def _state(database: sqlite3.Connection, damage: list[str]) -> _State | None:
    try:
        rows = database.execute("SELECT one, asked, told, state, together, checksum FROM state").fetchall()
    except sqlite3.DatabaseError:
        rows = []
    if len(rows) == 1:
        one, asked, told, state, joint, own = rows[0]
        if isinstance(state, bytes) and own == checksum((one, asked, told, _decoded(state), joint)):
            return asked, told, json.loads(state), joint
    damage.append("the state of the strategy")
    return None


def _decoded(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _trials(
    database: sqlite3.Connection, asked: int | None, damage: list[str]
) -> Iterator[tuple[int, tuple[Trial, bytes]]]:
    """Yield the trials that can be read, by number with their checksums; one by one where they cannot be read in a row."""
    last = -1
    try:
        for row in database.execute("SELECT * FROM trials ORDER BY number"):
            if isinstance(row[0], int):
                last = max(last, row[0])
            yield from _trial(row)
    except sqlite3.DatabaseError as error:
        damage.append(f"the table of trials ({error})")
        for number in range(asked if asked is not None else last + 1):
            try:
                found = database.execute("SELECT * FROM trials WHERE number = ?", (number,)).fetchall()
            except sqlite3.DatabaseError:
                continue
            for row in found:
                yield from _trial(row)


def _trial(row: Sequence[Cell]) -> Iterator[tuple[int, tuple[Trial, bytes]]]:
    try:
        trial = trial_of(_text(row))
    except (Damaged, UnicodeDecodeError):
        return
    own = row[-1]
    assert isinstance(own, bytes)
    yield trial.number, (trial, own)
