"""Forests of data types: they derive the documents of the type and nothing else, in few states, counted exactly."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from math import exp, inf, isclose, prod
from random import Random

import pytest
from documents import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import archc
from archc.data.kinds import (
    Arm,
    Constant,
    Data,
    Defined,
    Field,
    Fixed,
    Json,
    Many,
    Named,
    Object,
    OneOf,
    Row,
    Schema,
    Text,
    Truth,
    Whole,
)  # fmt: skip
from archc.grammar.diagnostics import CompileError
from archc.grammars.forest import Account, Call, Edge, Forest, Lexeme, Literal, State
from archc.grammars.prune import merged
from archc.grammars.refine import COUNTED, forest
from archc.regular.automaton import uniform
from archc.regular.language import Regular, automaton
from archc.runtime.count import count
from archc.runtime.fits import compact, fits
from archc.runtime.sample import Sampler
from archc.runtime.semiring import COUNTING, LOG_PROBABILITY, LONGEST, SHORTEST, bottom_up, inside

quick = settings(deadline=None, max_examples=80)


# ---------------------------------------------------------------- two ways to list all documents
def texts(grown: Forest) -> Iterator[str]:
    """Yield every text of a finite forest, as often as it is derived."""

    def of_state(number: int) -> Iterator[str]:
        for edge in grown.states[number].edges:
            yield from map("".join, product(*(list(of_part(part)) for part in edge.parts)))

    def of_part(part: Literal | Lexeme | Call) -> Iterator[str]:
        match part:
            case Literal(text):
                yield text
            case Call(number):
                yield from of_state(number)
            case Lexeme(_, language):
                yield from every_word(language)

    def every_word(language: Regular) -> Iterator[str]:
        found = automaton(language)
        waiting = [("", 0)]
        while waiting:
            word, state = waiting.pop()
            if state in found.accepting:
                yield word
            for symbol, target in found.moves[state].items():
                for low, high in found.alphabet.members[symbol]:
                    waiting.extend((word + chr(code), target) for code in range(low, high + 1))

    yield from of_state(grown.root)


def values(data: Data) -> list[Json]:
    """Return every value of a small finite type."""
    match data:
        case Constant(value):
            return [value]
        case Truth():
            return [False, True]
        case Whole(low, high, step):
            assert low is not None and high is not None
            return list(range(low, high + 1, step or 1))
        case Fixed(places, low, high):
            assert low is not None and high is not None
            return [Decimal(n).scaleb(-places) for n in range(int(low.scaleb(places)), int(high.scaleb(places)) + 1)]
        case Text(_, _, pattern):
            assert pattern == "[ab]{0,1}"
            return ["", "a", "b"]
        case Row(items):
            return [list(row) for row in product(*map(values, items))]
        case Many(item, low, high):
            assert high is not None
            return [list(row) for length in range(low, high + 1) for row in product(values(item), repeat=length)]
        case Object(fields):
            ways = [
                [*([None] if entry.optional else []), *((entry.name, v) for v in values(entry.type))]
                for entry in fields
            ]
            return [dict(pair for pair in row if pair is not None) for row in product(*ways)]
        case OneOf(arms):
            return [value for arm in arms for value in values(arm.type)]
        case _:
            raise AssertionError(data)


def size(data: Data) -> int:
    """Return how many values `values` would list."""
    match data:
        case Row(items):
            return prod(map(size, items))
        case Many(item, low, high):
            assert high is not None
            return sum(size(item) ** length for length in range(low, high + 1))
        case Object(fields):
            return prod(size(entry.type) + entry.optional for entry in fields)
        case OneOf(arms):
            return sum(size(arm.type) for arm in arms)
        case _:
            return len(values(data))


small = st.one_of(
    st.sampled_from([Constant(None), Constant("a\n"), Constant(7), Constant(Decimal("1.5")), Truth()]),
    st.sampled_from([Text(pattern="[ab]{0,1}"), Whole(-1, 1), Whole(3, 9, 3), Fixed(1, Decimal(0), Decimal("0.2"))]),
)


def _objects(inner: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
    entry = st.tuples(inner, st.booleans())
    return st.lists(entry, max_size=4).map(
        lambda entries: Object(tuple(Field(f"f{n}", data, optional) for n, (data, optional) in enumerate(entries)))
    )


finite: st.SearchStrategy[Data] = st.recursive(
    small,
    lambda inner: st.one_of(
        _objects(inner),
        st.lists(inner, max_size=3).map(lambda items: Row(tuple(items))),
        st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(lambda t: Many(t[0], t[1], t[1] + t[2])),
        st.lists(inner, min_size=1, max_size=3).map(lambda arms: OneOf(tuple(map(Arm, arms)))),
    ),
    max_leaves=5,
)


def schema(data: Data, **others: Data) -> Schema:
    return Schema("T", {"T": Defined("T", data), **{name: Defined(name, other) for name, other in others.items()}})


@quick
@given(finite)
def test_the_texts_are_those_of_the_values(data: Data) -> None:
    grown = forest(schema(data))
    assert count(grown).number == size(data)
    if size(data) < 2000:
        wanted = list(map(compact, values(data)))
        assert sorted(texts(grown)) == sorted(wanted)
        assert not count(grown).exact or len(set(wanted)) == len(wanted)


@quick
@given(finite)
def test_lengths_are_those_of_the_shortest_and_longest_value(data: Data) -> None:
    if size(data) < 2000:
        lengths = {len(compact(value)) for value in values(data)}
        grown = forest(schema(data))
        assert inside(grown, SHORTEST)[grown.root] == min(lengths)
        assert inside(grown, LONGEST)[grown.root] == max(lengths)


@quick
@given(finite, st.integers())
def test_what_is_sampled_fits(data: Data, seed: int) -> None:
    import json

    text = Sampler(forest(schema(data))).text(Random(seed))
    assert fits({}, data, json.loads(text, parse_float=Decimal))


@quick
@given(finite)
def test_states_are_reached_and_no_two_are_equal(data: Data) -> None:
    grown = forest(schema(data))
    reached = {grown.root} | {p.state for s in grown.states for e in s.edges for p in e.parts if isinstance(p, Call)}
    assert reached == set(range(len(grown.states)))
    assert len({state.edges for state in grown.states}) == len(grown.states)
    assert len({state.name for state in grown.states}) == len(grown.states)
    assert merged(grown.states, grown.root) == (grown.states, grown.root)


# ---------------------------------------------------------------- what a program becomes
def typed(text: str, name: str = "T") -> Forest:
    return archc.loads(f"arch 0.1\n{text}\n")[name].forest()


def test_optional_fields_take_a_state_each() -> None:
    number = 40
    grown = typed("type T = {" + ", ".join(f"f{n}?: 1..9" for n in range(number)) + "}")
    assert len(grown.states) <= 2 * number
    assert count(grown).number == 10**number


def test_commas_stand_between_what_is_there() -> None:
    assert set(texts(typed("type T = { a?: 1, b?: 2, c?: 3 }"))) == {
        "{}",
        '{"a":1,"b":2,"c":3}',
        '{"a":1,"b":2}',
        '{"a":1,"c":3}',
        '{"a":1}',
        '{"b":2,"c":3}',
        '{"b":2}',
        '{"c":3}',
    }


def test_a_field_with_a_default_is_written_and_a_computed_one_is_not() -> None:
    grown = typed('type T = { a: 1..2, b: "x" | "y" = "x", c: Int = a + 1 }')
    assert sorted(texts(grown)) == ['{"a":1,"b":"x"}', '{"a":1,"b":"y"}', '{"a":2,"b":"x"}', '{"a":2,"b":"y"}']
    assert Account("T.c", "= a + 1", False, "it is computed from other fields") in grown.accounts


def test_conditions_are_left_to_validation_and_said() -> None:
    grown = typed("type T = { a: Date, b: Date where b >= a } where a != b")
    left = {(account.subject, account.bound) for account in grown.accounts if not account.decoding}
    assert left == {("T.b", "b >= a"), ("T", "a != b")}


def test_bounds_of_numbers_are_kept_while_decoding() -> None:
    grown = typed("type Money = Decimal(2) where it >= 0\ntype T = { a: Money, b: 5..20 by 5 }")
    assert all(account.decoding for account in grown.accounts)
    assert count(typed("type T = 5..20 by 5")).number == 4


@pytest.mark.parametrize("bounds", [f"..{COUNTED + 1}", f"{COUNTED + 1}..", f"{COUNTED * 8}"])
def test_a_list_too_long_to_count_is_counted_afterwards(bounds: str) -> None:
    grown = typed(f"type T = Bool[{bounds}]")
    assert [account.decoding for account in grown.accounts] == [False]
    assert len(grown.states) < 5


def test_a_map_remembers_no_keys() -> None:
    grown = typed("type T = Map(String, Bool, 1..2)")
    assert [account.bound for account in grown.accounts if not account.decoding] == ["no key twice"]


def test_names_are_words_and_their_own() -> None:
    grown = typed('type T = { "$ref"?: Bool | Int, "$ ref"?: Bool | Int, "1"?: Bool, \n in?: "a" | "b" }')
    names = [state.name for state in grown.states]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.isidentifier() for name in names)


def test_a_type_without_documents_has_no_forest() -> None:
    with pytest.raises(CompileError, match="A0503"):
        forest(schema(Row((Named("Loop"),)), Loop=Row((Named("Loop"),))))


def test_arms_without_documents_are_left_out() -> None:
    grown = forest(schema(OneOf((Arm(Named("Loop")), Arm(Truth()))), Loop=Row((Named("Loop"),))))
    assert sorted(texts(grown)) == ["false", "true"]


def test_definitions_that_admit_the_same_share_their_states() -> None:
    one = typed("type A = { x?: 1 }\ntype B = { x?: 1 }\ntype T = (A, B)")
    assert len(one.states) == 3


# ---------------------------------------------------------------- recursion
@pytest.mark.parametrize(
    "text",
    [
        "type T = Null | Bool | Float | String(..20) | T[..100] | Map(String, T)",
        "type T = { left: T, right: T } | Null",
        "type T = (T, T, T, T) | (T, T) | 1",
        "type T = { a: U } \ntype U = T[3] | V\ntype V = (U, U, U, U) | T | 1",
        "type T = { next?: T }",
        "type T = T[0..]",
    ],
)
def test_sampling_ends_at_a_sensible_size(text: str) -> None:
    grown = typed(text)
    assert isclose(inside(grown, LOG_PROBABILITY)[grown.root], 0, abs_tol=1e-6)
    sampler, rng = Sampler(grown), Random(0)
    sizes = [len(sampler.text(rng)) for _ in range(400)]
    assert sum(sizes) / len(sizes) < 3000
    assert len(set(sizes)) > 2
    assert count(grown).number is None


def test_types_may_nest_as_deep_as_they_like() -> None:
    number = 1500
    text = "\n".join(f"type T{n} = {{ x: T{n + 1}, y?: T{n + 1} }}" for n in range(number))
    grown = typed(f"{text}\ntype T{number} = 1 | 2", "T0")
    assert inside(grown, SHORTEST)[grown.root] == 6 * number + 1
    assert inside(grown, LONGEST)[grown.root] > inside(grown, SHORTEST)[grown.root]


# ---------------------------------------------------------------- measures
def grammar(*states: tuple[tuple[float, str], ...]) -> Forest:
    """Return a forest in which a digit calls the state of that number and a letter is itself."""
    made = [
        State(
            f"S{n}",
            "",
            tuple(
                Edge(tuple(Call(int(c)) if c.isdigit() else Literal(c) for c in text), weight) for weight, text in edges
            ),
        )
        for n, edges in enumerate(states)
    ]
    return Forest(tuple(made), 0)


def test_the_probability_of_ending_is_the_least_solution() -> None:
    grown = grammar(((6, "00"), (4, "a")))
    assert isclose(exp(inside(grown, LOG_PROBABILITY)[0]), 2 / 3, rel_tol=1e-9)


def test_probabilities_of_alternatives_add_up() -> None:
    assert isclose(inside(grammar(((1, "1b"), (3, "a")), ((5, "c"), (5, "d"))), LOG_PROBABILITY)[0], 0, abs_tol=1e-12)
    assert inside(grammar(((1, "0a"),)), LOG_PROBABILITY)[0] == -inf


def test_cycles_have_no_end_of_derivations() -> None:
    grown = grammar(((1, "1"), (1, "2")), ((1, "a"), (1, "1a")), ((1, "b"),))
    assert inside(grown, COUNTING) == (None, None, 1)
    assert inside(grown, SHORTEST) == (1, 1, 1)
    assert inside(grown, LONGEST) == (inf, inf, 1)


def test_callees_are_measured_before_their_callers() -> None:
    order = bottom_up([[1, 2], [2, 3], [1], [], [0, 4]])
    assert [sorted(group) for group, _ in order] == [[3], [1, 2], [0], [4]]
    assert [cyclic for _, cyclic in order] == [False, True, False, True]


def test_long_chains_are_measured() -> None:
    number = 20_000
    states = [State(f"S{n}", "", (Edge((Literal("a"), Call(n + 1))), Edge((Call(n + 1),)))) for n in range(number)]
    grown = Forest((*states, State("end", "", (Edge((Literal("b"),)),))), 0)
    assert inside(grown, COUNTING)[0] == 2**number
    assert inside(grown, LONGEST)[0] == number + 1


# ---------------------------------------------------------------- counting
@pytest.mark.parametrize(
    ("text", "number", "exact"),
    [
        ('type T = "a" | "b" | 1 | true', 4, True),
        ("type T = 1..5 | 10..20", 16, True),
        ('type T = re"[a-c]" | "d"', 4, True),
        ('type T = { kind: "a", x: Bool } | { kind: "b", x: Bool }', 4, True),
        ("type T = { a: Bool, b: Bool } where a == b", 4, False),
        ("type T = Date", 3_652_059, True),
        ("type T = Bool[..3]", 15, True),
        ("type T = String(..2)", 1 + 1_112_064 + 1_112_064**2, True),
        ("type T = Int", None, True),
    ],
)
def test_values_are_counted(text: str, number: int | None, exact: bool) -> None:
    found = archc.loads(f"arch 0.1\n{text}\n")["T"].count()
    assert (found.number, found.exact) == (number, exact)


@pytest.mark.parametrize(
    ("arms", "number"),
    [
        ((Whole(1, 5), Whole(3, 9)), 12),
        ((Text(pattern="[a-c]{2}"), Constant("ab")), 10),
        ((Object((Field("x", Truth(), optional=True),)), Object((Field("y", Truth(), optional=True),))), 6),
    ],
)
def test_values_of_two_arms_count_twice(arms: tuple[Data, ...], number: int) -> None:
    found = count(forest(schema(OneOf(tuple(map(Arm, arms))))))
    assert (found.number, found.exact) == (number, False)
    assert found.text() == f"at most {number}\n  not counted: values that are of two alternatives count twice"


def test_numbers_of_a_million_digits_are_not_worked_out() -> None:
    found = archc.loads("arch 0.1\ntype T = String(..100000000)\n")["T"].count()
    assert (found.number, found.is_beyond, found.text()) == (None, True, "more than 10**1000000")
    assert archc.loads("arch 0.1\ntype T = String(..2000)[200][200]\n")["T"].count().is_beyond


def test_a_count_too_long_to_read_is_rounded() -> None:
    found = archc.loads("arch 0.1\ntype T = String(1000)\n")["T"].count()
    assert found.text() == "about 1.35 * 10**6046"
    assert archc.loads("arch 0.1\ntype T = String\n")["T"].count().text() == "without end"


def test_lexemes_are_languages_of_their_own() -> None:
    grown = archc.load(ROOT / "examples/invoice.arch")["Invoice"].forest()
    lexemes = {p.name: p.language for s in grown.states for e in s.edges for p in e.parts if isinstance(p, Lexeme)}
    assert {"Money", "Date", "Country", "String(1..200)", "1..100000"} <= set(lexemes)
    assert uniform(automaton(lexemes["Country"]), Random(1), 2) is not None
