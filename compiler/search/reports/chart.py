"""Numbers -> charts as inline SVG, whose colours are those of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 44
TICKS = 5

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart; `kind` is a class of the page's style, `steps` draws it as a staircase."""

    name: str
    points: Points
    kind: str = "main"
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """Points of a chart, each with what is told of it."""

    name: str
    points: Points
    told: Sequence[str]
    kind: str = "main"


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes say, and whether the lower one is logarithmic."""

    x: str
    y: str
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return where a value stands."""
        low, high, own = (log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        share = 0.5 if high == low else (own - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)


def chart(
    axes: Axes, lines: Sequence[Line], dots: Sequence[Dots] = (), band: tuple[Points, Points] | None = None
) -> str:
    """Return a chart as SVG: a band beneath lines beneath dots, with a legend in the figure around it."""
    points = [p for line in lines for p in line.points] + [p for entry in dots for p in entry.points]
    points += [p for edge in band or () for p in edge]
    if not points:
        return '<p class="none">nothing to draw</p>'
    xs, ys = [x for x, _ in points], [y for _, y in points]
    logarithmic = axes.logarithmic and min(xs) > 0
    across = _Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, logarithmic)
    room = (max(ys) - min(ys)) * 0.05
    up = _Scale(min(ys) - room, max(ys) + room, HEIGHT - BOTTOM, TOP)
    parts = [_frame(axes, across, up)]
    if band is not None:
        around = [*band[0], *reversed(band[1])]
        parts.append(f'<polygon class="band" points="{_path(around, across, up)}"/>')
    for line in lines:
        stairs = _stairs(line.points) if line.steps else line.points
        parts.append(f'<polyline class="line {line.kind}" points="{_path(stairs, across, up)}"/>')
    for entry in dots:
        parts.extend(
            f'<circle class="dot {entry.kind}" cx="{across.at(x)}" cy="{up.at(y)}" r="3.5"><title>{escape(told)}</title></circle>'
            for (x, y), told in zip(entry.points, entry.told, strict=True)
        )
    title = f"<title>{escape(axes.y)} over {escape(axes.x)}</title>"
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="chart">{title}{"".join(parts)}</svg>'
    return f"<figure>{svg}{_legend(lines, dots, has_band=band is not None)}</figure>"


def _frame(axes: Axes, across: _Scale, up: _Scale) -> str:
    found = []
    for value in ticks(up.low, up.high):
        y = up.at(value)
        found.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{number(value)}</text>')
    for value in powers(across.low, across.high) if across.logarithmic else ticks(across.low, across.high):
        x = across.at(value)
        found.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number(value)}</text>')
    base = HEIGHT - BOTTOM
    found.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    found.append(f'<text class="name" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(axes.x)}</text>')
    turned = f'transform="rotate(-90 14 {(TOP + base) / 2})"'
    found.append(
        f'<text class="name" x="14" y="{(TOP + base) / 2}" text-anchor="middle" {turned}>{escape(axes.y)}</text>'
    )
    return "".join(found)


def _legend(lines: Sequence[Line], dots: Sequence[Dots], *, has_band: bool) -> str:
    entries = [(line.name, f"line {line.kind}") for line in lines] + [(d.name, f"dot {d.kind}") for d in dots]
    entries += [("8 of 10 random searches", "band")] if has_band else []
    keys = "".join(f'<li><i class="key {kind}"></i>{escape(name)}</li>' for name, kind in entries if name)
    return f'<figcaption><ul class="legend">{keys}</ul></figcaption>' if keys else ""


def _path(points: Points, across: _Scale, up: _Scale) -> str:
    return " ".join(f"{across.at(x)},{up.at(y)}" for x, y in points)


def _stairs(points: Points) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for x, y in points:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from `low` to `high`, about five."""
    if high <= low:
        return [low]
    rough = (high - low) / TICKS
    size = 10.0 ** floor(log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(step * at, 12) for at in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float) -> list[float]:
    """Return powers of ten from `low` to `high`, and other round numbers where there are few."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    factors = (1,) if len(exponents) > 4 else (1, 3) if len(exponents) > 2 else (1, 2, 3, 5, 7)
    found = [factor * 10.0**exponent for exponent in exponents for factor in factors]
    return [value for value in found if low <= value <= high] or [low, high]


def number(value: float) -> str:
    """Return a number with a suffix for thousands, millions and billions."""
    for scale, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale * (10 if suffix == "k" else 1):
            return f"{value / scale:.4g}{suffix}"
    return f"{value:.5g}"
