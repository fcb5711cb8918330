"""Modules and their names -> complaints about every name that means nothing where it stands."""

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.load import Loaded
from archc.scope import Scopes


def resolve(loaded: Loaded, names: Scopes) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the names in all modules but the library, and warnings about those without use."""
    found: list[Diagnostic] = []
    for number, module in enumerate(loaded.modules):
        if number != 0 or loaded.main == 0:
            for item in module.file.items:
                if isinstance(item, s.Declaration):
                    _parameters(item, found)
    return tuple(found)


def _parameters(declaration: s.Declaration, found: list[Diagnostic]) -> None:
    first: dict[str, s.Parameter] = {}
    for parameter in declaration.parameters or ():
        if parameter.name in first:
            note = Note(f"`{parameter.name}`", "first declared", first[parameter.name].span)
            text = f"`{parameter.name}` is declared twice"
            found.append(Diagnostic("A0105", text, parameter.span, "the second", (note,), "rename one of them"))
        first.setdefault(parameter.name, parameter)
