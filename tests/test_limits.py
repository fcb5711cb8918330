"""Every limit: what passes it ends in its diagnostic, soon and in little memory, and can be let through by hand."""

import os
import pickle
import resource
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from bombs import HEAD, bombs, nested
from entries import Tally, Wrong, feed

from archc.build import build
from archc.check import check
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import DEFAULT, Limits
from archc.load import load_file, load_text

NESTED, DEEPER = dict(nested(10**4)), dict(nested(10**5))
BOMBS = dict(bombs())
SECONDS = 2.0
SECONDS_A_MEGABYTE = 12.0
"""Reading and checking a long file takes as long as it is; what a short one takes is bounded by the limits alone."""
SLOW = {
    "a chain of maxima",
    "forty symbolic convolutions", "a chain of quotients", "a pipeline of 10^5 stages", "a tuple of 10^5", "a list of 10^5",
    "a tuple of 10^4 layers", "a shape of 10^5 axes", "a pipeline of 10^4 layers", "10^5 clones", "10^5 copies of a layer",
    "10^4 statements", "10^5 errors", "a chain of 10^4 spaces", "a chain of 10^4 consts", "a chain of 10^4 consts, the last first",
    "a chain of 10^4 blocks", "a chain of 10^4 blocks, the last first", "a chain of 10^4 unsigned blocks, the last first",
    "a chain of 10^4 functions", "10^5 consts", "a choice of 10^4 layers",
}  # fmt: skip
"""Whose single questions about sizes, or whose written networks, take longer; `make soak` holds them to ten times as much."""


def _alone(name: str, text: str, seconds: float) -> None:
    """Feed `text` to every entry point in a child process, so that its memory is its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = ""
        try:
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
            feed(name, text, Tally(), seconds=seconds)
        except Wrong as wrong:
            said = str(wrong)
        finally:
            os.write(writing, pickle.dumps(said))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0 and said, f"{name} ends the process: {status}"
    assert pickle.loads(said) == ""  # noqa: S301  what the child wrote


def _allowed(text: str) -> float:
    return SECONDS + SECONDS_A_MEGABYTE * len(text) / 1e6


@pytest.mark.parametrize("name", NESTED)
def test_nesting_ends_in_diagnostics(name: str) -> None:
    _alone(name, NESTED[name], _allowed(NESTED[name]))


@pytest.mark.soak
@pytest.mark.parametrize("name", DEEPER)
def test_deeper_nesting_ends_in_diagnostics(name: str) -> None:
    _alone(name, DEEPER[name], _allowed(DEEPER[name]))


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in SLOW])
def test_a_bomb_does_not_go_off(name: str) -> None:
    _alone(name, BOMBS[name], _allowed(BOMBS[name]))


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(SLOW))
def test_a_slow_bomb_does_not_go_off(name: str) -> None:
    _alone(name, BOMBS[name], 10 * _allowed(BOMBS[name]))


# ---------------------------------------------------------------- each limit
def _refusal(action: Callable[[], object]) -> tuple[Diagnostic, ...]:
    with pytest.raises(CompileError) as raised:
        action()
    return raised.value.diagnostics


def _chain(count: int) -> str:
    lines = [f"block B{number} : [n] -> [n] = B{number - 1}" for number in range(1, count)]
    return "\n".join([HEAD + "block B0 : [n] -> [n] = relu", *lines, f"model M : [4] -> [4] = B{count - 1}"])


FLAGS = f"{HEAD}block B({', '.join(f'b{i}: Bool' for i in range(9))}) : [n] -> [n] = {' -> '.join(f'(if b{i} then relu else id)' for i in range(9))}\n"
LAYERS = f"{HEAD}model M : [4] -> [4] = linear(4) * 20\n"
DOUBLING = HEAD + "const c0 = 1\n" + "".join(f"const c{n} = c{n - 1} + c{n - 1}\n" for n in range(1, 18))
PASSING: dict[str, tuple[str, str, Limits, Limits]] = {
    "file_size": ("A0801", HEAD + "# " + "x" * 2000, Limits(file_size=1000), Limits(file_size=3000)),
    "nesting": ("A0802", f"{HEAD}const a = {'[' * 120}1{']' * 120}\n", Limits(), Limits(nesting=130)),
    "string": ("A0803", f'{HEAD}const a = "{"x" * 70_000}"\n', Limits(), Limits(string=80_000)),
    "integer_digits": ("A0804", f"{HEAD}const a = {'9' * 19}\n", Limits(), Limits(integer_digits=19)),
    "regex": ("A0805", f'{HEAD}type T = re"{"x" * 1500}"\n', Limits(regex=1000), Limits(regex=1500)),
    "steps": ("A0807", DOUBLING, Limits(steps=1000), Limits(steps=10**7)),
    "paths": ("A0808", FLAGS, Limits(), Limits(paths=2000)),
    "call_depth": ("A0809", _chain(120), Limits(), Limits(call_depth=130)),
    "repeats": ("A0810", f"{HEAD}model M : [4] -> [4] = relu * 200\n", Limits(repeats=100), Limits(repeats=200)),
    "size": ("A0811", f"{HEAD}model M : [4] -> [5000] = linear(5000)\n", Limits(size=4999), Limits(size=5000)),
    "parameters": ("A0812", LAYERS, Limits(parameters=399), Limits(parameters=400)),
    "nodes": ("A0813", LAYERS, Limits(nodes=19), Limits(nodes=20)),
    "weights": ("A0813", LAYERS, Limits(weights=39), Limits(weights=40)),
}
"""What passes each limit that one text can pass, the limits that it passes, and limits raised so that it does not."""


def _whole(text: str, limits: Limits) -> None:
    program = check(load_text(text, limits=limits), limits)
    if "M" in program.declarations:
        build(program, "M")


@pytest.mark.parametrize("name", PASSING)
def test_a_limit_is_named_with_its_value_and_how_to_raise_it(name: str) -> None:
    code, text, tight, wide = PASSING[name]
    found = _refusal(lambda: _whole(text, tight))
    assert found[0].code == code, found
    value = getattr(tight, name)
    assert f"the limit is {value:,}" in found[0].label
    assert f"Limits({name}={2 * value})" in found[0].hint
    _whole(text, wide)


@pytest.mark.parametrize("name", ["files", "import_depth", "total_size"])
def test_imports_have_limits(name: str, tmp_path: Path) -> None:
    (tmp_path / "arch.toml").write_text("")
    for number in range(6):
        (tmp_path / f"m{number}.arch").write_text(f'arch 0.1\nimport "m{number + 1}.arch"\nconst a{number} = 1\n')
    (tmp_path / "m6.arch").write_text("arch 0.1\nconst last = 1\n")
    tight = {"files": Limits(files=4), "import_depth": Limits(import_depth=4), "total_size": Limits(total_size=100)}[
        name
    ]
    found = [entry for entry in _refusal(lambda: load_file(tmp_path / "m0.arch", tight)) if entry.code == "A0806"]
    shown = f"{found[0].message} {found[0].label} {found[0].hint}"
    assert name in shown and f"{getattr(tight, name):,}" in shown
    assert len(load_file(tmp_path / "m0.arch").modules) == 8


def test_a_file_of_the_disk_has_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.arch"
    file.write_text("arch 0.1\n# " + "x" * 500)
    assert _refusal(lambda: load_file(file, Limits(file_size=100)))[0].code == "A0801"
    load_file(file, Limits(file_size=1000))


def test_sizes_that_are_too_long_are_refused() -> None:
    found = _refusal(lambda: _whole(BOMBS["a product of many sums"], DEFAULT))
    assert found[0].code == "A0814" and "2000 terms" in found[0].message


def test_every_limit_has_a_test() -> None:
    tested = {*PASSING, "files", "import_depth", "total_size"}
    emitted = {"alternatives", "definitions", "rules"}
    refined = {"edges"}  # in test_space_measures.py
    assert {entry.name for entry in fields(Limits)} == tested | emitted | refined
