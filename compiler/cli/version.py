"""`archc` itself: help and versions."""

from typing import Annotated

import typer

EDITION = "0.1"


def archc(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the versions that matter, and stop.")] = False,
) -> None:
    """The compiler for .arch, a typed language for neural architectures.

    FILE:NAME names a declaration, such as examples/resnet18.arch:ResNet18; - is standard input or output.
    """
    from archc.cli.output import emit

    if version:
        emit("\n".join(f"{name:<9} {number}" for name, number in versions().items()))
    elif context.invoked_subcommand is None:
        emit(context.get_help())


def versions() -> dict[str, str]:
    """Return the versions that matter, by name, without importing what they belong to."""
    import platform

    found = {"archc": _installed("archc"), "language": EDITION}
    found |= {name: _installed(name) for name in ("torch", "xgrammar")}
    return found | {"python": platform.python_version()}


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
