"""Tracks of a railroad diagram: boxes with an entry on the left and an exit on the right, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

GAP = 14
"""Pixels of track between two boxes."""

SPACE = 10
"""Pixels between two tracks."""

ARC = 8
HALF = 12
"""Half the height of a box of text."""

LETTER = 8.5
SMALL = 7.0
"""Widths of a letter of 14 pixels in a box, and of 11.5 in a remark, of a fixed-width font."""


@dataclass(frozen=True, slots=True)
class Track:
    """A part of a diagram as SVG; the track enters at 0, 0 and leaves at `width`, 0.

    It takes `up` pixels above the track and `down` below.
    """

    width: float
    up: float
    down: float
    svg: str


def station(text: str, kind: str, *, link: str = "") -> Track:
    """Return a box with text; `kind` is its class, and `link` the element of the picture that it leads to."""
    width = len(text) * LETTER + 20
    round_ = ' rx="12"' if kind == "op" else ""
    box = f'<rect class="{kind}" y="{-HALF}" width="{_n(width)}" height="{2 * HALF}"{round_}/>'
    word = f'<text class="{kind}" x="{_n(width / 2)}" y="5">{escape(text)}</text>'
    return Track(width, HALF, HALF, f"<a href={quoteattr(f'#{link}')}>{box}{word}</a>" if link else box + word)


def remark(text: str, x: float, y: float, kind: str = "remark") -> str:
    """Return words beside a track that begin at `x`."""
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'


def path(x: float, y: float, way: str, kind: str = "") -> str:
    """Return a line from `x`, `y` on."""
    return f'<path{f" class={quoteattr(kind)}" if kind else ""} d="M{_n(x)} {_n(y)}{way}"/>'


def placed(track: Track, x: float, y: float) -> str:
    """Return a track that enters at `x`, `y`."""
    return f'<g transform="translate({_n(x)} {_n(y)})">{track.svg}</g>'


def sequence(tracks: Sequence[Track], widest: float) -> Track:
    """Return tracks one after another, in as many rows as the width asks for."""
    rows: list[list[Track]] = [[]]
    for track in tracks:
        if rows[-1] and _length([*rows[-1], track]) > widest:
            rows.append([])
        rows[-1].append(track)
    lines = [_row(row) for row in rows]
    return lines[0] if len(lines) == 1 else _rows(lines)


def _length(tracks: Sequence[Track]) -> float:
    return sum(track.width for track in tracks) + GAP * (len(tracks) - 1)


def _row(tracks: Sequence[Track]) -> Track:
    parts, x = [], 0.0
    for track in tracks:
        if x:
            parts.append(path(x, 0, f"h{GAP}"))
            x += GAP
        parts.append(placed(track, x, 0))
        x += track.width
    return Track(x, max(track.up for track in tracks), max(track.down for track in tracks), "".join(parts))


def _rows(lines: Sequence[Track]) -> Track:
    """Return rows below each other; the track comes back to the left between two, and to the height of the first at last."""
    width = max(line.width for line in lines) + 3 * ARC
    parts = [placed(lines[0], 0, 0)]
    x = y = 0.0
    for before, line in pairwise(lines):
        turn = before.down + SPACE
        below = turn + SPACE + line.up
        parts.append(path(x + before.width, y, f"{_right(turn)}H{ARC}{_left_down(below - turn)}"))
        x, y = 2.0 * ARC, y + below
        parts.append(path(ARC, y, f"h{ARC}") + placed(line, x, y))
    last = lines[-1]
    end = width + 3 * ARC
    parts.append(path(x + last.width, y, f"H{_n(end - 2 * ARC)}{_up(y)}"))
    return Track(end, lines[0].up, y + last.down, "".join(parts))


def _right(down: float) -> str:
    """Return a turn to the right, down, and back to the left."""
    return f"h4a{ARC} {ARC} 0 0 1 {ARC} {ARC}v{_n(down - 2 * ARC)}a{ARC} {ARC} 0 0 1 -{ARC} {ARC}"


def _left_down(down: float) -> str:
    return f"a{ARC} {ARC} 0 0 0 -{ARC} {ARC}v{_n(down - 2 * ARC)}a{ARC} {ARC} 0 0 0 {ARC} {ARC}"


def _up(height: float) -> str:
    return f"a{ARC} {ARC} 0 0 0 {ARC} -{ARC}v{_n(2 * ARC - height)}a{ARC} {ARC} 0 0 1 {ARC} -{ARC}"


def choice(arms: Sequence[tuple[str, Track]]) -> Track:
    """Return a fork of which one arm is taken; each has a remark, of its share for instance."""
    lead = max(len(label) for label, _ in arms) * SMALL
    lead += SPACE if lead else 0
    inner = max(track.width for _, track in arms)
    begin, end = 2 * ARC, 2 * ARC + lead + inner
    parts: list[str] = []
    y = 0.0
    for place, (label, track) in enumerate(arms):
        if place:
            y += max(arms[place - 1][1].down + SPACE + track.up, 2 * ARC)
            parts.append(path(0, 0, f"{_down(y)}h{_n(lead)}"))
            parts.append(path(begin + lead + track.width, y, f"H{_n(end)}{_up(y)}"))
        else:
            parts.append(path(0, 0, f"h{_n(begin + lead)}"))
            parts.append(path(begin + lead + track.width, 0, f"H{_n(end + 2 * ARC)}"))
        parts.append(remark(label, begin, y - 4) if label else "")
        parts.append(placed(track, begin + lead, y))
    up = max(arms[0][1].up, 16 if lead else 0)
    return Track(end + 2 * ARC, up, y + arms[-1][1].down, "".join(parts))


def _down(height: float) -> str:
    return f"a{ARC} {ARC} 0 0 1 {ARC} {ARC}v{_n(height - 2 * ARC)}a{ARC} {ARC} 0 0 0 {ARC} {ARC}"


def both(tracks: Sequence[Track]) -> Track:
    """Return tracks that all get the same input, between two bars."""
    inner = max(track.width for track in tracks)
    end = GAP + inner + GAP
    parts: list[str] = []
    y = 0.0
    for place, track in enumerate(tracks):
        if place:
            y += tracks[place - 1].down + SPACE + track.up
        parts.append(path(0, y, f"h{GAP}"))
        parts.append(path(GAP + track.width, y, f"H{_n(end)}"))
        parts.append(placed(track, GAP, y))
    parts += [path(x, -HALF, f"V{_n(y + HALF)}", "bar") for x in (0, end)]
    return Track(end, max(tracks[0].up, HALF), max(y + tracks[-1].down, y + HALF), "".join(parts))


def loop(track: Track, label: str) -> Track:
    """Return a track that is run several times, as the remark says, and comes back above itself."""
    inner = max(track.width, len(label) * SMALL)
    top = track.up + SPACE
    back = (
        f"a{ARC} {ARC} 0 0 0 {ARC} -{ARC}v{_n(2 * ARC - top)}a{ARC} {ARC} 0 0 0 -{ARC} -{ARC}"
        f"h{_n(-inner)}a{ARC} {ARC} 0 0 0 -{ARC} {ARC}v{_n(top - 2 * ARC)}a{ARC} {ARC} 0 0 0 {ARC} {ARC}"
    )
    left = ARC + (inner - track.width) / 2
    end = inner + 2 * ARC
    svg = "".join(
        [
            path(0, 0, f"h{_n(left)}"),
            placed(track, left, 0),
            path(left + track.width, 0, f"H{_n(end)}"),
            path(ARC + inner, 0, back, "back"),
            remark(label, ARC, -top - 4),
        ]
    )
    return Track(end, top + 16, track.down, svg)


def group(track: Track, label: str) -> Track:
    """Return a track inside a frame with a label above it."""
    inner = max(track.width, len(label) * SMALL)
    width, up, down = inner + 2 * GAP, track.up + SPACE, track.down + SPACE
    left = (width - track.width) / 2
    svg = "".join(
        [
            f'<rect class="frame" y="{_n(-up)}" width="{_n(width)}" height="{_n(up + down)}" rx="6"/>',
            remark(label, 4, -up - 4),
            path(0, 0, f"h{_n(left)}"),
            placed(track, left, 0),
            path(left + track.width, 0, f"H{_n(width)}"),
        ]
    )
    return Track(width, up + 16, down, svg)


def defined(definitions: Sequence[tuple[str, Track]], track: Track) -> Track:
    """Return tracks with names above the one in which they are mentioned."""
    above = _listed(definitions)
    base = above.down + track.up
    width = max(above.width, track.width)
    parts = [placed(above, 0, -base), placed(track, 0, 0), path(track.width, 0, f"H{_n(width)}")]
    return Track(width, base + above.up, track.down, "".join(parts))


def fields(entries: Sequence[tuple[str, Track]]) -> Track:
    """Return the named tracks of a record in a frame, one below the other."""
    inside = _listed(entries)
    half = (inside.up + inside.down + SPACE) / 2
    width = inside.width + 2 * GAP
    frame = f'<rect class="frame" y="{_n(-half)}" width="{_n(width)}" height="{_n(2 * half)}" rx="6"/>'
    return Track(width, half, half, frame + placed(inside, GAP, inside.up + SPACE - half))


def _listed(entries: Sequence[tuple[str, Track]]) -> Track:
    """Return named tracks with ends of their own; the first is at the height of 0."""
    lead = max(len(label) for label, _ in entries) * SMALL + SPACE
    parts: list[str] = []
    y = 0.0
    for place, (label, entry) in enumerate(entries):
        if place:
            y += entries[place - 1][1].down + SPACE + entry.up
        end = lead + entry.width + 2 * SPACE
        parts.append(remark(label, 0, y + 4) + dot(lead, y) + path(lead, y, f"h{SPACE}"))
        parts.append(placed(entry, lead + SPACE, y) + path(end - SPACE, y, f"h{SPACE}") + dot(end, y))
    widest = lead + max(entry.width for _, entry in entries) + 2 * SPACE + 4
    return Track(widest, entries[0][1].up, y + entries[-1][1].down + SPACE, "".join(parts))


def dot(x: float, y: float) -> str:
    """Return an end of a track."""
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
