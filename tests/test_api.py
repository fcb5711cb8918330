"""The objects that a user holds."""

import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import archc

TEXT = """\
arch 0.1

## Scores of classes.
model Net(classes = 10, widths: Dim[_] = [8, 4]) : [3, 2*h, 2*w] -> [classes] =
    for c in widths { conv(c, 3, pad=1) -> relu } -> global_avg_pool -> linear(classes)

block Half : [n, d] -> [n, d/2] = linear(d/2)
model Pair : (a: [4], b: [6]) -> [10] = concat
type Label = "cat" | "dog"
"""


@pytest.fixture
def program() -> archc.Program:
    return archc.loads(TEXT)


def test_a_program_is_a_mapping_of_its_declarations(program: archc.Program) -> None:
    assert list(program) == ["Net", "Half", "Pair", "Label"] and len(program) == 4 and "Net" in program
    assert [declaration.kind for declaration in program.values()] == ["model", "block", "model", "type"]


def test_a_name_that_is_not_there_is_told_with_the_nearest(program: archc.Program) -> None:
    with pytest.raises(KeyError, match="nearest: Net"):
        program["Nett"]


def test_a_declaration_tells_what_it_is(program: archc.Program) -> None:
    net = program["Net"]
    assert (net.name, net.docs) == ("Net", ("Scores of classes.",))
    assert net.signature == "[3, 2*h, 2*w] -> [classes]"
    assert repr(net) == "<model Net : [3, 2*h, 2*w] -> [classes]>"
    assert any("d" in condition for condition in program["Half"].preconditions)


def test_a_wrong_program_raises_with_every_diagnostic() -> None:
    with pytest.raises(archc.CompileError) as caught:
        archc.loads("arch 0.1\nmodel A : [4] -> [2] = liner(2)\nmodel B : [4] -> [2] = linaer(2)\n")
    assert [(found.code, found.span.text) for found in caught.value.diagnostics] == [
        ("A0101", "liner"),
        ("A0101", "linaer"),
    ]


def test_text_has_no_files_to_import_without_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cells.arch").write_text("arch 0.1\nblock Cell : [..s, d] -> [..s, d] = linear(d)\n")
    text = 'arch 0.1\nimport "./cells.arch" (Cell)\nmodel Net : [4] -> [4] = Cell\n'
    with pytest.raises(archc.CompileError, match="A0602"):
        archc.loads(text)
    assert "Net" in archc.loads(text, root=tmp_path)


def test_limits_are_raised_and_lowered_by_hand(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(TEXT)
    with pytest.raises(archc.CompileError, match="A0801"):
        archc.load(tmp_path / "net.arch", limits=archc.Limits(file_size=20))
    with pytest.raises(archc.CompileError, match="A0801"):
        archc.loads(TEXT, limits=archc.Limits(file_size=20))


def test_a_module_has_the_device_and_the_type_asked_for(program: archc.Program) -> None:
    import torch

    net = program["Net"].module(classes=3, widths=(5, 6), device="meta", dtype=torch.float64)
    weights = list(net.parameters())
    assert {weight.device.type for weight in weights} == {"meta"} and {weight.dtype for weight in weights} == {
        torch.float64
    }
    assert [weight.shape[0] for weight in weights] == [5, 5, 6, 6, 3, 3]


@pytest.mark.parametrize("at", ["[3, 8, 8]", (3, 8, 8), [3, 8, 8], None])
def test_the_input_is_given_as_text_or_as_a_shape_or_left_open(
    program: archc.Program, at: str | tuple[int, ...] | None
) -> None:
    import torch

    assert program["Net"].module(at=at)(torch.rand(2, 3, 8, 8)).shape == (2, 10)


def test_several_inputs_are_given_by_name(program: archc.Program) -> None:
    assert str(program["Pair"].graph(at={"a": (4,), "b": "[6]"}).type) == "[10]"


def test_an_input_that_does_not_fit_is_told(program: archc.Program) -> None:
    with pytest.raises(archc.CompileError) as caught:
        program["Net"].graph(at=(3, 7, 8))
    assert caught.value.diagnostics[0].code.startswith("A02")


@pytest.mark.parametrize("name", ["Label"])
def test_what_is_no_network_is_not_built(program: archc.Program, name: str) -> None:
    with pytest.raises(TypeError, match="is a type"):
        program[name].module()


def test_every_text_that_a_network_has_is_reached(program: archc.Program) -> None:
    net = program["Net"]
    assert "class Net" in net.python() and '"ops"' not in net.python()
    assert net.arch().startswith("arch 0.1") and net.json().startswith("{")
    assert "total" in str(net.summary(at=(3, 8, 8), classes=2))
    assert net.summary(at=(3, 8, 8)).params.constant == 3 * 8 * 9 + 8 + 8 * 4 * 9 + 4 + 4 * 10 + 10


def test_the_same_text_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(TEXT)
    script = "import archc; n = archc.load('net.arch')['Net']; print(n.python(), n.arch(), n.json(), n.summary())"
    seen = set()
    for seed in ("0", "1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_an_error_that_nothing_catches_is_printed_with_its_place_and_fix() -> None:
    with pytest.raises(archc.CompileError) as caught:
        archc.loads("arch 0.1\nmodel Net : [8] -> [2] = liner(2)\n", name="net.arch")
    printed = "".join(traceback.format_exception(caught.value))
    assert "A0101 no op is called `liner`" in printed and "net.arch:2:26" in printed and "try  linear(2)" in printed
