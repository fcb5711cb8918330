"""`archc count`: how many members a space has, or values a data type."""

from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import At, Json, Settings
from archc.cli.output import WrongCall
from archc.cli.refined import Distinct, Where

if TYPE_CHECKING:
    from archc.check import Program

GROUPS = ("type", "depth", "size")

Counted = Annotated[str, typer.Argument(metavar="FILE:NAME", help="A space or a data type, such as net.arch:Cell.")]
By = Annotated[str, typer.Option("--by", metavar="|".join(GROUPS), help="Count each output type, depth or size.")]


def count(
    target: Counted,
    at: At = "",
    settings: Settings = [],  # noqa: B006
    by: By = "",
    where: Where = "",
    distinct: Distinct = False,
    json: Json = False,
) -> int:
    """Print how large a space is, and what its members cost, or how many values a data type has."""
    from archc.cli.output import emit, emit_json
    from archc.cli.typed import declared

    _require_group(by)
    program, name, kind = declared(target, ("space", "type"))
    if kind == "type":
        refuse_options(name, {"--at": at, "--set": settings, "--by": by, "--where": where, "--distinct": distinct})
        return _count_type(program, name, as_json=json)
    from archc.cli.counting import counted
    from archc.cli.refined import countable, space_at

    with countable(program, name):
        found = counted(space_at(program, name, at, settings, where), by, distinct=distinct)
        if json:
            emit_json(found.to_json())
            return 0
        for part in found.lines():
            emit(part)
    return 0


def refuse_options(name: str, options: dict[str, object]) -> None:
    """Raise WrongCall where one of these options, which go with a space, is given for a data type."""
    for option, value in options.items():
        if value:
            text = f"`{option}` goes with a space, and `{name}` is a type"
            raise WrongCall("A0901", text, option, hint=f"leave out {option}")


def _require_group(by: str) -> None:
    from difflib import get_close_matches

    if by and by not in GROUPS:
        near = get_close_matches(by, GROUPS, 1)
        label = f"nearest: {near[0]}" if near else f"there are: {', '.join(GROUPS)}"
        raise WrongCall(
            "A0901", f"a space is not counted by `{by}`", by, label=label, hint=f"--by {(near or GROUPS)[0]}"
        )


def _count_type(program: "Program", name: str, *, as_json: bool) -> int:
    from archc.cli.output import emit, emit_json
    from archc.data.schema import schema
    from archc.grammars.refine import forest
    from archc.runtime.count import count, digits

    found = count(forest(schema(program, name)))
    written = None if found.number is None else digits(found.number)
    if as_json:
        emit_json({"type": name, "count": written, "exact": found.exact, "left_out": list(found.reasons)})
    else:
        emit(found.text())
    return 0
