"""Files made to do harm: nothing runs, nothing outside the project is read, outputs are whole or not there."""

import ast
import builtins
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Self

import pytest

import archc
from archc.cli import main
from archc.cli.output import WrongCall, write_whole
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import Limits
from archc.grammar.render import render
from archc.grammar.source import Source
from archc.load import load_file, load_text

# ---------------------------------------------------------------- text that wants to be code
PIECES = (
    '"""', "'''", '"', "'", "\\", "\\\\", '\\"', "\\n", "\\N{BULLET}", "\\x41", "{canary()}", "{{", "}}", "%s", "${canary}",
    "canary()", "; canary() #", "#", "\\u0022", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041",
    "é", "漢", "\U0001f600", "</script>", "<!--", "]]>", "%>", "`", "$(canary)", " ", "  ", "\t", "import os", "eval", "x",
)  # fmt: skip
ALLOWED = {
    "Add", "And", "AnnAssign", "Assign", "Attribute", "BinOp", "BitAnd", "BitOr", "BoolOp", "Call", "ClassDef",
    "Compare", "Constant", "Del", "Delete", "Div", "Eq", "Expr", "FloorDiv", "For", "FormattedValue", "FunctionDef",
    "GeneratorExp", "Gt", "GtE", "If", "IfExp", "Import", "ImportFrom", "Is", "IsNot", "JoinedStr", "List",
    "ListComp", "Load", "Lt", "LtE", "MatMult", "Mod", "Module", "Mult", "Name", "Not", "NotEq", "Or", "Pow",
    "Raise", "Return", "Slice", "Starred", "Store", "Sub", "Subscript", "Tuple", "USub", "UnaryOp", "With", "alias",
    "arg", "arguments", "comprehension", "keyword", "withitem",
}  # fmt: skip
"""The kinds of nodes that generated Python is made of."""


def _hostile(random: Random) -> str:
    return "".join(random.choices(PIECES, k=random.randint(1, 6)))


def _string(text: str) -> str:
    """Return `text` as a literal of .arch, with everything escaped that may not stand there."""
    quoted = json.dumps(text, ensure_ascii=True)
    assert quoted.startswith('"')
    return quoted


def _program(random: Random, count: int) -> str:
    docs = "".join(f"## {_hostile(random)}\n" for _ in range(count))
    calls = " -> ".join(f"Named({_string(_hostile(random))})" for _ in range(count))
    return f"arch 0.1\n{docs}block Named(words: String) : [..s] -> [..s] = relu -> gelu\n{docs}model M : [4] -> [4] = {calls}\n"


def _harmless(python: str) -> None:
    tree = ast.parse(python)
    for node in ast.walk(tree):
        assert type(node).__name__ in ALLOWED, f"{type(node).__name__}: {ast.unparse(node)[:80]}"
        name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
        assert "canary" not in str(name) and not str(name).startswith("eval"), ast.unparse(node)[:80]
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules <= {"torch", "torch.nn.functional", "math"}, modules


@pytest.mark.parametrize("programs", [15, pytest.param(100, marks=pytest.mark.soak)])
def test_thousands_of_texts_stay_texts_in_python_json_and_arch(programs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fired: list[object] = []
    monkeypatch.setattr(builtins, "canary", lambda *given: fired.append(given), raising=False)
    random = Random(programs)
    for number in range(programs):
        model = archc.loads(_program(random, 100))["M"]
        _harmless(model.python())
        assert json.loads(model.json())
        again = archc.loads(model.arch())["M"]
        assert again.graph().inputs == model.graph().inputs
        if number % 10 == 0:
            exec(compile(model.python(), "<generated>", "exec"), {"__name__": "generated"})  # noqa: S102  the canary
    assert not fired


def test_line_ends_of_every_kind_end_no_comment() -> None:
    for end in ("\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"):
        text = f"arch 0.1\n## before{end}canary()\nmodel M : [4] -> [4] = relu\n"
        try:
            _harmless(archc.loads(text)["M"].python())
        except CompileError as error:
            assert {found.code for found in error.diagnostics} <= {"A0012", "A0013"}, error


@pytest.mark.parametrize(
    "name", ["__class__", "__init__", "forward", "self", "torch", "nn", "super", "canary", "x", "print"]
)
def test_names_that_python_gives_a_meaning_are_only_names(name: str) -> None:
    text = f"arch 0.1\nblock B({name} = 4) : [n] -> [{name}] = linear({name})\nmodel M : ({name}: [4]) -> [4] = B\n"
    try:
        python = archc.loads(text)["M"].python()
    except CompileError:
        return
    namespace: dict[str, object] = {"__name__": "generated"}
    exec(compile(python, "<generated>", "exec"), namespace)  # noqa: S102  what is written must run
    assert "M" in namespace


# ---------------------------------------------------------------- characters that look like others
@pytest.mark.parametrize(
    "char", ["\u0430", "\u0391", "\u212b", "\uff41", "\U0001d41a", "\u0131", "\u00e9", "\u202e", "\u200d", "\u2066"]
)
def test_other_characters_are_refused_in_names(char: str) -> None:
    for name in (char, f"a{char}", f"a{char}b"):
        with pytest.raises(CompileError) as raised:
            load_text(f"arch 0.1\nblock B({name} = 4) : [n] -> [n] = relu\n")
        assert {found.code for found in raised.value.diagnostics} <= {"A0010", "A0011", "A0012", "A0001"}
        assert raised.value.diagnostics[0].code in ("A0011", "A0012", "A0010")


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\u2069", "\u00ad"])
def test_hidden_characters_are_warned_of_in_comments(char: str) -> None:
    loaded = load_text(f"arch 0.1\n# be{char}fore\nconst a = 1\n")
    assert [(found.code, found.severity) for found in loaded.warnings] == [("A0012", "warning")]


def test_mixed_alphabets_are_warned_of_in_comments() -> None:
    loaded = load_text("arch 0.1\n# the n\u0430me\nconst a = 1\n")
    assert [(found.code, found.severity) for found in loaded.warnings] == [("A0011", "warning")]


def test_a_message_holds_no_control_characters() -> None:
    text = 'arch 0.1\nmodel M\x1b[31m : [4] -> [4] = "\x1b]0;title\x07\x9b31m\u202e" # \x1b[2J\n'
    with pytest.raises(CompileError) as raised:
        load_text(text, "evil\x1b[31m\n.arch")
    shown = render(raised.value.diagnostics)
    assert all(ord(char) >= 32 or char == "\n" for char in shown) and "\x9b" not in shown and "\u202e" not in shown
    alone = render([Diagnostic("A0001", "\x1b[31mred", hint="\x07", label="\r")])
    assert "\x1b" not in alone and "\x07" not in alone and "\r" not in alone


# ---------------------------------------------------------------- imports
@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the root of a project beside which lies a secret."""
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    (root / "arch.toml").write_text("")
    (root / "good.arch").write_text("arch 0.1\nblock Good : [n] -> [n] = relu\n")
    (tmp_path / "secret.arch").write_text("arch 0.1\nblock Secret : [n] -> [n] = relu\n")
    (root / "link.arch").symlink_to(tmp_path / "secret.arch")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.arch").symlink_to(root / "loop.arch")
    (root / "dangling.arch").symlink_to(root / "nothing.arch")
    (root / "device.arch").symlink_to("/dev/zero")
    (root / "directory.arch").mkdir()
    os.mkfifo(root / "pipe.arch")
    (root / "binary.arch").write_bytes(b"\xff\xfe\x00")
    (root / "large.arch").write_bytes(b"#" * (1 << 21))
    (root / "unreadable.arch").write_text("arch 0.1\n")
    (root / "unreadable.arch").chmod(0)
    (root / "one.arch").write_text('arch 0.1\nimport "./two.arch"\n')
    (root / "two.arch").write_text('arch 0.1\nimport "./one.arch"\n')
    return root


ATTACKS = (
    "../secret.arch", "./../secret.arch", "sub/../../secret.arch", "../../../../../../etc/passwd", "/etc/passwd",
    "/etc/hosts.arch", "//etc/passwd.arch", "link.arch", "./link.arch", "folder/secret.arch", "folder/project/../secret.arch",
    "loop.arch", "dangling.arch", "device.arch", "pipe.arch", "directory.arch", "directory.arch/", "binary.arch", "large.arch",
    "/dev/zero", "/dev/stdin.arch", "/proc/self/environ.arch", "/proc/self/cwd/good.arch", "http://example.org/a.arch",
    "https://example.org/a.arch", "file:///etc/passwd", "file://localhost/etc/a.arch", "ftp://a/b.arch", "\\\\host\\share\\a.arch",
    "C:\\windows\\a.arch", "a\\..\\secret.arch", "\\u0000.arch", "good.arch\\u0000.txt", "good.txt", "good", "", ".", "..", "./",
    "~/a.arch", "$HOME/a.arch", f"{'a' * 300}.arch", f"{'a/' * 3000}a.arch", "GOOD.ARCH", "good.arch ", " good.arch", "main.arch",
    "one.arch", "sub", "good.arch/../../secret.arch", "missing.arch", "good.arch/good.arch", "std/nn.txt", "\\n.arch",
)  # fmt: skip


@pytest.mark.parametrize("path", ATTACKS)
def test_an_import_reads_nothing_outside_its_project(project: Path, path: str) -> None:
    file = project / "main.arch"
    file.write_text(f'arch 0.1\nimport "{path}"\nmodel M : [4] -> [4] = relu\n')
    with pytest.raises(CompileError) as raised:
        load_file(file)
    found = raised.value.diagnostics[0]
    assert found.code.startswith("A06") or found.code in ("A0009", "A0801"), found
    assert "root:" not in render(raised.value.diagnostics) and "Secret" not in str(raised.value)


def test_imports_inside_the_project_are_read(project: Path) -> None:
    file = project / "sub" / "main.arch"
    for path in ("../good.arch", "./../good.arch", "../sub/../good.arch"):
        file.write_text(f'arch 0.1\nimport "{path}" (Good)\nmodel M : [4] -> [4] = Good\n')
        assert "M" in archc.load(file)


def test_a_text_without_a_folder_imports_no_file() -> None:
    with pytest.raises(CompileError, match="A0602"):
        load_text('arch 0.1\nimport "good.arch"\n')


def test_nothing_is_asked_of_the_network(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket is opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    model = archc.load(project / "good.arch")["Good"]
    assert model.graph(at=(4,)).nodes


# ---------------------------------------------------------------- commands
BAD_FILES = {
    "empty": b"", "noise": bytes(range(256)), "cut": b"arch 0.1\nmodel M : [4] -> \xe2\x82", "nul": b"arch 0.1\0\0\0",
    "deep": b"arch 0.1\nmodel M : [4] -> [4] = " + b"(" * 100_000, "bom": b"\xff\xfea\0r\0c\0h\0", "wrong": b"arch 0.1\nmodel M = nothing\n",
    "long": b"arch 0.1\nconst a = " + b"9" * 100_000, "bomb": b"arch 0.1\nmodel M : [4] -> [4] = relu * 999999999999\n",
}  # fmt: skip


def _commands(path: str) -> Iterator[list[str]]:
    for more in ([], ["-v"], ["--json"]):
        yield ["check", path, *more]
    yield ["fmt", "--check", path]
    yield ["fmt", "--diff", path]
    yield ["summary", f"{path}:M"]
    yield ["summary", f"{path}:M", "--json", "--at", "[" * 500]
    for to in ("python", "json", "arch"):
        yield ["compile", f"{path}:M", "--to", to]
    yield ["compile", f"{path}:M", "--to", "python", "--set", f"a={'9' * 400}"]
    yield ["explain", path]


@pytest.mark.parametrize("kind", BAD_FILES)
def test_commands_end_in_diagnostics_on_any_file(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"{kind}.arch"
    file.write_bytes(BAD_FILES[kind])
    for command in _commands(str(file)):
        code = main(command)
        out, err = capsys.readouterr()
        assert code in (0, 1, 2), (command, code, err)
        assert code == 0 or out or err, command
    assert file.read_bytes() == BAD_FILES[kind]


@pytest.mark.parametrize(
    "command", [["check", "-"], ["fmt", "-"], ["compile", "-:M", "--to", "python"], ["summary", "-:M"]]
)
def test_commands_end_in_diagnostics_on_any_input(command: list[str]) -> None:
    for data in BAD_FILES.values():
        call = [sys.executable, "-m", "archc", *command]
        done = subprocess.run(call, input=data, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 1, 2), (command, data[:40], done.stderr)
        assert b"Traceback" not in done.stderr


# ---------------------------------------------------------------- whole or not at all
@pytest.mark.parametrize("step", ["open", "write", "flush", "fsync", "chmod", "replace"])
def test_a_file_stays_as_it_was_when_the_disk_is_full(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "net.py"
    file.write_text("before")

    def full(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Disk:
        """A file on a full disk."""

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def write(self, text: str) -> int:
            return len(text) if step != "write" else full()  # type: ignore[return-value]  it raises

        def flush(self) -> None:
            full()

    if step == "open":
        monkeypatch.setattr("tempfile.mkstemp", full)
    elif step in ("write", "flush"):
        monkeypatch.setattr("builtins.open", lambda handle, *_, **__: os.close(handle) or Disk())
    else:
        monkeypatch.setattr(os, step, full)
    with pytest.raises(WrongCall, match="cannot be written: No space left on device"):
        write_whole(file, "after")
    monkeypatch.undo()
    assert file.read_text() == "before" and [entry.name for entry in tmp_path.iterdir()] == ["net.py"]


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    sizes = {0}
    for attempt in range(12):
        code = (
            "import sys, os, signal, threading, pathlib\n"
            "from archc.cli.output import write_whole\n"
            f"threading.Timer({0.0005 * (attempt + 1)}, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
            f"for n in range(1, 10**6): write_whole(pathlib.Path({str(file)!r}), 'x' * 200_000)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
        assert done.returncode == -9, done.stderr
        sizes.add(file.stat().st_size if file.exists() else 0)
    assert sizes <= {0, 200_000}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.arch"
    file.write_text("arch 0.1\nmodel M : [4] -> [4] = relu\n")
    assert main(["compile", f"{file}:M", "--to", "json", "-o", str(tmp_path / "no" / "out.json")]) == 2
    assert "A0908" in capsys.readouterr().err
    assert main(["compile", f"{file}:M", "--to", "json", "-o", "/dev/full"]) == 2
    assert "A0908" in capsys.readouterr().err


def test_a_limit_of_the_source_is_named() -> None:
    with pytest.raises(CompileError) as raised:
        load_text("arch 0.1\n" + "#" * 200, limits=Limits(file_size=100))
    (found,) = raised.value.diagnostics
    assert (found.code, found.span.source) == ("A0801", Source("<text>", "arch 0.1\n" + "#" * 200))
