"""JSON text and paths into it -> where they are."""

import json
import re
from collections.abc import Iterable, Mapping

from archc.data.violations import Step
from archc.grammar.source import Source, Span

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)

Path = tuple[Step, ...]


def places(source: Source, paths: Iterable[Path]) -> Mapping[Path, Span]:
    """Return where the values at `paths` stand in a JSON text: a list or a record at its bracket, a field at its value.

    A path that is not there has the place of the part that it would be in.
    """
    wanted = set(paths)
    found = _starts(source, {path[:length] for path in wanted for length in range(len(path) + 1)})
    return {path: _nearest(path, found) for path in wanted}


def keys(source: Source, paths: Iterable[Path]) -> Mapping[Path, Span]:
    """Return where the keys of the fields at `paths` stand in a JSON text."""
    return _starts(source, set(paths), of_keys=True)


def _nearest(path: Path, found: Mapping[Path, Span]) -> Span:
    while path not in found and path:
        path = path[:-1]
    return found.get(path, Span(0, 0))


def _starts(source: Source, wanted: set[Path], *, of_keys: bool = False) -> dict[Path, Span]:
    """Return the spans of the values at `wanted`, or of the keys."""
    found: dict[Path, Span] = {}
    path: list[Step] = []
    opened: list[str] = []
    token_before = ""
    for match in _TOKENS.finditer(source.text):
        token, span = match.group(), Span(match.start(), match.end(), source)
        if token == ",":
            if opened and opened[-1] == "[":
                path[-1] = int(path[-1]) + 1
        elif token in ("]", "}"):
            opened.pop()
            path.pop()
        elif opened and opened[-1] == "{" and token_before in ("{", ","):
            path[-1] = json.loads(token)
            if of_keys and tuple(path) in wanted:
                found[tuple(path)] = span
        elif token != ":":
            if not of_keys and tuple(path) in wanted:
                found[tuple(path)] = span
            if token in ("[", "{"):
                opened.append(token)
                path.append(0 if token == "[" else "")
        token_before = token
    return found
