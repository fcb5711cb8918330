"""FILE:TYPE -> the data type that it names."""

from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.output import WrongCall

if TYPE_CHECKING:
    from archc.data.kinds import Schema

TypeTarget = Annotated[str, typer.Argument(metavar="FILE:TYPE", help="A data type, such as invoice.arch:Invoice.")]


def typed(target: str) -> "Schema":
    """Return the data type that `target` names.

    Raises WrongCall when there is no such file or type, and CompileError when the program is wrong.
    """
    from archc.check import check
    from archc.cli.target import loaded, split
    from archc.data.schema import schema

    path, name = split(target)
    program = check(loaded(path))
    kinds = {key: found.kind for key, found in program.declarations.items()}
    if kinds.get(name) == "type":
        return schema(program, name)
    raise _no_type(path, name, target, kinds)


def _no_type(path: str, name: str, target: str, kinds: dict[str, str]) -> WrongCall:
    from difflib import get_close_matches

    types = [key for key, kind in kinds.items() if kind == "type"]
    others = f"it has {', '.join(types)}" if types else "it has no type"
    if name in kinds:
        return WrongCall("A0912", f"`{name}` is a {kinds[name]}, and a type is expected", target, label=others)
    near = get_close_matches(name, types, 1, cutoff=0.4)
    label, hint = (f"nearest: {near[0]}", f"{path}:{near[0]}") if near else (others, "")
    return WrongCall("A0904", f"`{path}` declares no `{name}`", target, label=label, hint=hint)
