"""The case of names: what is built and what describes data starts with a capital, all else does not."""

import re
from collections.abc import Iterator

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.grammar.syntax import Declaration, File

_CAPITAL = frozenset({"block", "model", "space", "type"})


def odd_names(file: File) -> Iterator[Diagnostic]:
    """Yield a complaint for every name whose first letter has the wrong case for what it names."""
    for item in file.items:
        if not isinstance(item, Declaration):
            continue
        if item.kind in _CAPITAL and not item.name[0].isupper():
            message = f"the name of a {item.kind} starts with a capital, unlike `{item.name}`"
            yield Diagnostic("A0007", message, item.name_span, hint=f"{item.kind} {capitalised(item.name)}")
        if item.kind not in _CAPITAL and not item.name[0].islower():
            article = "an" if item.kind == "op" else "a"
            message = f"the name of {article} {item.kind} starts with a lower-case letter, unlike `{item.name}`"
            yield Diagnostic("A0007", message, item.name_span, hint=f"{item.kind} {lowered(item.name)}")
        for parameter in item.parameters or ():
            if not parameter.name[0].islower():
                where = Span(parameter.span.start, parameter.span.start + len(parameter.name), file.source)
                message = f"the name of a parameter starts with a lower-case letter, unlike `{parameter.name}`"
                yield Diagnostic("A0007", message, where, hint=lowered(parameter.name))


def capitalised(name: str) -> str:
    """Return `name` as blocks and types are written: `mlp_mixer` becomes `MlpMixer`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def lowered(name: str) -> str:
    """Return `name` as ops and sizes are written: `MaxPool` becomes `max_pool`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
