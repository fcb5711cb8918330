"""`archc summary`: what a network costs, layer by layer."""

from typing import Annotated

import typer

from archc.cli.options import At, Json, Settings, Target

Depth = Annotated[str, typer.Option("--depth", metavar="N", help="Leave out rows deeper than N.")]


def summary(target: Target, at: At = "", settings: Settings = [], depth: Depth = "", json: Json = False) -> int:  # noqa: B006
    """Print shapes, parameters and costs, layer by layer."""
    from archc.cli.output import WrongCall, emit, emit_json, width
    from archc.cli.target import built
    from archc.show.summary import summarize

    if depth and not (depth.isascii() and depth.isdigit()):
        raise WrongCall("A0901", "`--depth` takes a whole number", depth, hint="--depth 2")
    found = summarize(built(target, at, settings))
    if json:
        emit_json(found.to_json())
    else:
        emit(found.text(width=width(), depth=int(depth) if depth else None))
    return 0
