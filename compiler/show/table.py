"""Rows of names, shapes and sizes -> a table that fits a width."""

from collections.abc import Sequence

from archc.sizes.size import Size

Line = tuple[str, str, tuple[Size, ...]]
HEAD = ("layer", "output", "params", "MACs", "FLOPs", "memory")
GAP = "  "
FORMULA = 16


def table(lines: Sequence[Line], total: Line, *, width: int) -> str:
    """Return `lines` under a head and above `total`; what does not fit ends in an ellipsis, formulas of the total never."""
    rows = [_cells(line, exact=True) for line in (*lines, total)]
    if _needed(rows) > width:
        rows = [_cells(line, exact=False) for line in (*lines, total)]
    widths = _widths(rows, width)
    text = [_line(HEAD, widths), *(_line(row, widths) for row in rows[:-1]), "", _line(rows[-1], widths)]
    formulas = [f"{name} = {size}" for name, size in zip(HEAD[2:], total[2], strict=True) if size.constant is None]
    return "\n".join(line.rstrip() for line in (*text, *([""] if formulas else []), *formulas)) + "\n"


def _cells(line: Line, *, exact: bool) -> tuple[str, ...]:
    name, shape, (params, macs, flops, memory) = line
    counted = f"{params.constant:,}" if exact and params.constant is not None else short(params)
    return name, shape, counted if params != Size.of(0) else "", _some(macs), _some(flops), _some(memory, unit="B")


def _some(size: Size, *, unit: str = "") -> str:
    return short(size, unit=unit) if size != Size.of(0) else ""


def short(size: Size, *, unit: str = "") -> str:
    """Return `size` with three digits and a decimal prefix (1.81G), or its formula."""
    if size.constant is None:
        return _cut(str(size), FORMULA)
    value, prefix = float(size.constant), ""
    for larger in ("k", "M", "G", "T", "P"):
        if abs(value) < 999.5:
            break
        value, prefix = value / 1000, larger
    digits = f"{value:.0f}" if not prefix or value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    return f"{digits}{' ' if unit else ''}{prefix}{unit}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _needed(rows: Sequence[tuple[str, ...]]) -> int:
    return sum(_natural(rows)) + len(GAP) * (len(HEAD) - 1)


def _natural(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(HEAD, *rows, strict=True)]


def _widths(rows: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """Give the numbers what they need, and the rest to the names and the shapes, the names first."""
    name, shape, *numbers = _natural(rows)
    left = width - len(GAP) * (len(HEAD) - 1)
    while sum(numbers) > left - 24:
        numbers[numbers.index(max(numbers))] -= 1
    left -= sum(numbers)
    if name + shape > left:
        name = min(name, max(left - shape, left // 2))
        shape = left - name
    return [name, shape, *numbers]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        cell.ljust(wide) if at < 2 else cell.rjust(wide)
        for at, (cell, wide) in enumerate(zip(map(_cut, cells, widths), widths, strict=True))
    ]
    return GAP.join(texts)
