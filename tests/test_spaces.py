"""Forests of small spaces against every sequence of decisions that the evaluator takes: count, types, scripts, draws."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ldexp
from pathlib import Path
from random import Random

import pytest

import archc
from archc.builder import Again, Builder, Place
from archc.cost import graph_cost
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.members import Member, Space
from archc.rules.infer import apply
from archc.rules.scripts import Script
from archc.rules.session import Budget, Chooser, Refusal, Session
from archc.runtime.derivations.weights import by_weight
from archc.sizes.prove import Context
from archc.spaces.refine import refine
from archc.values import Applied, Architecture, Interval

EXAMPLES = Path(__file__).parent.parent / "examples"

SPACES = {
    "arms and sizes": ("[6]", "space S : [d] -> [e] = (linear(2 | 3) | id) -> (relu | linear(4))"),
    "an op that does not always fit": ("[6]", "space S : [d] -> b = linear(2 | 3 | 4) -> chunk(2) -> add"),
    "a decision used at two types": (
        "[4]",
        "space E : a -> a = relu | id\nspace S : [d] -> [e] = { choose x = E -> (relu | tanh)  return x -> linear(3) -> x }",
    ),
    "a decision that fits one type only": (
        "[4]",
        """space E : [d] -> b = linear(4) | chunk(2) -> first | linear(5)
space S : [d] -> b = { choose x = E  return x -> x -> x }""",
    ),
    "copies": ("[4]", "space S : [d] -> b = (relu | linear(d - 1)) * (1..3) -> chunk(2)"),
    "ranges that are reckoned with": (
        "[4]",
        "space S : [d] -> b = { choose w = 2..6 by 2  let v = 1..2  return linear(w / 2 + v) -> linear(2 * (1..3) - 1) }",
    ),
    "a loop": ("[4]", "space S : [d] -> b = for c in [2, 4, 6] { linear(c | c + 1) }"),
    "an arm that a function refuses, and another": (
        "[4]",
        """fn half(n) where n >= 8 = n / 2
space E : [d] -> b = id | linear(half(d))
space S : [d] -> b = linear(4 | 8) -> E -> (linear(half(d)) | relu)""",
    ),
    "a tuple": ("[4]", "space S : [d] -> b = (linear(2 | 4), id | linear(2)) -> (add | concat)"),
    "par": (
        "[4]",
        "space E : a -> b = id | linear(2)\nspace S : [d] -> b = clone(2) -> par(E, E) -> (add | concat | mul)",
    ),
    "each": (
        "[4]",
        "space E : a -> b = id | linear(2) | relu\nspace S : [d] -> b = clone(3) -> each(E) -> (add | concat)",
    ),
    "an argument with choices, used twice": (
        "[4]",
        """block Twice(f: [s] -> [s]) : [s] -> [s] = f -> f
space S : [d] -> b = Twice(relu | linear(4) | linear(3)) -> (id | relu)""",
    ),
    "two arguments with choices": (
        "[4]",
        """block Both(f: a -> b, g: b -> c) : a -> c = f -> g
space P : [d] -> [e] = linear(8) | linear(16)
space S : [d] -> [e] = Both(P, P)""",
    ),
    "an argument that is fixed after one with choices": (
        "[4]",
        """block Both(f: a -> b, g: b -> c) : a -> c = f -> g
space P : [d] -> [e] = linear(8) | linear(16) | linear(7)
space S : [d] -> b = Both(P, chunk(2))""",
    ),
    "a layer that is shared": (
        "[4]",
        "space S : [d] -> b = { let f = linear(4) | linear(5)  return f -> (f, id) -> (add | first) }",
    ),
    "an argument that becomes a layer": (
        "[4]",
        """block Twice(f: [..s] -> [..s]) : [..s] -> [..s] = { let l = f  return l -> relu -> l }
space S : [d] -> b = Twice(relu | linear(4) -> (id | relu))""",
    ),
    "a hole and a range": (
        "[1, 8, 8]",
        """block K(k: 1 | 3 | 5, s: 1 | 2) : [c, h, w] -> [c, win(h, k, s), win(w, k, s)] = conv(c, k, stride = s)
space S : [c, h, w] -> b = K(_, _) -> conv(2 .. 6 by 2, 1)""",
    ),
    "a condition on a choice": (
        "[4]",
        """space S : [d] -> b = {
    choose k = 2 | 3 | 4
    return if k == d then (id, relu) -> add else linear(k) -> (relu | id)
}""",
    ),
    "points": (
        "(x: [4], y: [4])",
        "space S : (x: [d], y: [d]) -> b = { choose (s, t) = (x, y) | (y, y)  return (s -> (relu | id), (x | t)) -> add }",
    ),
    "recursion": ("[4]", "space S : [d] -> b where depth <= 3 = relu | linear(d - 1) -> S | S -> tanh"),
    "recursion in an argument": (
        "[4]",
        """block Wrap(f: a -> a) : a -> a = (f, id) -> add
space S : [d] -> [d] where depth <= 3 = relu | Wrap(S) | S -> tanh""",
    ),
    "recursion that is used twice": (
        "[2]",
        "space S : [d] -> b where depth <= 3 = relu | { choose x = S  return (x, x) -> (add | concat) }",
    ),
    "a space that only passes on another": (
        "[4]",
        """space P : [d] -> b = relu | linear(3) | linear(4)
space Q : [d] -> b = P
space R : [d] -> b = Q -> id
space S : [d] -> b = { choose x = R  return x -> x -> (Q | relu) }""",
    ),
    "an argument that is passed on at several types": (
        "[4]",
        """block Thru(f: a -> b) : a -> b = f -> id
space E : [d] -> b = Thru(relu | linear(3) | chunk(2) -> first)
space S : [d] -> b = { choose x = E  return x -> x }""",
    ),
    "recursion that is passed on": (
        "[4]",
        """space T : a -> b = S
space S : [d] -> b where depth <= 3 = relu | linear(3) | { choose x = T  return (x, x) -> add } | T -> tanh""",
    ),
    "weights": ("[4]", "space S : [d] -> b = 50%: relu | 3: linear(2 | 4) | 1: linear(6) -> chunk(2) -> first"),
}


@dataclass(slots=True)
class _Tape:
    """What was decided, and what is to be decided next."""

    told: list[int]
    most: int
    picked: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def next(self, count: int) -> int:
        place = len(self.picked)
        if place == self.most:
            raise _refused(Span(0, 0))
        self.picked.append(self.told[place] if place < len(self.told) else 0)
        self.counts.append(count)
        return self.picked[-1]


@dataclass(slots=True)
class _Named:
    """The decisions of an architecture that has a name: made at its first use, the same at each."""

    made: "list[int | float | str | _Named]" = field(default_factory=list)
    used: bool = False


@dataclass(slots=True)
class _Brute:
    """A chooser that tries everything, whatever its type, in the order in which the evaluator asks."""

    tape: _Tape
    script: list[int | float | str | _Named]
    at: int | None = None
    trusted: bool = False

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        if self.at is not None:
            found = self._again(span)
            assert isinstance(found, int)
            if found >= len(shares):
                raise _refused(span)
            return found
        self.script.append(self.tape.next(len(shares)))
        index = self.script[-1]
        assert isinstance(index, int)
        return index

    def real(self, interval: Interval, span: Span) -> float:
        return 0.5

    def take(self, architecture: Architecture) -> object:
        if self.at is not None:
            found = self._again(architecture.span)
            assert isinstance(found, _Named)
            return found
        self.script.append(_Named())
        return self.script[-1]

    def again(self, decided: object) -> Chooser:
        assert isinstance(decided, _Named)
        if not decided.used:
            decided.used = True
            return _Brute(self.tape, decided.made)
        return _Brute(self.tape, decided.made, 0)

    def _again(self, span: Span) -> int | float | str | _Named:
        assert self.at is not None
        if self.at >= len(self.script):
            raise _refused(span)
        self.at += 1
        return self.script[self.at - 1]


def _refused(span: Span) -> Refusal:
    return Refusal(Diagnostic("A0709", "other decisions at this use", span))


def _flat(script: list[int | float | str | _Named]) -> Script:
    found: list[int | float | str] = []
    for entry in script:
        if isinstance(entry, _Named):
            found.extend(("(", *_flat(entry.made), ")"))
        else:
            found.append(entry)
    return tuple(found)


def _brute(text: str, at: str, depth: int, most: int) -> Counter[tuple[Script, str]]:
    """Return the script and the output type of every member, found by trying all decisions one after the other."""
    program = archc.loads(f"arch 0.1\n{text}\n").checked
    kind = refine(program, "S", at=at, most_types=0).pieces.types[0]
    definition = program.definition("S")
    found: Counter[tuple[Script, str]] = Counter()
    told: list[int] = []
    shared: frozenset[Place] = frozenset()
    while True:
        tape = _Tape(told, most)
        brute = _Brute(tape, [])
        session = Session(definition, program.scopes, program.checker, Context(), chooser=brute, budget=Budget())
        session.emitter = _Deep(depth, shared)
        try:
            entered = session.emitter.enter_all([("x", kind)])[0]
            result = apply(session, Applied(definition, ()), entered, definition.declaration.span)
            found[_flat(brute.script), str(result.type)] += 1
        except Again as again:
            shared |= {again.place}
            continue
        except Refusal:
            pass
        shared = frozenset()
        picked = tape.picked
        while picked and picked[-1] + 1 >= tape.counts[len(picked) - 1]:
            picked.pop()
        if not picked:
            return found
        told = [*picked[:-1], picked[-1] + 1]


class _Deep(Builder):
    """A builder that refuses members in which S is nested deeper than it may be."""

    def __init__(self, depth: int, shared: frozenset[Place]) -> None:
        super().__init__("S", shared)
        self.depth = depth
        self.inside = 0

    def call(self, declaration, names, into, site, walk):  # type: ignore[no-untyped-def]
        if declaration.name != "S":
            return super().call(declaration, names, into, site, walk)
        if self.inside == self.depth:
            raise _refused(site.span)
        self.inside += 1
        try:
            return super().call(declaration, names, into, site, walk)
        finally:
            self.inside -= 1


def _space(name: str) -> Space:
    at, text = SPACES[name]
    return archc.loads(f"arch 0.1\n{text}\n")["S"].space(at=at)


@pytest.mark.parametrize("name", SPACES)
def test_a_forest_has_the_members_that_all_sequences_of_decisions_give(name: str) -> None:
    at, text = SPACES[name]
    expected = _brute(text, at, depth=3, most=6 if name == "recursion in an argument" else 16)
    space = _space(name)
    found = Counter((member.decisions, member.type) for member in space)
    assert found == expected
    assert space.count() == len(expected) > 1
    by_type = Counter(kind for _, kind in expected)
    assert space.types() == by_type


@pytest.mark.parametrize("name", SPACES)
def test_every_member_builds_and_costs_what_the_forest_says(name: str) -> None:
    space = _space(name)
    for number, member in enumerate(space):
        if number == 60:
            break
        cost = graph_cost(member.graph())
        assert str(member.graph().type) == member.type
        assert (cost.params.constant, cost.macs.constant) == (member.cost("params"), member.cost("macs"))
        assert cost.activation_bytes.constant == member.cost("activation_bytes")
        assert space[space.rank(member)] == member


def test_shares_are_those_of_the_text_given_that_a_member_is_well_typed() -> None:
    space = _space("weights")
    chances = {member.key: pytest.approx(2.718281828459045 ** space.logprob(member)) for member in space}
    assert chances == {"0": 0.5, "1 0": 0.1875, "1 1": 0.1875, "2": 0.125}


@pytest.mark.parametrize("most_types", [2, 4, 16])
@pytest.mark.parametrize("at", [(3, 32, 32), (16, 8), (1, 4, 4)])
def test_a_bounded_forest_says_at_least_what_it_lost(at: tuple[int, ...], most_types: int) -> None:
    text = (EXAMPLES / "einspace.arch").read_text(encoding="ascii").replace("depth <= 8", "depth <= 1")
    declared = archc.loads(text)["Root"]
    whole, part = (declared.space(at=at, most_types=most) for most in (0, most_types))
    masses = [ldexp(*by_weight(space.forest).inside[space.forest.root]) for space in (whole, part)]
    assert whole.exact and not part.exact and part.count() < whole.count()
    assert 0 < 1 - masses[1] / masses[0] <= part.lost < 1
    assert all(whole.rank(member) >= 0 for member in part.sample(Random(3), 20))


def test_draws_follow_the_weights_of_the_text() -> None:
    space = _space("recursion")
    members = list(space)
    rng = Random(1)
    drawn = Counter(member.key for member in space.sample(rng, 20_000))
    square = sum(
        (drawn[member.key] - 20_000 * (chance := 2.718281828459045 ** space.logprob(member))) ** 2 / (20_000 * chance)
        for member in members
    )
    assert square < len(members) + 5 * (2 * len(members)) ** 0.5


def test_a_chain_of_ten_thousand_is_drawn_and_numbered_without_a_stack() -> None:
    text = "arch 0.1\nspace S : a -> a where depth <= 10000 = relu | 999999: relu -> S\n"
    space = archc.loads(text)["S"].space(at="[4]")
    assert space.count() == 10_000
    longest = space[space.count() - 1]
    deepest = max(space.sample(Random(0), 20), key=lambda member: len(member.decisions))
    assert len(deepest.decisions) > 5_000 and isinstance(longest, Member)
    assert space.rank(deepest) == space.rank(space[space.rank(deepest)])
    assert space.mutate(deepest, Random(1)) != deepest
