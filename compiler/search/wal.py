"""The log beside an SQLite file -> whether SQLite would leave out something in it that was committed.

SQLite reads its log up to the first frame that does not verify, and drops the rest in silence (sqlite.org/fileformat2.html, 4.1).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")
MAGIC = 0x377F0682
NEAR = 2
"""Salts of an older run of the log are random; those that differ in so few bits are flipped ones of this run."""


def lost(path: Path) -> str | None:
    """Return what is wrong with the log of a store; None where there is none, or all that was committed can be read."""
    log = path.with_name(path.name + "-wal")
    data = log.read_bytes() if log.exists() else b""
    if len(data) <= HEADER.size:
        return None
    magic, _, page, _, *salts, first, second = HEADER.unpack_from(data)
    order = ">" if magic & 1 else "<"
    sums = _sums(order, data[: HEADER.size - 8], (0, 0))
    if magic & ~1 != MAGIC or sums != (first, second) or not 512 <= page <= 65536:
        return "the head of the log does not verify"
    broken = False
    for head, body in _frames(data, page):
        _, size, *own, one, two = FRAME.unpack(head)
        if not broken:
            new = _sums(order, body, _sums(order, head[:8], sums))
            if own == salts and new == (one, two):
                sums = new
                continue
        broken = True
        if size and _near(own, salts):
            return "a commit in the log does not verify"
    return None


def _frames(data: bytes, page: int) -> Iterator[tuple[bytes, bytes]]:
    step = FRAME.size + page
    for at in range(HEADER.size, len(data) - step + 1, step):
        yield data[at : at + FRAME.size], data[at + FRAME.size : at + step]


def _near(own: list[int], salts: list[int]) -> bool:
    return sum((a ^ b).bit_count() for a, b in zip(own, salts, strict=True)) <= NEAR


def _sums(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for left, right in zip(words[::2], words[1::2], strict=True):
        one = (one + left + two) & 0xFFFFFFFF
        two = (two + right + one) & 0xFFFFFFFF
    return one, two
