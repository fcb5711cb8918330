"""FILE:NAME -> the data type that it names, or a declaration of several kinds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.output import WrongCall
from archc.cli.target import unapplied

if TYPE_CHECKING:
    from archc.check import Program
    from archc.data.kinds import Schema

TypeTarget = Annotated[str, typer.Argument(metavar="FILE:TYPE", help="A data type, such as invoice.arch:Invoice.")]


def typed(target: str) -> "Schema":
    """Return the data type that `target` names.

    Raises WrongCall when there is no such file or type, and CompileError when the program is wrong.
    """
    from archc.data.schema import schema

    program, name, _ = declared(target, ("type",))
    return schema(program, name)


def declared(target: str, wanted: Sequence[str]) -> "tuple[Program, str, str]":
    """Return the program, the name and the kind of the declaration that `target` names, which is of a kind in `wanted`.

    Raises WrongCall when there is no such file or declaration, and CompileError when the program is wrong.
    """
    from archc.check import check
    from archc.cli.target import loaded, split

    path, name = split(target)
    program = check(loaded(path))
    kinds = {key: found.kind for key, found in program.declarations.items()}
    if kinds.get(name) in wanted:
        return program, name, kinds[name]
    raise _other(path, name, target, kinds, wanted)


def _other(path: str, name: str, target: str, kinds: dict[str, str], wanted: Sequence[str]) -> WrongCall:
    from difflib import get_close_matches

    fitting = [key for key, kind in kinds.items() if kind in wanted]
    expected = " or ".join(wanted)
    others = f"it has {', '.join(fitting)}" if fitting else f"it has no {expected}"
    if name in kinds:
        text = f"`{name}` is a {kinds[name]}, and a {expected} is expected"
        return WrongCall("A0912", text, target, label=others, hint=_instead(target, kinds[name], wanted))
    unapplied(path, name, target, fitting)
    near = get_close_matches(name, fitting, 1, cutoff=0.4)
    label, hint = (f"nearest: {near[0]}", f"{path}:{near[0]}") if near else (others, "")
    return WrongCall("A0904", f"`{path}` declares no `{name}`", target, label=label, hint=hint)


def _instead(target: str, kind: str, wanted: Sequence[str]) -> str:
    """Return what to ask of a network where a space is expected: it is one network, so there is nothing to count."""
    return f"archc summary {target}" if kind in ("model", "block") and "space" in wanted else ""
