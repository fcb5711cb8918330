"""Files and their imports -> modules, all parsed, in one project."""

import os
import stat
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from itertools import islice
from pathlib import Path

from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.parse import parse
from archc.grammar.source import NOWHERE, Source, Span

PROJECT_MARKERS = ("arch.toml", "pyproject.toml", ".git")
LIBRARY = ("std.nn",)


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file. `imports` gives, for each of its import items, the number of the module it names."""

    name: str
    file: s.File
    imports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file and all it imports; `modules[0]` is std.nn and `modules[main]` the file itself."""

    modules: tuple[Module, ...]
    main: int
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class _Loading:
    root: Path | None
    limits: Limits
    modules: list[Module | None] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    total: int = 0


def load_file(path: Path, limits: Limits = DEFAULT) -> Loaded:
    """Return the program in the file at `path`.

    Raises CompileError with every syntax error and unreadable import of all files.
    """
    source = read_source(path, limits)
    real = path.resolve()
    return _load(_Loading(project_root(real), limits), str(real), source)


def read_source(path: Path, limits: Limits = DEFAULT) -> Source:
    """Return the text of the file at `path`. Raises CompileError when it cannot be had."""
    shown = os.path.relpath(path) if len(os.path.relpath(path)) < len(str(path)) else str(path)
    text = _read(path, shown, NOWHERE, limits)
    if isinstance(text, Diagnostic):
        raise CompileError([text])
    return Source(shown, text)


def load_text(text: str, name: str = "<text>", root: Path | None = None, limits: Limits = DEFAULT) -> Loaded:
    """Return the program in `text`; its imports of files resolve in the folder `root`, or nowhere without one.

    Raises CompileError as `load_file` does.
    """
    key = str((root / name).resolve()) if root else name
    return _load(_Loading(project_root(root.resolve() / "x") if root else None, limits), key, Source(name, text))


def project_root(path: Path) -> Path:
    """Return the nearest folder above `path` that marks a project, else the file's own."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in PROJECT_MARKERS):
            return folder
    return path.parent


def _load(loading: _Loading, key: str, source: Source) -> Loaded:
    loading.modules.append(Module("std.nn", _library("std.nn"), ()))
    loading.numbers["std.nn"] = 0
    main = _add(loading, key, source.name, source)
    errors = [found for found in loading.found if found.severity == "error"]
    if errors:
        raise CompileError(loading.found)
    modules = tuple(module for module in loading.modules if module is not None)
    return Loaded(modules, main, tuple(loading.found))


@lru_cache(maxsize=8)
def _library(name: str) -> s.File:
    path = resources.files("archc.grammar") / "std" / f"{name.removeprefix('std.')}.arch"
    file, found = parse(Source(f"{name.replace('.', '/')}.arch", path.read_text(encoding="ascii")))
    assert not found, found
    return file


def _add(loading: _Loading, key: str, name: str, source: Source) -> int:
    """Parse `source` as the next module and load what it imports; return its number."""
    number = len(loading.modules)
    loading.modules.append(None)
    loading.numbers[key] = number
    loading.total += len(source.text)
    file, found = parse(source, loading.limits)
    loading.found.extend(found)
    loading.stack.append(key)
    imports = tuple(_import(loading, item, key) for item in file.items if isinstance(item, s.Import))
    loading.stack.pop()
    loading.modules[number] = Module(name, file, imports)
    return number


def _import(loading: _Loading, item: s.Import, importer: str) -> int:
    """Return the number of the module that `item` names; 0 after a complaint."""
    if not item.is_file:
        return _import_library(loading, item)
    path = _locate(loading, item, importer)
    if isinstance(path, Diagnostic):
        loading.found.append(path)
        return 0
    key = str(path)
    if key in loading.stack:
        loading.found.append(_cycle(loading, item, key))
        return 0
    if key in loading.numbers:
        return loading.numbers[key]
    over = _over(loading, item)
    text = over or _read(path, item.path, item.path_span, loading.limits)
    if isinstance(text, Diagnostic):
        loading.found.append(text)
        return 0
    assert loading.root is not None
    return _add(loading, key, item.path, Source(os.path.relpath(path), text))


def _import_library(loading: _Loading, item: s.Import) -> int:
    if item.path not in LIBRARY:
        hint = f'import "./{item.path.replace(".", "/")}.arch"' if not item.path.startswith("std.") else "import std.nn"
        text = f"there is no library module `{item.path}`"
        loading.found.append(
            Diagnostic("A0601", text, item.path_span, "the library has std.nn; a file is a string", hint=hint)
        )
    return 0


def _locate(loading: _Loading, item: s.Import, importer: str) -> Path | Diagnostic:
    span = item.path_span
    if loading.root is None:
        return Diagnostic("A0602", "text without a folder cannot import files", span, "std.nn can be imported anywhere")
    if "\0" in item.path or "://" in item.path or "\\" in item.path or not item.path.endswith(".arch"):
        return Diagnostic(
            "A0601", "an imported file is a relative path ending in .arch", span, f"found {item.path!r}"[:80]
        )
    path = Path(os.path.realpath(Path(importer).parent / item.path))  # Path.resolve raises on a loop of links
    if os.path.isabs(item.path) or not path.is_relative_to(loading.root):
        label = "this leads outside; nothing outside the project is read"
        hint = "move the file into the project, or put an arch.toml into the folder that holds both"
        return Diagnostic("A0602", "an import stays inside its project", span, label, hint=hint)
    return path


def _over(loading: _Loading, item: s.Import) -> Diagnostic | None:
    limits = loading.limits
    for name, value, bound in (
        ("files", len(loading.modules), limits.files),
        ("import_depth", len(loading.stack), limits.import_depth),
        ("total_size", loading.total, limits.total_size),
    ):
        if value >= bound:
            text = f"the imports reach the limit `{name}` of {bound}"
            return Diagnostic(
                "A0806", text, item.path_span, hint=f"archc.load(path, limits=Limits({name}={2 * bound}))"
            )
    return None


def _cycle(loading: _Loading, item: s.Import, key: str) -> Diagnostic:
    names = [os.path.basename(entry) for entry in loading.stack[loading.stack.index(key) :]]
    chain = " -> ".join([*names, os.path.basename(key)])
    hint = "move what both files need into a third"
    return Diagnostic("A0603", "these files import each other", item.path_span, chain, (), hint)


def _read(path: Path, shown: str, span: Span, limits: Limits) -> str | Diagnostic:
    """Return the text of a regular file, or why it cannot be had; devices and pipes are never opened."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return Diagnostic("A0601", f"`{shown}` is not a regular file", span)
        if status.st_size > limits.file_size:
            text = f"`{shown}` has {status.st_size} bytes; the limit `file_size` is {limits.file_size}"
            return Diagnostic("A0801", text, span, hint="split it, or raise it with Limits(file_size=...)")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        text = f"`{shown}` is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}"
        return Diagnostic("A0605", text, span, hint="save it as ASCII or UTF-8")
    except FileNotFoundError:
        near = _nearest(path)
        label = f"nearest: {', '.join(near)}" if near else ""
        hint = f'"{shown[: len(shown) - len(path.name)]}{near[0]}"' if near and shown.endswith(path.name) else ""
        return Diagnostic("A0601", f"there is no file `{shown}`", span, label, hint=hint)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Diagnostic("A0601", f"`{shown}` cannot be read: {reason}", span)


def _nearest(path: Path) -> list[str]:
    """Return the names of programs beside a file that is not there, those like its own first."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, 1000) if entry.name.endswith(".arch")]
    except OSError:
        return []
    return get_close_matches(path.name, sorted(names), 3)
