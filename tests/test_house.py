"""How the house stands: imports go down, pieces stay small, nothing dangerous is used, every code is explained."""

import ast
import doctest
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import archc

ROOT = Path(__file__).parent.parent
FOLDERS = {"compiler": "archc", "grammar": "archc.grammar", "runtime": "archc.runtime"}
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
SCRIPTS = sorted(file for folder in ("benchmarks", "examples", "docs") for file in (ROOT / folder).rglob("*.py"))

ROWS = (
    ("grammar",),
    ("sizes", "tensor", "graph"),
    ("ops", "cost"),
    ("values", "shapes", "load", "names"),
    ("regular",),
    ("data",),
    ("grammars",),
    ("rules", "check", "equivalents"),
    ("builder", "build", "simplify", "spaces"),
    ("lower", "show"),
    ("runtime",),
    ("asked", "members", "networks", "search"),
    ("api",),
    ("cli", "lsp", "__main__"),
)
"""The order in which a program goes; a module imports from its own row and those above it, without cycles."""

PUBLIC_NAMES = 15
FUNCTION_LINES = 40
MODULE_LINES = 400


def _id(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _module(file: Path) -> str:
    folder, *rest = file.relative_to(ROOT).with_suffix("").parts
    return ".".join([FOLDERS[folder], *(part for part in rest if part != "__init__")])


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _imported(file: Path) -> Iterator[str]:
    known = {_module(entry) for entry in FILES}
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_id(file)}:{node.lineno} imports relatively; write it in full"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else str(node.module) for name in inner)


def _row(module: str) -> int | None:
    """Return the row of a module of archc; None for the package itself, which only hands names on."""
    if module == "archc":
        return None
    part = module.split(".")[1]
    for number, row in enumerate(ROWS):
        if part in row:
            return number
    raise AssertionError(f"{module} stands in no row; docs/style.md and ROWS in test_house.py list them")


@pytest.mark.parametrize("file", FILES, ids=_id)
def test_imports_go_down(file: Path) -> None:
    own = _row(_module(file))
    for name in _imported(file):
        if name.partition(".")[0] == "archc" and own is not None:
            assert name != "archc", f"{_id(file)} imports the package itself; import the module"
            row = _row(name)
            assert row is not None and row <= own, f"{_id(file)} imports {name}, which stands below it"


def test_imports_make_no_cycle() -> None:
    edges = {_module(file): [n for n in _imported(file) if n.startswith("archc.")] for file in FILES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for name in edges.get(module, []):
                visit(name, (*path, module))
            done.add(module)

    for module in edges:
        visit(module, ())


def test_the_rows_are_those_of_the_style_guide() -> None:
    text = (ROOT / "docs/style.md").read_text(encoding="utf-8")
    listed = re.search(r"```text\n 1  grammar.*?```", text, re.DOTALL)
    assert listed
    words = set(re.findall(r"\w+", listed[0]))
    missing = [name for row in ROWS for name in row if name not in words]
    assert not missing, f"docs/style.md lists no {missing}"


@pytest.mark.parametrize("file", FILES + SCRIPTS, ids=_id)
def test_modules_and_functions_stay_small(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= MODULE_LINES, _id(file)
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{_id(file)}:{node.lineno} {node.name} has {length} lines"


PRODUCTIONS = ("grammar/tree.py", "grammar/flat.py")
"""Their functions are the productions of arch.lark, which says what each stands for."""


@pytest.mark.parametrize("file", FILES + SCRIPTS, ids=_id)
def test_modules_and_public_definitions_are_documented(file: Path) -> None:
    tree = _tree(file)
    assert ast.get_docstring(tree), f"{_id(file)} has no docstring"
    if _id(file) in PRODUCTIONS:
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{_id(file)}:{node.lineno} {node.name} has no docstring"


@pytest.mark.parametrize("file", FILES, ids=_id)
def test_examples_in_docstrings_are_true(file: Path) -> None:
    if ">>>" in file.read_text(encoding="utf-8"):
        assert doctest.testmod(importlib.import_module(_module(file))).failed == 0


def test_examples_in_the_style_guide_are_true() -> None:
    text = (ROOT / "docs/style.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    command = [sys.executable, "-W", "error", "-"]
    done = subprocess.run(command, input="\n".join(found), capture_output=True, text=True, check=False, timeout=60)
    assert found and done.returncode == 0, done.stderr


def test_a_submodule_does_not_take_the_place_of_a_public_name() -> None:
    importlib.import_module("archc.load")
    assert callable(archc.load)


def test_the_package_hands_few_names_on() -> None:
    assert len(archc.__all__) <= PUBLIC_NAMES
    assert sorted(archc.__all__) == sorted(set(archc.__all__))
    for name in archc.__all__:
        assert getattr(archc, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        archc.nothing_of_this_name  # noqa: B018


# ---------------------------------------------------------------- what is not used
FORBIDDEN_MODULES = {"pickle", "cPickle", "shelve", "marshal", "dill", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "yaml.load", "os.system", "os.popen"}
ALLOWED = {("compiler/lower/torch_module.py", "exec"), ("compiler/lower/torch_module.py", "compile")}
"""The one place where generated source becomes a module."""


@pytest.mark.parametrize("file", FILES + SCRIPTS, ids=_id)
def test_nothing_dangerous_is_used(file: Path) -> None:
    for name in _imported(file):
        assert name.partition(".")[0] not in FORBIDDEN_MODULES, f"{_id(file)} imports {name}"
    used: list[str] = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in FORBIDDEN_CALLS:
                assert (_id(file), name) in ALLOWED, f"{_id(file)}:{node.lineno} calls {name}"
                used.append(name)
            shell = [word for word in node.keywords if word.arg == "shell"]
            assert not shell, f"{_id(file)}:{node.lineno} hands a string to a shell"
    assert len(used) == len(set(used)), f"{_id(file)} uses {used}"


def test_no_file_holds_a_path_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    machine = re.compile(r"(?<![\w.~})-])/(?:work|farm|home|root|Users)/")
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.is_file() and not name.endswith((".png", ".jpg")):
            text = file.read_text(encoding="utf-8", errors="replace")
            found = machine.search(text)
            assert not found, f"{name} holds {text[found.start() : found.start() + 40]!r}" if found else ""


# ---------------------------------------------------------------- what importing costs
def _loaded_by(statement: str) -> set[str]:
    script = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_archc_is_light() -> None:
    loaded = _loaded_by("import archc")
    assert not loaded & {"torch", "numpy", "typer", "rich", "pydantic", "lark", "xgrammar", "dataclasses"}


@pytest.mark.parametrize(
    "statement",
    [
        "from archc.cli import main; main(['--help'])",
        "from archc.cli import main; main(['check', 'examples/resnet18.arch'])",
        "from archc.cli import main; main(['summary', 'examples/resnet18.arch:ResNet18', '--at', '[3, 224, 224]'])",
        "import importlib; [importlib.import_module(n) for n in {modules}]",
    ],
    ids=["help", "check", "summary", "every module"],
)
def test_torch_is_not_imported(statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    modules = [_module(file) for file in FILES if file.stem != "__main__" and not file.stem.startswith("support")]
    loaded = _loaded_by(statement.replace("{modules}", repr(modules)))
    heavy = {"torch", "transformers", "xgrammar"} | (set() if "{modules}" in statement else {"numpy"})
    assert not loaded & heavy


def test_nothing_opens_a_socket(tmp_path: Path) -> None:
    script = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a socket was opened")
socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse
from archc.cli import main
net = "examples/resnet18.arch:ResNet18"
codes = [main(["check", net.partition(":")[0]]), main(["summary", net, "--at", "[3, 64, 64]"]),
         main(["compile", net, "--at", "[3, 64, 64]", "--to", "python", "-o", sys.argv[1]])]
import archc
archc.load("examples/resnet18.arch")["ResNet18"].module(at=(3, 64, 64), device="meta")
assert codes == [0, 0, 0], codes
"""
    command = [sys.executable, "-c", script, str(tmp_path / "net.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- diagnostics
CODE = re.compile(r"A0\d{3}")
ESSAYS = {file.stem: file for file in (ROOT / "grammar/essays").glob("*.md")}


@cache
def _raised() -> dict[str, str]:
    """Return each code that stands as a string in the source, with a file that holds it."""
    found: dict[str, str] = {}
    for file in FILES:
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, _id(file))
    return found


def test_every_code_has_an_essay() -> None:
    missing = {code: file for code, file in _raised().items() if code not in ESSAYS}
    assert not missing, f"no essay in grammar/essays for {missing}"


def test_every_essay_is_about_a_code() -> None:
    assert not set(ESSAYS) - set(_raised())


@pytest.mark.parametrize("code", sorted(ESSAYS))
def test_an_essay_says_what_why_and_how(code: str) -> None:
    text = ESSAYS[code].read_text(encoding="utf-8")
    assert text.startswith(f"# {code}"), "the first line is the code and what it says"
    assert text.count("\n") >= 5
    assert "```" in text, "an essay shows a program or a command"


def _in_cases() -> set[str]:
    answers = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/cases").glob("*.md"))
    return set(re.findall(r"^(A0\d{3})  ", answers, re.MULTILINE))


def _in_tests() -> set[str]:
    """Return the codes that a test names: for files and limits, which no text block can hold."""
    found: set[str] = set()
    for file in (ROOT / "tests").glob("test_*.py"):
        found |= set(CODE.findall(file.read_text(encoding="utf-8")))
    return found


def test_every_code_is_produced_by_a_case() -> None:
    for_tests = {
        code for code in _in_tests() if code[:3] in ("A06", "A07", "A08", "A09") or code[:4] in ("A054", "A056")
    }
    missing = {code: file for code, file in _raised().items() if code not in _in_cases() | for_tests}
    assert not missing, f"no case produces {missing}"


@pytest.mark.parametrize("file", FILES, ids=_id)
def test_messages_are_in_our_words(file: Path) -> None:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Diagnostic"):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    foreign = re.search(r"(?i:\b(invalid|failed|illegal)\b)|\bI\b", part.value)
                    assert not foreign, f"{_id(file)}:{part.lineno} says {part.value!r}"
