"""The command archc: exit codes, streams, JSON, files, and what happens when things go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archc.cli import main
from archc.cli.target import setting

NET = "arch 0.1\n\nmodel Net(width = 8) : [4] -> [2] = linear(width) -> relu -> linear(2)\n"
BAD = "arch 0.1\n\nmodel Net : [4] -> [2] = liner(2)\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arch.toml").touch()
    (tmp_path / "net.arch").write_text(NET)
    (tmp_path / "bad.arch").write_text(BAD)
    return tmp_path


Output = pytest.CaptureFixture[str]


def started(*words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "archc", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )


def run(*words: str, given: str = "", **environment: str) -> tuple[int, str, str]:
    with started(*words, **environment) as process:
        out, err = process.communicate(given, timeout=60)
    return process.returncode, out, err


# ---------------------------------------------------------------- exit codes and streams
def test_a_right_program_is_0_and_a_wrong_one_1(capsys: Output) -> None:
    assert main(["check", "net.arch"]) == 0
    assert "nothing to mend" in capsys.readouterr().out
    assert main(["check", "bad.arch"]) == 1
    printed = capsys.readouterr()
    assert "A0101" in printed.err and "A0101" not in printed.out


@pytest.mark.parametrize(
    "words",
    [
        ["chek"],
        ["check"],
        ["check", "--no-such-option", "net.arch"],
        ["check", "missing.arch"],
        ["summary", "net.arch"],
        ["summary", "net.arch:Nett"],
        ["summary", "net.arch:Net", "--set", "width"],
        ["compile", "net.arch:Net", "--to", "fortran"],
        ["compile", "net.arch:Net"],
        ["explain", "A9999"],
    ],
)
def test_a_wrong_call_is_2_and_says_what_to_do(words: list[str], capsys: Output) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("A09") and not printed.out


def test_a_wrong_call_points_at_the_word(capsys: Output) -> None:
    main(["summary", "net.arch:Nett"])
    printed = capsys.readouterr().err
    assert "archc summary net.arch:Nett" in printed and "^^^^" in printed and "nearest: Net" in printed


def test_help_is_short_and_names_every_command(capsys: Output) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in ("check", "fmt", "compile", "summary", "explain", "init"))
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == printed.strip()


def test_versions_are_told_without_importing_anything(capsys: Output) -> None:
    assert main(["--version"]) == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["archc", "language", "torch", "xgrammar", "python"]


def test_completion_comes_with_the_shell() -> None:
    code, out, _ = run(_ARCHC_COMPLETE="source_bash")
    assert code == 0 and "complete" in out


# ---------------------------------------------------------------- bugs, interrupts, pipes
def test_an_internal_error_is_told_as_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: Output, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise LookupError("forced by a test")

    monkeypatch.setattr("archc.check.check", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["check", "net.arch"]) == 3
    printed = capsys.readouterr().err
    assert printed.startswith("this is a bug in archc") and "archc check net.arch" in printed and "report" in printed
    (details,) = tmp_path.glob("archc-bug-*.txt")
    assert "forced by a test" in details.read_text() and "Traceback" in details.read_text()
    assert str(details) in printed and "Traceback" not in printed


def test_too_deep_a_recursion_of_our_own_is_a_bug_too(
    monkeypatch: pytest.MonkeyPatch, capsys: Output, tmp_path: Path
) -> None:
    def endless(*_: object) -> None:
        endless()

    monkeypatch.setattr("archc.check.check", endless)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["check", "net.arch"]) == 3
    assert "RecursionError" in capsys.readouterr().err


def test_an_interrupt_is_130() -> None:
    with started("check", "--watch", "net.arch") as process:
        assert process.stdout
        assert "nothing to mend" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    with started("compile", "net.arch:Net", "--to", "python") as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_a_full_disk_is_told(capsys: Output) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archc", "check", "net.arch"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2 and done.stderr.startswith("A0908")


def test_an_output_that_cannot_say_a_letter_gets_its_number() -> None:
    code, out, err = run("summary", "net.arch:Net", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert code == 0 and not err and "linear" in out


# ---------------------------------------------------------------- check
def test_a_folder_is_every_file_in_it(folder: Path, capsys: Output) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "net.arch").write_text(NET)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "bad.arch").write_text(BAD)
    (folder / "bad.arch").unlink()
    assert main(["check", "."]) == 0
    assert "2 files" in capsys.readouterr().out


def test_a_mistake_in_a_file_that_two_import_is_told_once(folder: Path, capsys: Output) -> None:
    for name in ("one", "two"):
        (folder / f"{name}.arch").write_text('arch 0.1\nimport "./bad.arch" as bad\nmodel M : [4] -> [2] = linear(2)\n')
    assert main(["check", "."]) == 1
    assert capsys.readouterr().err.count("A0101") == 1


def test_verbose_tells_types_and_preconditions(folder: Path, capsys: Output) -> None:
    text = "arch 0.1\nblock Half : [n, d] -> [n, d/2] = linear(d/2)\n"
    (folder / "half.arch").write_text(text)
    assert main(["check", "-v", "half.arch"]) == 0
    printed = capsys.readouterr().out
    assert "block Half" in printed and "needs" in printed


def test_standard_input_is_a_file() -> None:
    assert run("check", "-", given=NET)[0] == 0
    code, _, err = run("check", "-", given=BAD)
    assert code == 1 and "<stdin>:3" in err


def test_bytes_that_are_no_text_are_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archc", "check", "-"], input=b"arch 0.1\n\xff", capture_output=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith(b"A0907")


def test_json_is_one_object_with_a_version(capsys: Output) -> None:
    assert main(["check", "--json", "net.arch", "bad.arch"]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["version"] == 1 and not printed.err
    assert [entry["code"] for entry in found["diagnostics"]] == ["A0101"]
    assert [entry["ok"] for entry in found["files"]] == [True, False]
    assert found["files"][0]["declarations"][0]["name"] == "Net"


def test_json_holds_for_wrong_calls_too(capsys: Output) -> None:
    assert main(["summary", "net.arch:Nett", "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["diagnostics"][0]["code"] == "A0904"


def test_watch_checks_again_when_a_file_changes(folder: Path) -> None:
    with started("check", "--watch", "net.arch") as process:
        assert process.stdout
        assert "nothing to mend" in process.stdout.readline()
        time.sleep(0.05)
        (folder / "net.arch").write_text(BAD)
        assert "1 of 1 file to mend" in process.stdout.readline()
        (folder / "net.arch").unlink()
        time.sleep(0.5)
        (folder / "net.arch").write_text(NET)
        assert "nothing to mend" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert "A0101" in err


def test_watch_follows_imports(folder: Path) -> None:
    (folder / "parts.arch").write_text("arch 0.1\nblock Head(n) = flatten -> linear(n)\n")
    (folder / "uses.arch").write_text('arch 0.1\nimport "./parts.arch" (Head)\nmodel Uses : [8] -> [2] = Head(2)\n')
    with started("check", "--watch", "uses.arch") as process:
        assert process.stdout
        assert "nothing to mend" in process.stdout.readline()
        (folder / "parts.arch").write_text("arch 0.1\nblock Head(n) = flatten -> liner(n)\n")
        assert "1 of 1 file to mend" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_what_an_option_needs_is_told_by_its_name(capsys: Output) -> None:
    _, _, err = run("decode", "types.arch:Order", "--prompt", "hi")
    assert "`archc decode` needs --model PATH" in err and "archc decode --help" in err


def test_a_folder_is_no_document(folder: Path) -> None:
    (folder / "order.arch").write_text("arch 0.1\ntype Order = { id: Int }\n")
    _, _, err = run("validate", "order.arch:Order", ".")
    assert "`.` is a folder" in err


def test_a_name_in_an_input_type_is_told_in_its_own_words(folder: Path) -> None:
    _, _, err = run("summary", "net.arch:Net", "--at", "[3, h, 32]")
    assert err.startswith("A0704") and "`h` is not known here" in err and "op it" not in err


def test_colour_is_for_terminals_and_not_for_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    from archc.cli.output import coloured

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert coloured(sys.stderr)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(sys.stderr)


# ---------------------------------------------------------------- fmt
def test_fmt_lays_out_in_place_and_once(folder: Path, capsys: Output) -> None:
    wild = "arch 0.1\nmodel   Net:[4]->[2]=linear( 2 )   # why\n"
    (folder / "wild.arch").write_text(wild)
    assert main(["fmt", "--check", "wild.arch"]) == 1
    assert main(["fmt", "--diff", "wild.arch"]) == 1
    assert "+model Net : [4] -> [2]" in capsys.readouterr().out
    assert (folder / "wild.arch").read_text() == wild
    assert main(["fmt", "wild.arch"]) == 0
    laid_out = (folder / "wild.arch").read_text()
    assert "# why" in laid_out and laid_out != wild
    assert main(["fmt", "--check", "wild.arch"]) == 0


def test_fmt_is_a_filter() -> None:
    code, out, err = run("fmt", "-", given="arch 0.1\nconst   a=3\n")
    assert (code, err) == (0, "") and "const a = 3" in out


def test_fmt_leaves_a_wrong_file_alone(folder: Path, capsys: Output) -> None:
    (folder / "wrong.arch").write_text("arch 0.1\nmodel = (\n")
    assert main(["fmt", "wrong.arch"]) == 1
    assert (folder / "wrong.arch").read_text() == "arch 0.1\nmodel = (\n"
    assert capsys.readouterr().err.startswith("A00")


# ---------------------------------------------------------------- compile and summary
def test_output_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    (folder / "net.py").write_text("what was there before")

    def torn(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", torn)
    assert main(["compile", "net.arch:Net", "--to", "python", "-o", "net.py"]) == 2
    assert "A0908" in capsys.readouterr().err
    assert (folder / "net.py").read_text() == "what was there before"
    assert sorted(path.name for path in folder.iterdir()) == ["arch.toml", "bad.arch", "net.arch", "net.py"]


@pytest.mark.parametrize("form", ["python", "arch", "json"])
def test_compile_writes_each_format_to_a_file_or_the_output(form: str, folder: Path, capsys: Output) -> None:
    assert main(["compile", "net.arch:Net", "--to", form]) == 0
    printed = capsys.readouterr().out
    assert main(["compile", "net.arch:Net", "--to", form, "-o", "out"]) == 0
    assert (folder / "out").read_text().strip() == printed.strip() and printed.strip()
    if form == "json":
        json.loads(printed)


def test_a_wrong_program_writes_nothing(folder: Path) -> None:
    assert main(["compile", "bad.arch:Net", "--to", "python", "-o", "bad.py"]) == 1
    assert not (folder / "bad.py").exists()


def test_summary_counts(capsys: Output) -> None:
    assert main(["summary", "net.arch:Net", "--set", "width=16", "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    macs = 4 * 16 + 16 * 2
    params = 4 * 16 + 16 + 16 * 2 + 2
    assert total == {"params": params, "macs": macs, "flops": 2 * macs, "activation_bytes": 4 * (16 + 16 + 2)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("depth=6", 6),
        ("vocab=50K", 50_000),
        ("p=0.1", 0.1),
        ("p=-1", -1),
        ("on=true", True),
        ("sizes=[1, 2,3]", (1, 2, 3)),
        ("how=sum", "sum"),
        ("how='sum'", "sum"),
        ("n=1.5M", 1_500_000),
    ],
)
def test_settings_are_read_as_the_language_reads_them(text: str, value: object) -> None:
    name, found = setting(text)
    assert name == text.partition("=")[0] and found == value and type(found) is type(value)


# ---------------------------------------------------------------- explain and init
def test_every_essay_is_listed_and_printed(capsys: Output) -> None:
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert any(line.startswith("A0101  ") for line in listed)
    for line in listed:
        assert main(["explain", line[:5].lower()]) == 0
        assert capsys.readouterr().out.startswith(f"# {line[:5]}")


def test_an_essay_is_set_in_type_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setattr("archc.cli.output.coloured", lambda stream: True)
    assert main(["explain", "A0902"]) == 0
    printed = capsys.readouterr().out
    assert "A0902" in printed and "```" not in printed


def test_init_makes_a_project_that_checks_and_is_laid_out(capsys: Output) -> None:
    assert main(["init", "project"]) == 0
    assert main(["check", "project"]) == 0
    assert main(["fmt", "--check", "project"]) == 0
    assert main(["summary", "project/model.arch:Net", "--at", "[3, 32, 32]"]) == 0
    assert main(["init", "project"]) == 2
    assert "A0911" in capsys.readouterr().err
