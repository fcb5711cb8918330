"""Text by chance: whatever it is, every entry point answers or complains, in bounded time and memory."""

import gc
from pathlib import Path

import mangle
import pytest
from entries import Tally, Wrong, decoded, feed

from archc.grammar.diagnostics import CompileError
from archc.load import load_file

CHUNK = 1250
QUICK, INPUTS = 3 * CHUNK, 10_000
"""So many inputs are read in every run; the others, and a million more in benchmarks/soak_text.py, in long ones."""

SEARCHED = """\
arch 0.1
block X(c, b, g, stride: 1 | 2) : [a, stride*h, stride*w] -> [c, h, w] where c / b % g == 1e5 =
    ( conv(c / b, 1) -> conv(c / b, 3, stride, pad=1, groups = c / b / g) -> conv(c, 1)
    , if a == c and stride == 1 then id else conv(c, 1, stride)
    ) -> add
space Stage(widest, step) : [a, 2*h, 2*w] -> [c, h, w] = {
    choose width = step..widest by step
    choose b = 1 | 2 | 4
    choose g = 1 | 2 | 4 | 8
    return X(width, b, g, 2) -> X(width, b, g, 1)
}
"""


def test_a_case_may_speak_of_a_size_that_is_searched_over() -> None:
    tally = Tally()
    feed("a range in a case", SEARCHED, tally)
    assert (tally.checked, tally.codes) == (1, {"A0103"})  # it checks; its block is built without its parameters


@pytest.mark.parametrize(
    "start",
    [pytest.param(start, marks=[pytest.mark.soak] if start >= QUICK else []) for start in range(0, INPUTS, CHUNK)],
)
def test_every_input_ends_in_an_answer_or_in_diagnostics(start: int) -> None:
    tally = Tally()
    for name, data in mangle.texts(start, CHUNK):
        text = decoded(data)
        if text is not None:
            feed(name, text, tally)
    gc.collect()
    assert tally.checked > CHUNK // 20 and tally.built > CHUNK // 40, tally
    assert len(tally.codes) > 30, sorted(tally.codes)


def test_files_of_any_bytes_end_in_diagnostics(tmp_path: Path) -> None:
    file = tmp_path / "input.arch"
    refused = 0
    for name, data in mangle.texts(10**9, 1000):
        file.write_bytes(data)
        try:
            load_file(file)
        except CompileError as error:
            refused += decoded(data) is None
            assert error.diagnostics, name
    assert refused > 20


def test_the_fuzzer_notices_what_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("entries.check", broken)
    with pytest.raises(Wrong, match="check raises RecursionError"):
        feed("input", "arch 0.1\n", Tally())
    with pytest.raises(Wrong, match="takes"):
        feed("input", "arch 0.1\n", Tally(), seconds=0.0)


@pytest.mark.parametrize("seed", range(20))
def test_an_input_can_be_made_again(seed: int) -> None:
    assert mangle.texts(seed, 1) == mangle.texts(seed, 1)
