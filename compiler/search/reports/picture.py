"""A graph -> a picture of it as SVG: boxes in layers, what goes through one after the other in one box.

Layers are longest paths from the inputs, their order that of the barycentres (Sugiyama, Tagawa and Toda, 1981), and a line
that passes layers goes through a place of its own in each.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from archc.graph import CallNode, Graph, LoopNode, OpNode, Static
from archc.sizes.size import Size

ROW, LINE, PAD, GAP, LETTER = 26, 15, 7, 16, 6.7
MOST_LINES, MOST_BOXES, MOST_BLOCKS = 14, 120, 4
SWEEPS = 4
SMALL = 4


@dataclass(slots=True)
class Box:
    """A box with its lines of text; one without any is a place where a line passes. `above` are those that feed it."""

    lines: list[str]
    above: list[int]
    kind: str = "op"
    layer: int = 0
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """How wide it is."""
        return max((len(line) for line in self.lines), default=0) * LETTER + (2 * PAD if self.lines else 4)

    @property
    def height(self) -> float:
        """How high it is."""
        return len(self.lines) * LINE + PAD if self.lines else 0.0


@dataclass(slots=True)
class _Layout:
    boxes: list[Box]
    layers: list[list[int]] = field(default_factory=list)


def pictures(graph: Graph) -> list[tuple[str, str]]:
    """Return a name and an SVG for a network and for the blocks that it is made of, the most used first."""
    found = [(graph.name, picture(graph))]
    inner: list[tuple[str, Graph]] = []
    uses: Counter[int] = Counter()
    for name, part in _blocks(graph):
        chain = _chain(part)
        if chain is not None and len(chain) <= SMALL:
            continue
        if (name, part) not in inner:
            inner.append((name, part))
        uses[inner.index((name, part))] += 1
    for at, many in uses.most_common(MOST_BLOCKS):
        name, part = inner[at]
        found.append((f"{name}, {many} times" if many > 1 else name, picture(part)))
    return found


def picture(graph: Graph) -> str:
    """Return the SVG of the nodes of a graph; blocks are boxes with their name. It says so where there are too many."""
    boxes = _merged(_boxes(graph))
    if len(boxes) > MOST_BOXES:
        return f'<p class="none">{len(boxes)} boxes are too many to draw</p>'
    layout = _layered(boxes)
    _ordered(layout)
    width, height = _placed(layout)
    parts = [_edge(layout.boxes, at, other) for at, box in enumerate(layout.boxes) for other in box.above]
    parts += [_box(box) for box in layout.boxes if box.lines]
    title = f"<title>{escape(graph.name)}</title>"
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<svg {size} role="img" class="graph">{title}{"".join(parts)}</svg>'


def _blocks(graph: Graph) -> Iterator[tuple[str, Graph]]:
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            if isinstance(node, CallNode):
                yield node.block, node.graph
                waiting.append(node.graph)
            elif isinstance(node, LoopNode):
                waiting.extend(node.steps)


# ---------------------------------------------------------------- boxes
def _boxes(graph: Graph) -> list[Box]:
    found = [Box([f"{entry.name}: {entry.type}"], [], "end") for entry in graph.inputs]
    makers = list(range(len(found)))
    for node in graph.nodes:
        above = list(dict.fromkeys(makers[value.index] for value in node.inputs))
        makers.extend([len(found)] * len(node.outputs))
        found.append(Box(*_labelled(node, above)))
    ends = list(dict.fromkeys(makers[value.index] for value in graph.results))
    found.append(Box([str(graph.type)], ends, "end"))
    return found


def _labelled(node: OpNode | CallNode | LoopNode, above: list[int]) -> tuple[list[str], list[int], str]:
    match node:
        case OpNode():
            return [_op(node)], above, "op"
        case CallNode():
            chain = _chain(node.graph)
            if chain is not None and len(chain) <= SMALL:
                return chain or ["as it is"], above, "op"
            return [node.block], above, "block"
        case LoopNode():
            first = node.steps[0].nodes if node.steps else ()
            names = [
                part.block if isinstance(part, CallNode) else _op(part)
                for part in first
                if not isinstance(part, LoopNode)
            ]
            return [f"{' → '.join(names[:3]) or node.key} × {len(node.steps)}"], above, "block"


def _chain(graph: Graph) -> list[str] | None:
    """Return the operations of a graph that is one after the other; None where it is more than that."""
    found: list[str] = []
    waiting = [*reversed(graph.nodes)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, LoopNode) or len(node.inputs) != 1 or len(node.outputs) != 1 or len(found) > SMALL:
            return None
        if isinstance(node, CallNode):
            waiting.extend(reversed(node.graph.nodes))
        else:
            found.append(_op(node))
    return found


def _op(node: OpNode) -> str:
    told = [text for _, value in node.attributes if (text := _told(value))][:2]
    return f"{node.op}({', '.join(told)})" if told else node.op


def _told(value: Static) -> str:
    return str(value) if isinstance(value, Size) else ""


def _merged(boxes: list[Box]) -> list[Box]:
    """Return the boxes where one that feeds only one that is fed only by it is put into one with it."""
    below = Counter(other for box in boxes for other in box.above)
    place: dict[int, int] = {}
    found: list[Box] = []
    for at, box in enumerate(boxes):
        above = list(dict.fromkeys(place[other] for other in box.above))
        feeds = box.above[0] if len(box.above) == 1 else -1
        joins = feeds >= 0 and below[feeds] == 1 and box.kind == "op" == boxes[feeds].kind
        if joins and len(found[place[feeds]].lines) + len(box.lines) <= MOST_LINES:
            place[at] = place[feeds]
            found[place[feeds]].lines.extend(box.lines)
            continue
        place[at] = len(found)
        found.append(Box(list(box.lines), above, box.kind))
    return found


# ---------------------------------------------------------------- layers
def _layered(boxes: list[Box]) -> _Layout:
    """Return the boxes in layers, with places for lines that pass."""
    for box in boxes:
        box.layer = max((boxes[other].layer + 1 for other in box.above), default=0)
    layout = _Layout(boxes)
    for at in range(len(boxes)):
        box = boxes[at]
        box.above = [_passed(layout, other, box.layer) for other in box.above]
    layout.layers = [[] for _ in range(max(box.layer for box in boxes) + 1)]
    for at, box in enumerate(boxes):
        layout.layers[box.layer].append(at)
    return layout


def _passed(layout: _Layout, other: int, layer: int) -> int:
    for between in range(layout.boxes[other].layer + 1, layer):
        layout.boxes.append(Box([], [other], "pass", between))
        other = len(layout.boxes) - 1
    return other


def _ordered(layout: _Layout) -> None:
    """Order each layer by the middles of what is above, and then of what is below, a few times."""
    below: dict[int, list[int]] = {}
    for at, box in enumerate(layout.boxes):
        for other in box.above:
            below.setdefault(other, []).append(at)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        rank = {at: place for layer in layout.layers for place, at in enumerate(layer)}
        for layer in layout.layers if down else reversed(layout.layers):
            keys = {}
            for at in layer:
                near = layout.boxes[at].above if down else below.get(at, [])
                keys[at] = sum(rank[other] for other in near) / len(near) if near else rank[at]
            layer.sort(key=keys.__getitem__)
            rank.update({at: place for place, at in enumerate(layer)})


def _placed(layout: _Layout) -> tuple[float, float]:
    """Give each box its place, and return how large the picture is."""
    boxes = layout.boxes
    widths = [sum(boxes[at].width for at in layer) + GAP * (len(layer) - 1) for layer in layout.layers]
    whole = max(widths) + 2 * GAP
    top = 2.0
    for layer, width in zip(layout.layers, widths, strict=True):
        left = (whole - width) / 2
        high = max(boxes[at].height for at in layer)
        for at in layer:
            boxes[at].x = left + boxes[at].width / 2
            boxes[at].y = top + (high - boxes[at].height) / 2
            left += boxes[at].width + GAP
        top += high + ROW
    return whole, top - ROW + 2


def _edge(boxes: list[Box], at: int, other: int) -> str:
    below, above = boxes[at], boxes[other]
    x1, y1, x2, y2 = above.x, above.y + above.height, below.x, below.y
    middle = (y1 + y2) / 2
    return f'<path class="edge" d="M{x1:.1f} {y1:.1f}C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"/>'


def _box(box: Box) -> str:
    rect = (
        f'<rect class="{box.kind}" x="{box.x - box.width / 2:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="4"/>'
    )
    lines = "".join(
        f'<text x="{box.x:.1f}" y="{box.y + PAD / 2 + 11 + LINE * at:.1f}" text-anchor="middle">{escape(line)}</text>'
        for at, line in enumerate(box.lines)
    )
    return rect + lines
