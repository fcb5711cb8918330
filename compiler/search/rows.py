"""A trial <-> a row of the store with a checksum over all of it."""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import get_args

from archc.search.protocol import Json, Status, Trial
from archc.spaces.forest import Derivation

COLUMNS = (
    "number INTEGER PRIMARY KEY",
    "key TEXT NOT NULL",
    "derivation TEXT NOT NULL",
    "identity TEXT NOT NULL",
    "seed INTEGER NOT NULL",
    "fidelity REAL NOT NULL",
    "status TEXT NOT NULL",
    "metrics TEXT NOT NULL",
    "reason TEXT NOT NULL",
    "origin TEXT NOT NULL",
    "same_as INTEGER",
    "attempts INTEGER NOT NULL",
    "asked REAL NOT NULL",
    "seconds REAL NOT NULL",
    "lease REAL NOT NULL",
    "checksum BLOB NOT NULL",
)
"""The columns of a trial; derivation, metrics and origin are JSON."""

TABLES = (
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL)",
    f"CREATE TABLE trials ({', '.join(COLUMNS)})",
    (
        "CREATE TABLE state (one INTEGER PRIMARY KEY, asked INTEGER NOT NULL, told INTEGER NOT NULL, state TEXT NOT NULL, "
        "together BLOB NOT NULL, checksum BLOB NOT NULL)"
    ),
)

Cell = None | int | float | str | bytes


NONE = bytes(16)
"""All checksums of no rows, together."""


class Damaged(Exception):
    """A row does not have the checksum that it says, or is no row of this table."""


def checksum(values: Sequence[Cell]) -> bytes:
    """Return 16 bytes that depend on each value and its type."""
    return blake2b(repr(tuple(values)).encode(errors="surrogateescape"), digest_size=16).digest()


def together(sums: Sequence[bytes]) -> bytes:
    """Return one value for the checksums of all rows: it tells where a row is missing, or is one that was replaced."""
    found = 0
    for own in sums:
        found ^= int.from_bytes(own)
    return found.to_bytes(len(NONE))


def row_of(trial: Trial) -> tuple[Cell, ...]:
    """Return the row of a trial."""
    values = (
        trial.number,
        trial.key,
        _text([trial.derivation.edges, trial.derivation.reals]),
        trial.identity,
        trial.seed,
        float(trial.fidelity),
        trial.status,
        _text(trial.metrics),
        trial.reason,
        _text(trial.origin),
        trial.same_as,
        trial.attempts,
        float(trial.asked),
        float(trial.seconds),
        float(trial.lease),
    )
    return (*values, checksum(values))


def trial_of(row: Sequence[Cell]) -> Trial:
    """Return the trial of a row. Raises Damaged where it is not as it was written."""
    values = verified(row)
    match values:
        case (
            int() as number,
            str() as key,
            str() as derivation,
            str() as identity,
            int() as seed,
            float() as fidelity,
            str() as status,
            str() as metrics,
            str() as reason,
            str() as origin,
            None | int() as same_as,
            int() as attempts,
            float() as asked,
            float() as seconds,
            float() as lease,
        ):
            edges, reals = json.loads(derivation)
            return Trial(
                number,
                key,
                Derivation(tuple(edges), tuple(reals)),
                identity,
                seed,
                fidelity,
                _status(status),
                json.loads(metrics),
                reason,
                json.loads(origin),
                same_as,
                attempts,
                asked,
                seconds,
                lease,
            )
    raise Damaged(f"no row of a trial: {values!r:.100}")


def verified(row: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the values of a row without its checksum. Raises Damaged where they do not have it."""
    values = tuple(row[:-1])
    if row[-1] != checksum(values):
        raise Damaged("its checksum is of other values")
    return values


def _status(text: str) -> Status:
    for status in get_args(Status):
        if status == text:
            found: Status = status
            return found
    raise Damaged(f"its status is {text!r}")


def _text(value: Json | Mapping[str, float]) -> str:
    return json.dumps(value, separators=(",", ":"))
