"""archc, the compiler for .arch: `archc.load(path)` returns a program, `program["Net"].module()` a torch module."""

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archc.api import Declaration, Program, load, loads
    from archc.grammar.diagnostics import CompileError, Diagnostic
    from archc.grammar.limits import Limits
    from archc.show.summary import Summary

__all__ = ["CompileError", "Declaration", "Diagnostic", "Limits", "Program", "Summary", "load", "loads"]

_HOMES = {
    "CompileError": "archc.grammar.diagnostics",
    "Declaration": "archc.api",
    "Diagnostic": "archc.grammar.diagnostics",
    "Limits": "archc.grammar.limits",
    "Program": "archc.api",
    "Summary": "archc.show.summary",
    "load": "archc.api",
    "loads": "archc.api",
}


def __getattr__(name: str) -> object:
    """Return the public `name`, importing its module only now. Raises AttributeError for any other name."""
    if name not in _HOMES:
        raise AttributeError(f"archc has no `{name}`; it has {', '.join(__all__)}")
    from importlib import import_module

    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    """The package: a submodule of a public name (`archc.load`) does not take that name's place."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
