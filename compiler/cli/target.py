"""FILE:NAME, --at and --set -> the network that they name."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archc.cli.output import WrongCall

if TYPE_CHECKING:
    from archc.check import Program
    from archc.graph import Graph
    from archc.load import Loaded

Setting = bool | int | float | str | tuple["Setting", ...]

SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def built(target: str, at: str, settings: Sequence[str]) -> "Graph":
    """Return the graph of the declaration that `target` names.

    Raises WrongCall when there is no such file or declaration, and CompileError when the program is wrong.
    """
    from archc.build import build
    from archc.check import check

    path, name = split(target)
    arguments = set_to(settings)
    program = check(loaded(path))
    _require_network(program, path, name, target)
    return build(program, name, arguments=arguments, at=at or None)


def split(target: str) -> tuple[str, str]:
    """Return file and name of FILE:NAME. Raises WrongCall when it is not of that form."""
    path, colon, name = target.rpartition(":")
    if colon and path and name:
        return path, name
    if target.endswith(".arch"):
        hint = f"{target}:NAME; `archc check -v {target}` lists the names"
        raise WrongCall("A0903", "a file alone does not say which network", target, label="no :NAME", hint=hint)
    raise WrongCall("A0903", "a network is named by its file and its name", target, label="FILE:NAME is expected")


def loaded(path: str) -> "Loaded":
    """Return the program in the file at `path`, or on standard input for `-`.

    Raises WrongCall when there is no such file, and CompileError when it does not parse.
    """
    from archc.load import load_file, load_text

    if path == "-":
        return load_text(standard_input(), "<stdin>", Path.cwd())
    if not os.path.exists(path):
        raise missing(path)
    return load_file(Path(path))


def standard_input() -> str:
    """Return standard input, up to just over what a file may hold. Raises WrongCall when it is not UTF-8."""
    from archc.grammar.limits import DEFAULT

    try:
        return sys.stdin.buffer.read(4 * DEFAULT.file_size + 1).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongCall("A0907", f"standard input is not UTF-8 at byte {error.start}") from error


def missing(path: str) -> WrongCall:
    """Return the complaint that there is nothing at `path`, with the nearest thing that is."""
    from difflib import get_close_matches

    if os.path.isdir(path):
        return WrongCall("A0902", f"`{path}` is a folder, and a file is expected", path)
    folder = Path(path).parent
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) and os.access(folder, os.R_OK) else []
    near = get_close_matches(Path(path).name, names, 1)
    label = f"nearest: {folder / near[0]}" if near else ""
    hint = str(folder / near[0]) if near else ""
    return WrongCall("A0902", f"there is no file `{path}`", path, label=label, hint=hint)


def set_to(settings: Sequence[str]) -> dict[str, Setting]:
    """Return the parameters of several NAME=VALUE. Raises WrongCall where one is not of that form, or set twice."""
    found: dict[str, Setting] = {}
    for text in settings:
        name, value = setting(text)
        if name in found:
            raise WrongCall("A0905", f"`{name}` is set twice", text, hint="keep one of them")
        found[name] = value
    return found


def setting(text: str) -> tuple[str, Setting]:
    """Return name and value of NAME=VALUE. Raises WrongCall when it is not of that form."""
    name, equals, value = text.partition("=")
    if not (equals and name.strip().isidentifier() and value.strip()):
        raise WrongCall("A0905", "a parameter is set by NAME=VALUE", text, label="no such pair", hint="--set depth=6")
    return name.strip(), _value(value.strip(), text)


def _value(value: str, text: str) -> Setting:
    if value in ("true", "false"):
        return value == "true"
    if value[0] == "[" and value[-1] == "]":
        return tuple(_value(item.strip(), text) for item in value[1:-1].split(",") if item.strip())
    if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1:
        return value[1:-1]
    if value[0].isdigit() or value[0] in "-.":
        return _number(value, text)
    return value


def _number(value: str, text: str) -> int | float:
    scale = SCALES.get(value[-1], 1)
    digits = value if scale == 1 else value[:-1]
    if len(value) > 30:
        raise WrongCall("A0905", "a number has at most 30 characters", text)
    try:
        return int(digits) * scale
    except ValueError:
        pass
    try:
        number = float(digits) * scale
    except ValueError as error:
        hint = f"--set {text.partition('=')[0].strip()}=6"
        raise WrongCall("A0905", f"`{value}` is no number", text, hint=hint) from error
    return int(number) if scale > 1 and number.is_integer() else number


def unapplied(path: str, name: str, target: str, names: Sequence[str]) -> None:
    """Raise WrongCall where `name` is a declaration with arguments, as text would have it: options give these."""
    base, paren, given = name.partition("(")
    if paren and base in names:
        words = [word.strip().replace(" ", "") for word in given.rstrip(")").split(",")]
        options = " ".join(f"--set {word}" for word in words if "=" in word) or "--set NAME=VALUE"
        text = f"arguments of `{base}` are options"
        raise WrongCall("A0904", text, target, hint=f"{path}:{base} {options}")


def _require_network(program: "Program", path: str, name: str, target: str) -> None:
    from difflib import get_close_matches

    networks = [key for key, found in program.declarations.items() if found.kind in ("model", "block")]
    if name in networks:
        return
    others = f"it has {', '.join(networks)}" if networks else "it has no model and no block"
    if name in program.declarations:
        message = f"`{name}` is a {program.declarations[name].kind}, and a model or block is expected"
        drawn = program.declarations[name].kind == "space"
        hint = f"archc sample {target} -o member.arch" if drawn else ""
        raise WrongCall("A0906", message, target, label=others, hint=hint)
    unapplied(path, name, target, networks)
    near = get_close_matches(name, networks, 1, cutoff=0.4)
    label = f"nearest: {near[0]}" if near else others
    hint = f"{path}:{near[0]}" if near else ""
    raise WrongCall("A0904", f"`{path}` declares no `{name}`", target, label=label, hint=hint)
