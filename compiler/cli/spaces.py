"""FILE:SPACE, --at, --set and --where -> the space that they name."""

from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.output import WrongCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archc.check import Program
    from archc.members import Member, Space
    from archc.search.origin import Origin

SpaceTarget = Annotated[str, typer.Argument(metavar="FILE:SPACE", help="A space, such as nasbench201.arch:Cell.")]
Where = Annotated[str, typer.Option("--where", metavar="CONDITION", help="Such as 'params <= 5M and macs <= 600M'.")]


def space_at(target: str, at: str, settings: "Sequence[str]", where: str) -> "tuple[Space, Origin]":
    """Return the space that `target` names, and where it came from.

    Raises WrongCall when there is no such file, space or condition, and CompileError when the program is wrong.
    """
    from archc.check import check
    from archc.cli.target import loaded, setting, split
    from archc.members import space_of
    from archc.search.origin import Origin

    path, name = split(target)
    arguments = dict(setting(text) for text in settings)
    found = loaded(path)
    program = check(found)
    _require_space(program, path, name, target)
    space = space_of(program, name, at or None, arguments)
    source = found.modules[found.main].file.source
    text = source.text if source is not None else ""
    return _restricted(space, where), Origin(path, text, name, at, arguments, where)


def _restricted(space: "Space", where: str) -> "Space":
    from archc.runtime.derivations.conditions import ConditionError
    from archc.runtime.derivations.narrow import NoneWithin
    from archc.runtime.derivations.sums import TooManyStates

    if not where:
        return space
    try:
        return space.where(where)
    except ConditionError as error:
        raise WrongCall("A0927", error.message, where, hint=f"--where '{error.hint}'") from error
    except (NoneWithin, TooManyStates) as error:
        raise WrongCall("A0927", str(error), where) from error


def _require_space(program: "Program", path: str, name: str, target: str) -> None:
    from difflib import get_close_matches

    spaces = [key for key, found in program.declarations.items() if found.kind == "space"]
    if name in spaces:
        return
    others = f"it has {', '.join(spaces)}" if spaces else "it has no space"
    if name in program.declarations:
        message = f"`{name}` is a {program.declarations[name].kind}, and a space is expected"
        raise WrongCall("A0926", message, target, label=others)
    near = get_close_matches(name, spaces, 1, cutoff=0.4)
    label, hint = (f"nearest: {near[0]}", f"{path}:{near[0]}") if near else (others, "")
    raise WrongCall("A0904", f"`{path}` declares no `{name}`", target, label=label, hint=hint)


def given_members(space: "Space", seeds: "Sequence[str]", at: str) -> "tuple[Member, ...]":
    """Return the members that the networks `seeds` (FILE:NAME) are.

    Raises WrongCall where one is outside the space, with the place in its file.
    """
    from archc.cli.target import built
    from archc.grammar.diagnostics import CompileError, Diagnostic
    from archc.search.given import Outside, member_of

    found = []
    for seed in seeds:
        graph = built(seed, "", ())
        try:
            found.append(member_of(space, graph))
        except TypeError as error:
            raise WrongCall("A0925", str(error), seed) from error
        except Outside as outside:
            message = f"`{seed}` is no member of `{space.name}`: {outside.message}"
            raise CompileError([Diagnostic("A0925", message, outside.span, outside.wanted)]) from outside
    return tuple(found)
