"""A typer application -> its command, without the import of pydantic: that takes longer than to check a file."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from archc.cli.usage import Option

if TYPE_CHECKING:
    from typer import Typer


class _Parameter(Protocol):
    """What typer hands over of a parameter."""

    multiple: bool
    nargs: int


class Words:
    """Takes the words of the command line as they are; typer would have them read by pydantic."""

    def coerce(self, value: object, param: _Parameter, ctx: object) -> object:
        """Return `value`; no words for a parameter that takes several are an empty tuple."""
        several = getattr(param, "multiple", False) or param.nargs == -1
        return () if value is None and several else value


def light(app: "Typer", name: str) -> tuple[Callable[..., object], Sequence[Option]]:
    """Return the command of `app`, every parameter of which takes text or is a flag, and the options of command `name`.

    Versions of typer that convert in another way keep theirs.
    """
    from typer import Context
    from typer.main import get_command

    command = get_command(app)
    commands = getattr(command, "commands", {})
    options: list[Option] = []
    for inner in (command, *commands.values()):
        for param in inner.get_params(Context(inner)):
            if hasattr(param, "_runtime_param"):
                param._runtime_param = Words()
            if inner is commands.get(name) and hasattr(param, "is_flag"):
                options.append(param)
    return command, options
