"""What is said of facts is true: proofs agree with trying all values, witnesses witness, and networks are proven."""

from itertools import pairwise, product
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from size_text import context, fact, size

from archc.sizes.prove import (
    Always,
    Answer,
    Context,
    Fact,
    Never,
    Sometimes,
    at_least,
    counterexample,
    decide,
    divides,
    equal,
    example,
    nearest,
    nearest_values,
    negate,
    prove,
)
from archc.sizes.size import Size, SizeLimit, exact, floordiv, maximum, modulo

ALWAYS = """
|- win(2*h, 3, 2, 1) == h
|- win(2*h, 7, 2, 3) == h
|- win(2*h, 2, 2) == h
|- win(s*h, 1, s) == h
|- win(h, 3, 1, 1) == h
|- win(h, 5, 1, 4, 2) == h
|- win(win(32*h, 7, 2, 3), 3, 2, 1) == 8*h
|- win(win(win(win(win(32*h, 7, 2, 3), 3, 2, 1), 3, 2, 1), 3, 2, 1), 3, 2, 1) == h
s in 1, 2 |- win(s*h, 3, s, 1) == h
k in 1, 3, 5, 7 |- win(n, k, 1, k//2) == n
k in 1, 3, 5, 7 |- win(2*n, k, 2, k//2) == n
k in 3, 5; s in 1, 2 |- win(s*n, k, s, k//2) == n
k - 2*(k//2) == 1 |- win(n, k, 1, k//2) == n
(k - 1) % 2 == 0 |- win(2*n, k, 2, k//2) == n
|- win(n, k, 1, k//2) >= 1
|- win(n, k, s, k//2) >= 1
|- n + 2*(k//2) >= 1*(k - 1) + 1
n >= k |- win(n, k, s) >= 1
n >= k |- win(n, k, s) <= n
|- unwin(h, 2, 2) == 2*h
|- unwin(win(2*h, 2, 2), 2, 2) == 2*h
|- unwin(h, 4, 2, 1) == 2*h
|- unwin(h, 3, 2, 1, 1, 1) == 2*h
|- unwin(n, k, s) >= 1
|- heads*(d/heads) == d
d % heads == 0 |- 4*d % heads == 0
d % heads == 0 |- d/heads >= 1
d % heads == 0 |- heads <= d
d % heads == 0 |- d//heads == d/heads
d == heads*k |- d % heads == 0
d == heads*k |- d/heads == k
d == heads*2*k |- d % 2 == 0
d % heads == 0; heads % kv == 0 |- d % kv == 0
d % heads == 0; heads % kv == 0 |- kv*(d/heads) <= d
d % heads == 0; (d/heads) % 2 == 0 |- d % (2*heads) == 0
|- max(1, a//4) >= 1
|- max(1, a//4) <= a
|- max(a, b) >= b
|- max(a, b) + min(a, b) == a + b
|- max(a, b) <= a + b
|- a//4 <= a
|- 4*((a + 3)//4) >= a
|- (d + 15)//16 >= 1
|- side*side + 1 >= 2
|- (side*p//p)*(side*p//p) + 1 == side*side + 1
|- (2*h + 1) % 2 != 0
|- n*(n + 1) % 2 == 0
|- n*(n + 1)*(2*n + 1) % 6 == 0
c in 16, 24, 40, 80, 112, 192, 320 |- max(1, c//4)*4 == c
a == c; stride == 1 |- stride*h*a == h*c
a <= b; b <= c |- a <= c
a < b; b < c |- a + 2 <= c
a <= b; a != b |- a + 1 <= b
a != c |- c != a
n <= context |- n*d <= context*d
n <= context; context <= 1024 |- n <= 1024
start in 0..; start < stop; stop <= n |- stop - start <= n
i in 0..; i < n |- n - i >= 1
h % 2 == 0 |- h//2 == h/2
h % 4 == 0 |- h % 2 == 0
h % 2 == 0; h % 3 == 0 |- h % 6 == 0
h % 32 == 0 |- win(h, 7, 2, 3) == h/2
c % groups == 0; out % groups == 0 |- (c + out) % groups == 0
c % groups == 0 |- c*k*k % groups == 0
c % 2 == 0 |- c - c/2 == c/2
p in 0..; 2*p <= k; k <= n |- n + 2*p >= k
extra in 0..; extra < max(s, d); s == 1; d == 1 |- extra == 0
h == 2*q + 1 |- h % 2 != 0
n >= w |- n//w >= 1
n < w |- n//w == 0
a == b + c; c == 2*b |- a == 3*b
2*a == 3*b |- b % 2 == 0
s in 1, 2; s*h == 32*k |- h % 16 == 0
x in -8..8 |- x*x >= 0
h*w == n |- n >= h
m % heads == 0; n == m |- n % heads == 0
192 % heads == 0 |- heads <= 192
|- h + 1 != h
""".strip().splitlines()

NEVER = """
|- h == h + 1
|- 2*h == 2*w + 1
|- n + 1 <= n
|- max(a, 1) == 0
|- 2*h % 2 != 0
a != c |- a == c
n <= 196 |- n >= 197
d % heads == 0 |- d < heads
h % 2 == 0 |- (h + 1) % 2 == 0
k in 2, 4 |- win(n, k, 1, k//2) == n
c in 3, 5 |- c == 4
""".strip().splitlines()

SOMETIMES = """
|- h == w
|- d % heads == 0
|- n <= context
|- 2*win(h, 3, 2, 1) == h
|- a//b >= 1
|- n >= 1000
|- n != 777
|- h*w == 35
|- 192 % heads == 0
d % heads == 0 |- d % (2*heads) == 0
k in 1, 2, 3 |- win(n, k, 1, k//2) == n
n <= context |- n + 1 <= context
s*h == 32*k |- h % 16 == 0
x in -3.. |- x >= 0
""".strip().splitlines()


def answer(line: str) -> tuple[Answer, Fact, Context]:
    known, _, goal = line.partition("|-")
    return decide(fact(goal.strip()), context(known)), fact(goal.strip()), context(known)


@pytest.mark.parametrize("line", ALWAYS)
def test_networks_are_proven(line: str) -> None:
    found, goal, known = answer(line)
    assert found == Always() and prove(goal, known) and counterexample(goal, known) is None


@pytest.mark.parametrize("line", NEVER)
def test_what_cannot_hold_is_refuted(line: str) -> None:
    found, goal, known = answer(line)
    assert found == Never() and prove(negate(goal), known) and example(goal, known) is None


@pytest.mark.parametrize("line", SOMETIMES)
def test_what_holds_for_some_has_a_witness_against_it_and_one_for_it(line: str) -> None:
    found, goal, known = answer(line)
    assert isinstance(found, Sometimes) and found.witness is not None
    assert known.holds(found.witness) and goal.evaluate(found.witness) is False
    shown = example(goal, known)
    assert shown is not None and known.holds(shown) and goal.evaluate(shown) is True


# ---------------------------------------------------------------- soundness, by trying all values

NAMES = "abc"
leaves = st.one_of(st.sampled_from(NAMES).map(Size.var), st.integers(0, 6).map(Size.of))


def combined(sign: str, left: Size, right: Size) -> Size:
    try:
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "max":
                return maximum(left, right)
            case "/":
                return exact(left, right)
            case "//":
                return floordiv(left, right)
            case _:
                return modulo(left, right)
    except (ZeroDivisionError, SizeLimit):
        return left


sizes = st.recursive(
    leaves,
    lambda inner: st.builds(combined, st.sampled_from(["+", "+", "-", "-", "*", "max", "/", "//", "%"]), inner, inner),
    max_leaves=5,
)
RELATIONS = ("==", "!=", ">=", ">=", "divides", "indivisible")
facts = st.builds(Fact, st.sampled_from(RELATIONS), sizes, sizes)
domains = st.one_of(
    st.sets(st.integers(1, 9), min_size=1, max_size=4).map(lambda values: (1, None, tuple(sorted(values)))),
    st.tuples(st.integers(0, 2), st.integers(3, 9), st.none()),
    st.sampled_from([(1, None, None), (0, None, None), (-3, None, None)]),
)
WIDEST = 11


def tried(low: int, high: int | None, values: tuple[int, ...] | None) -> tuple[int, ...]:
    return values if values is not None else tuple(range(low, (WIDEST if high is None else high) + 1))


@settings(max_examples=250, deadline=None)
@given(st.tuples(domains, domains, domains), st.lists(facts, max_size=3), st.lists(facts, min_size=1, max_size=3))
def test_no_answer_contradicts_an_assignment(
    ranges: tuple[tuple[int, int | None, tuple[int, ...] | None], ...], known: list[Fact], goals: list[Fact]
) -> None:
    scope: Context | None = Context()
    for name, (low, high, values) in zip(NAMES, ranges, strict=True):
        assert scope is not None
        scope = scope.declare(name, low, high, values)
    used = sorted(set().union(*(part.variables for part in (*known, *goals))))
    grids = [tried(*ranges[NAMES.index(name)]) for name in used]
    every = [dict(zip(used, numbers, strict=True)) for numbers in product(*grids)]
    models = [values for values in every if all(part.evaluate(values) is True for part in known)]
    for part in known:
        scope = scope.assume(part) if scope is not None else None
    if scope is None:
        assert not models, (list(map(str, known)), models[0])
        return
    for goal in goals:
        _check(goal, scope, models)


def _check(goal: Fact, scope: Context, models: list[dict[str, int]]) -> None:
    found = decide(goal, scope)
    told = {goal.evaluate(values) for values in models}
    said = (str(goal), [str(part) for part in scope.facts], found)
    match found:
        case Always():
            assert False not in told, said
        case Never():
            assert True not in told, said
        case Sometimes(witness):
            if witness is not None:
                assert scope.holds(witness) and goal.evaluate(witness) is False, said
    for values in models[:3]:
        try:
            assert scope.reduce(goal.left).value(values) == goal.left.value(values), said
        except ZeroDivisionError:
            continue


# ---------------------------------------------------------------- contexts


def test_a_contradiction_is_no_context() -> None:
    assert context("n <= 4").assume(fact("n >= 5")) is None
    assert context("a == b").assume(fact("a != b")) is None
    assert context("d % heads == 0").assume(fact("d < heads")) is None
    assert context("k in 1, 3").assume(fact("k % 2 == 0")) is None
    assert context("h % 2 == 0").assume(fact("h == 7")) is None
    assert context("a < b; b < c").assume(fact("c < a")) is None


def test_equalities_replace_variables() -> None:
    known = context("d == heads*k; m == n + 1")
    assert known.reduce(size("d + m")) == size("heads*k + n + 1")
    assert known.substitution == {"d": size("heads*k"), "m": size("n + 1")}


def test_divisibility_turns_floors_into_quotients() -> None:
    known = context("d % heads == 0")
    assert known.reduce(size("d//heads")) == size("d/heads")
    assert known.reduce(size("d")) == size("d")


def test_facts_narrow_a_domain() -> None:
    assert context("k in 1, 2, 3, 4; k % 2 == 0").values("k") == (2, 4)
    assert context("k in 1..9; k >= 4; k != 4; k <= 6").values("k") == (5, 6)
    assert context("12 % k == 0; k > 2").values("k") == (3, 4, 6, 12)
    assert context("n >= 3").values("n") is None
    assert context("n == 3").values("n") == (3,)


def test_a_variable_is_declared_before_facts_about_it() -> None:
    with pytest.raises(ValueError, match="declared after"):
        context("n <= 4").declare("n", 0)


def test_contexts_compare_by_what_they_say() -> None:
    one, two = context("k in 1, 3; n <= 4"), context("k in 1, 3; n <= 4")
    assert one == two and hash(one) == hash(two) and one != context("k in 1, 3; n <= 5")


def test_a_side_of_a_fact_is_whole() -> None:
    assert prove(fact("d % heads == 0"), context("d/heads >= 4"))
    assert not prove(fact("d % heads == 0"), Context())


# ---------------------------------------------------------------- facts, witnesses and nearest values


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("d % heads == 0", "d % heads == 0"),
        ("4*d % heads != 0", "4*d % heads != 0"),
        ("(c + 1) % (g - 1) == 0", "(c + 1) % (g - 1) == 0"),
        ("n <= context", "n <= context"),
        ("context >= n", "n <= context"),
        ("start < stop", "start < stop"),
        ("n >= 3", "n >= 3"),
        ("n < 3", "n < 3"),
        ("a == b + 1", "a == b + 1"),
        ("a != b", "a != b"),
    ],
)
def test_a_fact_prints_as_it_is_written(text: str, printed: str) -> None:
    assert str(fact(text)) == printed


@settings(max_examples=200, deadline=None)
@given(facts, st.tuples(*[st.integers(0, 9)] * 3))
def test_a_negated_fact_holds_where_the_fact_does_not(part: Fact, numbers: tuple[int, ...]) -> None:
    values = dict(zip(NAMES, numbers, strict=True))
    told = part.evaluate(values)
    assert negate(part).evaluate(values) is (None if told is None else not told)


def test_a_fact_about_what_is_not_whole_has_no_answer() -> None:
    assert equal(exact(Size.var("a"), Size.of(2)), 1).evaluate({"a": 3}) is None
    assert divides(Size.var("a"), 4).evaluate({"a": 0}) is None


def test_witnesses_are_small_and_always_the_same() -> None:
    assert counterexample(fact("d % heads == 0"), Context()) == {"d": 1, "heads": 2}
    assert counterexample(fact("n <= 1000"), Context()) == {"n": 1001}
    assert counterexample(fact("n <= context"), context("context in 64, 128")) == {"context": 64, "n": 65}
    assert example(fact("h*w == 35"), context("h >= 2; h < w")) == {"h": 5, "w": 7}


@pytest.mark.parametrize(
    ("text", "name", "value", "found"),
    [
        ("192 % heads == 0", "heads", 5, (4, 6)),
        ("192 % heads == 0", "heads", 8, (8, 12)),
        ("d % 8 == 0", "d", 100, (96, 104)),
        ("d % 8 == 0", "d", 3, (8,)),
        ("k <= 7", "k", 9, (7,)),
        ("224 + 2*p >= k", "p", 0, ()),
        ("16*w % heads == 0", "heads", 3, (2, 4)),
    ],
)
def test_the_nearest_legal_values_are_found(text: str, name: str, value: int, found: tuple[int, ...]) -> None:
    assert nearest_values(fact(text), name, value, Context()) == found


def test_the_nearest_value_is_the_lower_of_two() -> None:
    assert nearest(fact("192 % heads == 0"), "heads", 5, Context()) == 4
    assert nearest(fact("k <= 7"), "k", 9, Context()) == 7
    assert nearest(fact("k <= 0"), "k", 9, Context()) is None


# ---------------------------------------------------------------- bounded effort


def test_hard_questions_end() -> None:
    names = [f"x{index}" for index in range(10)]
    variables = [Size.var(name) for name in names]
    total = sum((one * two for one, two in pairwise(variables)), Size.of(0))
    scope: Context | None = Context()
    for one, two in pairwise(variables):
        assert scope is not None
        scope = scope.assume(negate(divides(one, two + 1)))
        scope = scope and scope.assume(at_least(floordiv(total, one), maximum(one, two * 2)))
    assert scope is not None
    start = process_time()
    answers = [decide(at_least(floordiv(total, one) * two, total - one * 3), scope) for one, two in pairwise(variables)]
    assert process_time() - start < 10 and Always() not in answers
