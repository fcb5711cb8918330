"""Which definitions may mention themselves, and what is said of the others."""

from pathlib import Path

import pytest

from archc.grammar.diagnostics import Diagnostic
from archc.load import load_file, load_text
from archc.names.cycles import components, cycle
from archc.names.recursion import recursion
from archc.names.scope import scopes

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.arch"))


def judged(text: str) -> tuple[set[str], tuple[Diagnostic, ...]]:
    loaded = load_text("arch 0.1\n" + text)
    cyclic, found = recursion(loaded, scopes(loaded)[0])
    return {definition.name for definition in cyclic}, found


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_end(file: Path) -> None:
    loaded = load_file(file)
    assert recursion(loaded, scopes(loaded)[0]) == (frozenset(), ())


RIGHT = {
    "a bound on depth": "space S : a -> a where depth <= 8 = relu | S -> relu",
    "a bound on nodes": "space S : a -> a where 50 > nodes = relu | S -> relu",
    "a bound among others": "space S : a -> a where params < 1M and depth in 1..4 = relu | S -> relu",
    "one bound for two spaces": "space S : a -> a where depth <= 8 = relu | T\nspace T : a -> a = S -> S",
    "through a block": "space S : a -> a where depth <= 8 = relu | B\nblock B : a -> a = S -> relu",
    "none, maybe": "space S : a -> a where depth <= 8 = relu -> S * (0..4)",
    "one branch": "space S(n) : a -> a where depth <= n = if n == 1 then relu else S(n) -> S(n)",
    "a mention in a bound": "space S : a -> a where count(S) <= 3 = relu | gelu",
    "a name of its own": "block B(c) : [c] -> [c] = { let b = relu return b }",
    "an optional field": "type T = { v: Int, next?: T }",
    "a list that may be empty": "type T = { v: Int, all: T[..8] }",
    "a field with a default": "type T = { v: Int, next: T | Null = x }",
    "a union with an end": "type T = Null | { left: T, right: T }",
    "a map that may be empty": "type T = Map(String, T)",
    "a generic list": "type Page(t) = { items: t[..9] }\ntype T = Page(T)",
    "a generic used inside itself": "type P(t) = { more?: P(P(t)), v: t }\ntype T = P(Int)",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_what_ends_is_left_alone(text: str) -> None:
    assert judged(text) == (set(), ())


WRONG = {
    "a block": ("block B : a -> a = relu -> B", "A0308", {"B"}),
    "two blocks": ("block B : a -> a = C\nblock C : a -> a = B", "A0308", {"B", "C"}),
    "a model": ("model M : [3] -> [3] = M", "A0308", {"M"}),
    "a default": ("block B(f: a -> a = B) : a -> a = f", "A0308", {"B"}),
    "a constant": ("const a = b + 1\nconst b = a", "A0308", {"a", "b"}),
    "a function": ("fn f(x) = f(x - 1)", "A0308", {"f"}),
    "blocks beside a space": (
        "space S : a -> a where depth <= 8 = relu | B\nblock B : a -> a = C -> S\nblock C : a -> a = B", "A0308", {"B", "C"},
    ),
    "no bound": ("space S : a -> a = relu | S -> S", "A0401", set()),
    "a bound that ends nothing": ("space S : a -> a where params <= 1M = relu | S -> S", "A0401", set()),
    "a lower bound": ("space S : a -> a where depth >= 2 = relu | S -> S", "A0401", set()),
    "one bound of two": ("space S : a -> a where depth < 9 or params < 9 = relu | S -> S", "A0401", set()),
    "a bound on another cycle": (
        "space S : a -> a where depth <= 8 = relu | S | T\nspace T : a -> a = relu | T -> S", "A0401", set(),
    ),
    "no type": ("space S where depth <= 8 = relu | S -> S", "A0402", {"S"}),
    "no end": ("space S : a -> a where depth <= 8 = S -> relu | S -> gelu", "A0403", {"S"}),
    "no end in two": ("space S : a -> a where depth <= 8 = T\nspace T : a -> a = S -> relu", "A0403", {"S", "T"}),
    "no end but with copies": ("space S : a -> a where depth <= 8 = relu -> S * (1..4)", "A0403", {"S"}),
    "a type that is itself": ("type A = A", "A0503", {"A"}),
    "a type that is itself or": ("type A = B | Int\ntype B = A | Null", "A0503", {"A", "B"}),
    "a spread of itself": ("type A = { ..A, x: Int }", "A0503", {"A"}),
    "a field of itself": ("type A = { x: Int, next: A }", "A0503", {"A"}),
    "a list of itself": ("type A = { more: A[1..3] }", "A0503", {"A"}),
    "two records": ("type A = { b: B }\ntype B = { a: A }", "A0503", {"A", "B"}),
    "a generic": ("type Box(t) = { v: t }\ntype A = Box(A)", "A0503", {"A"}),
    "a map with an entry": ("type A = Map(String, A, 1..3)", "A0503", {"A"}),
    "an arrow": ("type A = A -> A", "A0503", {"A"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "cyclic"), WRONG.values(), ids=WRONG.keys())
def test_what_never_ends_is_one_complaint(text: str, code: str, cyclic: set[str]) -> None:
    names, found = judged(text)
    assert [entry.code for entry in found] == [code]
    assert names == cyclic


def test_the_message_shows_the_cycle() -> None:
    _, (found,) = judged("block B : a -> a = C\nblock C : a -> a = D\nblock D : a -> a = B")
    assert found.message == "`B` mentions itself through `C`"
    assert found.span.text == "C"
    assert [(note.subject, note.text, note.span.text) for note in found.notes] == [
        ("`B`", "mentions `C`", "C"),
        ("`C`", "mentions `D`", "D"),
        ("`D`", "mentions `B`", "B"),
    ]


def test_an_unbounded_space_is_told_its_bound() -> None:
    _, (found,) = judged("space S : a -> a = relu | S -> S")
    assert (found.span.text, found.hint) == ("S", "where depth <= 8")


def test_two_cycles_are_two_complaints() -> None:
    _, found = judged("space S : a -> a = relu | S -> S\nspace T : a -> a = relu | T -> T\nblock B : a -> a = B")
    assert sorted(entry.code for entry in found) == ["A0308", "A0401", "A0401"]


def test_a_chain_as_long_as_a_file_is_followed() -> None:
    count = 5_000
    links = "".join(f"block B{n} : a -> a = B{(n + 1) % count}\n" for n in range(count))
    names, (found,) = judged(links)
    assert len(names) == count
    assert len(found.notes) <= 10


def test_components_are_the_sets_that_reach_each_other() -> None:
    graph = [{1: 0}, {2: 0}, {0: 0, 3: 0}, {4: 0}, {}, {5: 0}]
    assert components(graph, range(6)) == [[0, 1, 2], [5]]
    assert components(graph, [0, 1, 3, 5]) == [[5]]


def test_a_cycle_is_a_shortest_one() -> None:
    graph = [{1: 0, 2: 0}, {2: 0}, {0: 0}]
    assert cycle(graph, 0, range(3)) == [0, 2]
    assert cycle(graph, 1, range(3)) == [1, 2, 0]
