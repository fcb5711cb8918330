"""Options that several commands share."""

from typing import Annotated

import typer

Target = Annotated[str, typer.Argument(metavar="FILE:NAME", help="A model or block, such as net.arch:Net.")]
At = Annotated[str, typer.Option("--at", metavar="TYPE", help="The input type, such as '[3, 224, 224]'.")]
Settings = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="A parameter; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
