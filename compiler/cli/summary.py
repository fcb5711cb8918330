"""`archc summary`: what a network costs, layer by layer."""

from typing import Annotated

import typer

from archc.cli.options import At, Json, Settings, Target

Depth = Annotated[int | None, typer.Option("--depth", metavar="N", help="Leave out rows deeper than N.")]


def summary(target: Target, at: At = "", settings: Settings = [], depth: Depth = None, json: Json = False) -> int:  # noqa: B006
    """Print shapes, parameters and costs, layer by layer."""
    from archc.cli.output import emit, emit_json, width
    from archc.cli.target import built
    from archc.show.summary import summarize

    found = summarize(built(target, at, settings))
    if json:
        emit_json(found.to_json())
    else:
        emit(found.text(width=width(), depth=depth))
    return 0
