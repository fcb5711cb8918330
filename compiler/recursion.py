"""Modules and their names -> the definitions that mention themselves without end."""

from archc.grammar.diagnostics import Diagnostic
from archc.grammar import syntax as s
from archc.load import Loaded
from archc.scope import Scopes
from archc.values import Definition


def recursion(loaded: Loaded, names: Scopes) -> tuple[frozenset[Definition], tuple[Diagnostic, ...]]:
    """Return the definitions that cannot be walked, since they mention themselves without end, and a complaint on each."""
    cyclic: list[Definition] = []
    found: list[Diagnostic] = []
    for module in names.modules[1:]:
        for definition in module.own.values():
            declaration = definition.declaration
            if declaration.kind in ("block", "model", "const", "fn") and isinstance(declaration.value, s.Ref):
                if declaration.value.name == declaration.name:
                    cyclic.append(definition)
                    found.append(Diagnostic("A0308", f"`{declaration.name}` mentions itself", declaration.value.span))
    return frozenset(cyclic), tuple(found)
