"""Regular languages: what a pattern matches, counted, bounded and sampled, and numbers and formats held to arithmetic."""

import json
import re
import time
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.regular.automaton import STATES, TooLarge, bounded, counts, intersection, is_empty, uniform
from archc.regular.automaton import count as counted
from archc.regular.automaton import matches as accepts
from archc.regular.census import census
from archc.regular.digits import fixed, real, stepped, whole
from archc.regular.formats import has_format
from archc.regular.language import ANY, PatternError, Regular, automaton, longest, matches, regular, repeat, shortest
from archc.regular.strings import CHARACTER, escape, escaped, format_language

quick = settings(deadline=None, max_examples=60)
atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", "ab", ".", r"\d", r"\w", r"[b-d]", r"\-", "c"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)
words = st.text("abcd-1\n", max_size=7)


@quick
@given(patterns, words)
def test_a_pattern_matches_as_the_standard_library_says(pattern: str, word: str) -> None:
    assert matches(regular(pattern), word) == bool(re.fullmatch(pattern, word, re.ASCII))


@quick
@given(patterns)
def test_words_are_counted_by_length(pattern: str) -> None:
    language = intersection(automaton(regular(pattern)), automaton(regular("[abc1]*")))
    found = counts(language, 3)
    for length in range(4):
        texts = map("".join, product("abc1", repeat=length))
        assert found[length] == sum(bool(re.fullmatch(pattern, text, re.ASCII)) for text in texts)


@quick
@given(patterns)
def test_the_number_of_words_is_that_of_the_automaton(pattern: str) -> None:
    language = regular(pattern)
    assert census(language) == counted(automaton(language))


@quick
@given(patterns, st.integers(0, 3), st.integers(0, 4))
def test_bounds_keep_the_words_of_those_lengths(pattern: str, low: int, extra: int) -> None:
    language = automaton(regular(pattern))
    within = bounded(language, low, low + extra)
    for word in ("", "a", "ab", "abc", "bbbb", "a1b2c", "aaaaaa"):
        assert accepts(within, word) == (accepts(language, word) and low <= len(word) <= low + extra)


@quick
@given(patterns, st.integers())
def test_a_word_drawn_is_a_word(pattern: str, seed: int) -> None:
    language = automaton(regular(pattern))
    word = uniform(language, Random(seed), 8)
    least = shortest(regular(pattern))
    assert word is None if least is None or least > 8 else word is not None and accepts(language, word)


def test_words_are_drawn_alike() -> None:
    language = automaton(regular("a|b{1,2}|[cd]e"))
    rng = Random(1)
    found = Counter(uniform(language, rng, 2) for _ in range(5000))
    assert set(found) == {"a", "b", "bb", "ce", "de"}
    assert all(850 < number < 1150 for number in found.values())


@quick
@given(patterns)
def test_lengths_are_those_of_the_words(pattern: str) -> None:
    language = regular(pattern)
    least, most = shortest(language), longest(language)
    found = counts(automaton(language), 6)
    assert least is not None
    assert not any(found[:least]) and (least > 6 or found[least])
    assert most is None or not any(found[most + 1 :])


def test_an_automaton_is_the_smallest() -> None:
    assert len(automaton(regular("(a|b)*a(a|b){5}")).moves) == 64
    assert len(automaton(regular("a*a*a*")).moves) == 1
    assert len(automaton(regular("(foo|bar)x|(fo|ba)[or]x")).moves) == len(automaton(regular("(fo|ba)[or]x")).moves)


@pytest.mark.parametrize(
    ("pattern", "start", "says"),
    [
        ("a(?=b)", 1, "look to the side"),
        (r"(a)\1", 3, "back reference"),
        ("a+?", 2, "a repeat is not repeated"),
        ("(?P<n>a)", 0, "named group"),
        ("(?i)a", 0, "flag"),
        (r"\bword", 0, r"no `\b`"),
        ("a$b", 1, "without `$`"),
        ("a{3,2}", 1, "from 3 down to 2"),
        ("[b-a]", 1, "from b down to a"),
        ("(a", 0, "never closed"),
        ("a)", 1, "closes nothing"),
        ("*a", 0, "repeats nothing"),
        ("[]", 0, "no character"),
    ],
)
def test_what_no_regular_language_is_or_means_is_refused(pattern: str, start: int, says: str) -> None:
    with pytest.raises(PatternError, match=re.escape(says)) as found:
        regular(pattern)
    assert found.value.start == start


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|b)*a(a|b){14}",
        "((x{0,21}){0,21}){0,21}",
        "(x{0,90}){0,90}",
        "(a{1,99}){1,99}b",
        "a" * 3000,
        "(" * 500 + "a" + ")" * 500,
        ".*a.{13}",
        "(.*a){1,60}(.*b){1,60}[^c]{12}",
    ],
)
def test_a_bomb_is_refused_soon(pattern: str) -> None:
    start = time.perf_counter()
    with pytest.raises(PatternError):
        regular(pattern)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa){99}", "(a*)*", "[a-z]{0,9000}", "(x?){0,5000}", "(.*a){30}"])
def test_what_makes_others_backtrack_is_matched_soon(pattern: str) -> None:
    start = time.perf_counter()
    language = regular(pattern)
    matches(language, "a" * 100_000)
    assert time.perf_counter() - start < 5


def test_surrogates_are_no_characters() -> None:
    with pytest.raises(PatternError, match="surrogate"):
        regular(r"\ud800")
    assert not accepts(automaton(regular(r"[\ud000-\ue000]")), "\ud800")
    assert census(ANY) == 0x110000 - 0x800


# ---------------------------------------------------------------- numbers
@quick
@given(st.integers(-3000, 3000), st.integers(0, 4000))
def test_a_range_of_integers_has_just_these(low: int, extra: int) -> None:
    language = automaton(whole(low, low + extra))
    assert counted(language) == extra + 1
    for number in (low, low + extra, low + extra // 2):
        assert accepts(language, str(number))
    assert not accepts(language, str(low - 1)) and not accepts(language, str(low + extra + 1))
    assert not accepts(language, "-0") and not accepts(language, "00")


@quick
@given(st.integers(-3000, 3000), st.booleans(), st.integers(-5000, 5000))
def test_a_range_without_one_end(bound: int, is_low: bool, number: int) -> None:
    language = whole(bound, None) if is_low else whole(None, bound)
    assert matches(language, str(number)) == (number >= bound if is_low else number <= bound)


@quick
@given(
    st.integers(-400, 400) | st.none(),
    st.sampled_from([2, 3, 4, 5, 7, 8, 10, 20, 25, 50, 100, 125, 500]),
    st.integers(0, 3000) | st.none(),
    st.integers(-2000, 8000),
)
def test_steps_are_kept_or_refused(low: int | None, step: int, extra: int | None, number: int) -> None:
    high = None if extra is None else (low or 0) + extra
    language = stepped(low, high, step)
    if language is None:
        assert 1000 % step and (low is None or extra is None or extra // step >= 999)
        return
    inside = (low is None or number >= low) and (high is None or number <= high)
    assert matches(language, str(number)) == (inside and (number - (low or 0)) % step == 0)


def _decimal(number: int, places: int) -> Decimal:
    return Decimal(number).scaleb(-places)


decimals = st.builds(_decimal, st.integers(-20_000, 20_000), st.integers(0, 4))


@quick
@given(decimals, st.builds(_decimal, st.integers(0, 9000), st.integers(0, 4)), st.integers(0, 3))
def test_a_range_of_decimals_has_just_these(low: Decimal, extra: Decimal, places: int) -> None:
    high = low + extra
    first, last = ceil(Fraction(low) * 10**places), floor(Fraction(high) * 10**places)
    language = automaton(fixed(places, low, high))
    assert counted(language) == max(0, last - first + 1)
    for number in (first - 1, first, last, last + 1):
        assert accepts(language, format(_decimal(number, places), "f")) == (first <= number <= last)


@quick
@given(decimals, st.builds(_decimal, st.integers(0, 9000), st.integers(0, 4)), decimals)
def test_a_range_of_reals_compares_digits(low: Decimal, extra: Decimal, number: Decimal) -> None:
    text = format(number, "f")
    assert matches(real(low, low + extra), text) == (low <= number <= low + extra)
    assert matches(real(low, None), text) == (low <= number)
    assert matches(real(None, low), text) == (number <= low)
    assert matches(real(None, None), text)


def test_a_real_is_a_json_number_without_exponent() -> None:
    language = real(None, None)
    assert all(matches(language, text) for text in ("0", "-1.50", "12", "0.001"))
    assert not any(matches(language, text) for text in ("01", "1.", ".5", "1e5", "+1", "", "-"))


# ---------------------------------------------------------------- strings
@quick
@given(st.text(), st.integers(0, 40))
def test_a_string_has_one_body_in_json(text: str, most: int) -> None:
    body = escape(text)
    assert json.loads(f'"{body}"') == text
    assert matches(escaped(repeat(ANY, 0, most)), body) == (len(text) <= most)


@quick
@given(patterns, words)
def test_a_body_is_in_the_language_of_its_value(pattern: str, word: str) -> None:
    language = regular(pattern)
    assert matches(escaped(language), escape(word)) == matches(language, word)


@quick
@given(patterns)
def test_there_are_as_many_bodies_as_values(pattern: str) -> None:
    language: Regular = regular(pattern)
    assert census(escaped(language)) == census(language)


def test_every_character_has_one_escape() -> None:
    assert counted(automaton(CHARACTER)) == census(CHARACTER) == 0x110000 - 0x800
    assert not any(matches(CHARACTER, text) for text in ('"', "\\", "\n", "\\/", "\\u0041", "\\u000a", ""))


# ---------------------------------------------------------------- formats
def test_dates_are_the_days_of_the_calendar() -> None:
    language = automaton(format_language("date"))
    assert counted(language) == (date.max - date.min).days + 1
    rng = Random(0)
    for _ in range(2000):
        assert accepts(language, (date.min + timedelta(rng.randrange(3_652_059))).isoformat())


@pytest.mark.parametrize("name", ["date", "time", "date-time", "uuid", "uri", "email"])
def test_what_a_format_derives_has_the_format(name: str) -> None:
    language = automaton(format_language(name))
    rng = Random(2)
    for longest_word in (12, 20, 36):
        for _ in range(100):
            word = uniform(language, rng, longest_word)
            assert word is None or has_format(word, name)


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("date", "2024-02-29", True),
        ("date", "2023-02-29", False),
        ("date", "1900-02-29", False),
        ("date", "2000-02-29", True),
        ("date", "0000-01-01", False),
        ("date", "2024-04-31", False),
        ("date-time", "2024-02-29T23:59:59.5+02:00", True),
        ("date-time", "2024-02-29T24:00:00Z", False),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", True),
        ("uri", "mailto:a@b.example", True),
        ("email", "a.b@example.org", True),
        ("email", "a@b", False),
    ],
)
def test_formats_of_strings(name: str, text: str, holds: bool) -> None:
    assert matches(format_language(name), text) == has_format(text, name) == holds


def test_an_automaton_says_that_it_grows_too_large() -> None:
    with pytest.raises(TooLarge):
        bounded(automaton(regular("a*")), STATES + 1, None)
    assert is_empty(bounded(automaton(regular("a{3}")), 4, 9))
