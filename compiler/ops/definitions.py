"""The text of the torch definitions that lowered code uses, read from the support files without running them."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILES = ("support.py", "support_sequence.py")


@dataclass(frozen=True, slots=True)
class _Definition:
    text: str
    uses: frozenset[str]


def support(names: Iterable[str]) -> str:
    """Return the text of the definitions called `names` and of those that they use, in their files' order.

    Raises KeyError for a name that no support file defines.
    """
    known = _definitions()
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names.extend(known[name].uses)
    return "\n\n\n".join(definition.text for name, definition in known.items() if name in wanted)


@cache
def _definitions() -> dict[str, _Definition]:
    found: dict[str, _Definition] = {}
    for path in (Path(__file__).with_name(name) for name in _FILES):
        if path.exists():
            found.update(_read(path.read_text(encoding="utf-8")))
    return {name: _Definition(entry.text, entry.uses & found.keys() - {name}) for name, entry in found.items()}


def _read(source: str) -> dict[str, _Definition]:
    lines = source.splitlines()
    found: dict[str, _Definition] = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            uses = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            found[node.name] = _Definition("\n".join(lines[first - 1 : node.end_lineno]), uses)
    return found
