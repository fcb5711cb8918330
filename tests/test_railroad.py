"""Spaces as railroad diagrams: everything is inside the picture, nothing lies on anything else, no text is cut."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

import archc
from archc.cli import main
from archc.show.railroad import railroad

EXAMPLES = Path(__file__).parent.parent / "examples"
SVG = "{http://www.w3.org/2000/svg}"
WIDE = {"op": 8.43, "space": 8.43, "value": 8.43, "local": 8.43, "remark": 6.93, "title": 9.04, "note": 7.23}
"""How wide a letter of each class of text is, in DejaVu Sans Mono, the widest of the usual fonts."""

SPACES = [
    (path.stem, found.name)
    for path in sorted(EXAMPLES.glob("*.arch"))
    for found in archc.load(path).values()
    if found.kind == "space"
]


@dataclass(frozen=True)
class Box:
    """A rectangle of a picture, by its class."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class Picture:
    """The boxes and the words of a picture, in its own coordinates."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    words: tuple[Box, ...]

    def said(self, kind: str) -> list[str]:
        return [word.text for word in self.words if word.kind == kind]


def picture(svg: str) -> Picture:
    root = ElementTree.fromstring(svg)
    boxes: list[Box] = []
    words: list[Box] = []
    waiting = [(root, 0.0, 0.0)]
    while waiting:
        element, x, y = waiting.pop()
        if move := element.get("transform"):
            dx, dy = map(float, move.removeprefix("translate(").removesuffix(")").split())
            x, y = x + dx, y + dy
        kind = element.get("class", "")
        left, top = x + float(element.get("x", 0)), y + float(element.get("y", 0))
        if element.tag == f"{SVG}rect" and kind != "paper":
            right, bottom = left + float(element.get("width", 0)), top + float(element.get("height", 0))
            boxes.append(Box(kind, left, top, right, bottom))
        if element.tag == f"{SVG}text":
            text = element.text or ""
            wide = WIDE[kind] * len(text)
            start = left if kind in ("remark", "title", "note") else left - wide / 2
            words.append(Box(kind, start, top - 10, start + wide, top + 3, text))
        waiting.extend((child, x, y) for child in reversed(element))
    return Picture(float(root.get("width", 0)), float(root.get("height", 0)), tuple(boxes), tuple(words))


def drawn(text: str, name: str) -> Picture:
    return picture(railroad(archc.loads(f"arch 0.1\nimport std.nn\n{text}\n").checked, name))


@pytest.mark.parametrize(("file", "name"), SPACES)
def test_every_example_is_drawn_without_collisions(file: str, name: str) -> None:
    svg = railroad(archc.load(EXAMPLES / f"{file}.arch").checked, name)
    found = picture(svg)
    for box in (*found.boxes, *found.words):
        assert box.left >= 0 and box.top >= 0 and box.right <= found.width and box.bottom <= found.height, box
    stations = [box for box in found.boxes if box.kind != "frame"]
    for one, other in combinations(stations, 2):
        assert not one.meets(other), (one, other)
    inside = [word for word in found.words if word.kind in ("op", "space", "value", "local")]
    assert len(inside) == len(stations)
    for word in inside:
        assert any(box.left < word.left and word.right < box.right for box in stations if box.meets(word)), word
    for one, other in combinations(found.words, 2):
        assert not one.meets(other), (one, other)
    titles = found.said("title")
    assert titles[0].startswith(name) and svg.count("<g id=") == len(titles)


def test_it_draws_each_space_that_is_mentioned_once() -> None:
    found = picture(railroad(archc.load(EXAMPLES / "einspace.arch").checked, "Root"))
    heads = [title.partition(" ")[0].partition("(")[0] for title in found.said("title")]
    assert sorted(heads) == ["Branch", "Compute", "Fan", "Module", "Patch", "Root", "Route", "Split", "Turn"]
    assert "Module(p) : a -> b where depth <= 8" in found.said("title")
    assert "p%" in found.said("remark")


def test_weights_are_shares() -> None:
    found = drawn("space S : a -> a = 40%: relu | 2: tanh | id\nspace T : a -> a = relu | id", "S")
    assert found.said("remark") == ["40 %", "40 %", "20 %"]
    assert drawn("space T : a -> a = relu | id", "T").said("remark") == []


def test_every_way_to_put_together_is_told() -> None:
    text = """
space S(c, deep: Bool = true) : (x: [c, h, w]) -> [c, h, w] = {
    choose k = 3 | 5
    let body = conv(c, k, pad = k // 2)
    return x -> (body, id) -> add -> Residual(relu | tanh) * (1..4)
        -> (for d in [1, 2] { relu -> dropout(0.5) }) -> (if deep then tanh else id)
}"""
    found = drawn(text, "S")
    remarks = set(found.said("remark"))
    assert remarks == {"choose k =", "let body =", "1 to 4 times", "for d in [1, 2]", "if deep", "else", "Residual(…)"}
    assert found.said("value") == ["3 | 5"] and sorted(found.said("local")) == ["body", "x"]
    assert {"conv(c, k, pad = k // 2)", "add", "relu", "tanh", "dropout(0.5)"} <= set(found.said("op"))


def test_records_are_frames_of_fields() -> None:
    found = drawn('space R = { lr = log(1e-4 .. 1e-1), kind = "a" | "b", inner = { p = 0.1 | 0.2 } }', "R")
    assert set(found.said("remark")) == {"lr =", "kind =", "inner =", "p ="}
    assert set(found.said("value")) == {"log(1e-4 .. 1e-1)", '"a" | "b"', "0.1 | 0.2"}
    assert [box.kind for box in found.boxes].count("frame") == 2


def test_long_pipelines_go_on_in_rows() -> None:
    stages = " -> ".join(["dropout(0.125)"] * 40)
    found = drawn(f"space S : [4] -> [4] = {stages}", "S")
    assert found.width < 1100 and len({box.top for box in found.boxes}) == 8


def test_text_is_escaped_and_both_modes_have_colours() -> None:
    svg = railroad(archc.loads('arch 0.1\nspace R = { a = "<&>" | "b" }\n').checked, "R")
    assert "&lt;&amp;&gt;" in svg and picture(svg).said("value") == ['"<&>" | "b"']
    assert "prefers-color-scheme: dark" in svg


def test_the_command_writes_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(EXAMPLES / "nasbench201.arch")
    assert main(["compile", f"{file}:NasBench201", "--to", "svg", "-o", str(tmp_path / "a.svg")]) == 0
    assert (
        picture((tmp_path / "a.svg").read_text()).said("title")[0]
        == "NasBench201(classes = 10) : [3, 4*h, 4*w] -> [classes]"
    )
    assert main(["compile", f"{file}:Conv", "--to", "svg"]) == 2
    assert "A0912" in capsys.readouterr().err
