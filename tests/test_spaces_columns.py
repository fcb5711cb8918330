"""Refinement by columns says what refinement a type at a time says: the same states, edges and members, in the same order."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import test_spaces

import archc
from archc.check import check
from archc.grammar.diagnostics import CompileError
from archc.load import load_text
from archc.members import Space
from archc.spaces import refine

EINSPACE = Path(__file__).parent.parent / "examples" / "einspace.arch"

PLAIN = {
    "arms and sizes", "an op that does not always fit", "a tuple", "par", "each", "a hole and a range", "a condition on a choice",
    "recursion", "weights", "a loop", "copies", "ranges that are reckoned with", "an arm that a function refuses, and another",
}  # fmt: skip
"""The spaces of `test_spaces` in which no name decides anything."""

MORE = {
    "unequal items are split": (
        "[4, 6]",
        """space E : [a, b] -> c = id | linear(2) | permute([1, 0])
space S : [a, b] -> c = clone(2) -> par(E, E -> E) -> (matmul | matmul(scale = true) | concat(axis = 1) | concat(axis = -2) | add)""",
    ),
    "tuples in tuples, of which no op takes all": (
        "[4]",
        """space E : a -> b = id | linear(2) | linear(3)
space S : [d] -> b = (clone(2) -> par(E, E), E) -> par(add | concat | first, id | relu) -> (concat | mul | first)""",
    ),
    "each of each, an argument among several": (
        "[8]",
        """space E : a -> b = id | linear(2) | relu
space D : a -> b = chunk(2) -> each(E) -> concat
space S : [d] -> b = clone(3) -> each(D | E) -> (add | concat)""",
    ),
    "what must be deeper than it may be": (
        "[4, 4]",
        """space M : a -> b where depth <= 3 = 3: relu | linear(2 | 8) | M -> M | clone(2) -> par(M, M) -> (add | concat(axis = 0))
space S : a -> b = M""",
    ),
    "a declared output, and sizes that are bound": (
        "[6]",
        """space H : [2*h] -> [e] = linear(h | 2*h | 4) | chunk(2) -> (add | concat)
space S : [d] -> [6] = H -> (H | id) -> (linear(6) | id)""",
    ),
    "a choice among sizes in a body": (
        "[12]",
        """space P : [d] -> b = { choose (n, k) = | (2, 3) | (3, 5)  return chunk(n) -> each(linear(k) | id) -> concat }
space S : [d] -> b = P -> (P | id)""",
    ),
    "an arm without weight": ("[4]", "space S : [d] -> b = 0: linear(3) | 2: relu | (0: id | 1: tanh) -> linear(2 | 3)"),
    "loops before what forgets their type, and by themselves": (
        "[6]",
        """space E : [a] -> b = linear(2 | 4 | 6) | id
space S : [d] -> b = E * 3 -> relu -> linear(5) -> (for n in [2, 3] { linear(n) | id }) -> (E | id) * (0..2)""",
    ),
    "loops that decide parts of what follows": (
        "[8]",
        """space W : [a] -> b = { choose c = 2 | 4 | 8  return linear(c) -> linear(c) * (0..2) -> (relu | id) }
space S : [d] -> b where depth <= 2 = W * 2 -> (id | clone(2) -> par(W, W) -> concat | S) -> linear(2)""",
    ),
    "qualifiers": (
        "live causal [4, 4]",
        "space S : a -> b = (id | zero | linear(2)) -> clone(2) -> par(relu | zero, id) -> add",
    ),
}  # fmt: skip


def texts() -> dict[str, tuple[str, str]]:
    """Return every space with its input."""
    return {**{name: test_spaces.SPACES[name] for name in sorted(PLAIN)}, **MORE}


def a_type_at_a_time(make: Callable[[], Space], monkeypatch: pytest.MonkeyPatch) -> Space:
    """Return a space refined without columns."""
    with monkeypatch.context() as patch:
        patch.setattr(refine, "in_columns", lambda *_: None)
        return make()


def by_columns(make: Callable[[], Space], monkeypatch: pytest.MonkeyPatch) -> Space:
    """Return a space refined by columns. Fails where it is not one for them."""
    found, real = [], refine.in_columns
    with monkeypatch.context() as patch:
        patch.setattr(refine, "in_columns", lambda *given: found.append(real(*given)) or found[-1])
        space = make()
    assert found and found[-1] is space.forest
    return space


def require_same(name: str, one: Space, other: Space) -> None:
    """Compare all that is said of two spaces; the numbers of their states may differ."""
    assert one.count() == other.count() and one.lost == other.lost == 0
    if "an argument among several" in name:  # an edge more for each
        assert other.forest.edges <= one.forest.edges <= 2 * other.forest.edges
    else:
        assert (one.forest.states, one.forest.edges) == (other.forest.states, other.forest.edges)
        assert sorted(map(str, one.forest.cells)) == sorted(map(str, other.forest.cells))
    assert list(one.types()) == list(other.types())
    for number in range(0, one.count(), max(1, one.count() // 200)):
        mine, theirs = one[number], other[number]
        assert mine.key == theirs.key and mine.text == theirs.text
        assert all(mine.cost(cost) == theirs.cost(cost) for cost in ("params", "macs", "activation_bytes"))
        assert one.logprob(mine) == pytest.approx(other.logprob(theirs))


@pytest.mark.parametrize("name", texts())
def test_a_small_space_is_the_same_both_ways(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at, text = texts()[name]

    def make() -> Space:
        return archc.loads(f"arch 0.1\n{text}\n")["S"].space(at=at, most_types=0)

    require_same(name, by_columns(make, monkeypatch), a_type_at_a_time(make, monkeypatch))


@pytest.mark.parametrize("at", ["[3, 32, 32]", "[16, 8]", "[1, 4, 4]"])
def test_einspace_is_the_same_both_ways(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = EINSPACE.read_text(encoding="ascii").replace("depth <= 8", "depth <= 1")

    def make() -> Space:
        return archc.loads(text)["Root"].space(at=at)

    require_same("einspace", by_columns(make, monkeypatch), a_type_at_a_time(make, monkeypatch))


@pytest.mark.parametrize("name", sorted(test_spaces.SPACES.keys() - PLAIN))
def test_where_names_decide_something_columns_do_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at, text = test_spaces.SPACES[name]
    found, real = [], refine.in_columns
    monkeypatch.setattr(refine, "in_columns", lambda *given: found.append(real(*given)) or found[-1])
    assert archc.loads(f"arch 0.1\n{text}\n")["S"].space(at=at).count()
    assert found == [None]


def test_a_space_without_members_says_why() -> None:
    text = "space S : [d] -> b = chunk(3) -> each(relu | id) -> add | chunk(5) -> add"
    with pytest.raises(CompileError) as raised:
        archc.loads(f"arch 0.1\n{text}\n")["S"].space(at="[4]")
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "A0407" and "has no member at [4]" in diagnostic.message


def test_a_space_that_is_too_large_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    text = EINSPACE.read_text(encoding="ascii").replace("depth <= 8", "depth <= 2")
    program = check(load_text(text))
    small = replace(program, limits=replace(program.limits, edges=5_000))
    said = []
    for patched in (False, True):
        with monkeypatch.context() as patch, pytest.raises(CompileError) as raised:
            if patched:
                patch.setattr(refine, "in_columns", lambda *_: None)
            refine.refine(small, "Root", at="[3, 32, 32]", most_types=0)
        (diagnostic,) = raised.value.diagnostics
        said.append(diagnostic.code)
        assert "is too large to be refined" in diagnostic.message
        assert any("output types at [" in note.text for note in diagnostic.notes)
    assert said[0] == said[1]
