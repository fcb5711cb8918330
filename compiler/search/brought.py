"""Code that a user brings, by name -> what it is; and what it raises, in words that say it is theirs, and where."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

OURS = Path(__file__).parent.parent
"""Frames in this folder are no place that a user could change."""


class BroughtError(ValueError):
    """Code that a user brought is not there, raised something, or does not keep to its protocol."""


@contextmanager
def raised_by(name: str) -> Iterator[None]:
    """Raise BroughtError in the place of whatever is raised by what a user brought under a name."""
    try:
        yield
    except BroughtError:
        raise
    except Exception as error:
        raise BroughtError(f"{name} raised {told(error)}") from error


def brought(place: str) -> object:
    """Return what `module:attribute` names. Its module's code runs here.

    Raises BroughtError where there is none, or on what the module raises.
    """
    module, _, attribute = place.partition(":")
    if not module or not attribute:
        raise BroughtError(f"expected python:module:name, found python:{place}")
    with raised_by(f"importing {module}"):
        is_there = module in sys.modules or find_spec(module) is not None
    if not is_there:
        raise BroughtError(f"there is no module {module} in this folder or among the packages of this Python")
    with raised_by(f"importing {module}"):
        loaded = import_module(module)
    if not hasattr(loaded, attribute):
        raise BroughtError(f"the module {module} has no {attribute}")
    found: object = getattr(loaded, attribute)
    return found


def told(error: BaseException) -> str:
    """Return what was raised, and the last place of it that is not in archc."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}:{error.lineno})"
    where, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if OURS not in file.parents and file.exists():
            where = f" ({file}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{where}"
