"""Why a space cannot be refined at an input -> diagnostics: it is empty, has no end, or is too large."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.limits import Limits, exceeded
from archc.grammar.source import NOWHERE
from archc.rules.operands import short
from archc.spaces.groups import Failure, Named
from archc.tensor import Type
from archc.values import Applied, Definition, Value

MOST_NOTES = 8

OUTPUT, BOUND, DEEP = "A0212", "A0411", "A0401"
"""What the rules say of another output than the declared one; of a bound on a measure; of a mention that is too deep."""


def empty(definition: Definition, into: Type | None, failure: Failure | None, deep: Sequence[str]) -> Diagnostic:
    """Return the complaint that a space has no member at an input type, by what came furthest.

    `deep` are the spaces that would have to be deeper than they may be.
    """
    name, span = definition.name, definition.declaration.name_span
    why = None if failure is None else failure[1]() if callable(failure[1]) else failure[1]
    at = f" at {into}" if into is not None else ""
    if why is not None and why.code == BOUND:
        return why
    cycle = tuple(
        Note(f"`{other}`", "would have to be mentioned inside itself more often than its bound allows")
        for other in deep
    )
    if why is None or why.code == DEEP:
        text = f"`{name}` never ends{at}: every member would hold another"
        hint = f"an arm of `{deep[0] if deep else name}` that takes this type and needs no other, such as id"
        return Diagnostic("A0413", text, span, notes=cycle, hint=hint)
    if why.code == OUTPUT:
        text = f"no member of `{name}`{at} has the output that is declared: {why.message}"
        return Diagnostic("A0408", text, why.span, why.label, (*why.notes, *cycle), why.hint)
    furthest = Note(short(why.span), "came furthest,", why.span)
    text = f"`{name}` has no member{at}: {why.message}"
    return Diagnostic("A0407", text, why.span, why.label, (*why.notes, furthest, *cycle), why.hint)


def endless(cycle: Sequence[Value], into: Type | None) -> Diagnostic:
    """Return the complaint that the spaces of a cycle mention each other, and no op stands between."""
    mentions = [value for value in cycle if isinstance(value, Applied) and value.definition.declaration.kind == "space"]
    names = [value.definition.name for value in mentions]
    places = [value.span for value in mentions]
    notes = tuple(
        Note(f"`{name}`", f"mentions `{names[(at + 1) % len(names)]}`", places[(at + 1) % len(names)])
        for at, name in enumerate(names[:MOST_NOTES])
    )
    span = mentions[0].definition.declaration.name_span if mentions else NOWHERE
    text = f"`{names[0] if names else ''}` comes back to itself{f' at {into}' if into is not None else ''} without an op on the way"
    hint = "an op on the way, or depth <= 8 beside the bound on nodes"
    return Diagnostic("A0409", text, span, "a bound on nodes does not end this", notes, hint)


def too_large(definition: Definition, limits: Limits, named: Iterable[Named], types: Sequence[Type]) -> Diagnostic:
    """Return the complaint that a space has too many edges, with the mentions that have the most output types.

    `named` are the states so far of spaces that have a name.
    """
    outs: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    edges: Counter[str] = Counter()
    for name, source, out, count in named:
        outs[name][source].add(out)
        edges[name] += count
    notes = []
    for name, _ in edges.most_common(3):
        source, kinds = max(outs[name].items(), key=lambda entry: len(entry[1]))
        notes.append(Note(f"`{name}`", f"has {len(kinds):,} output types at {types[source]}"))
    text = f"`{definition.name}` is too large to be refined here"
    found = exceeded(limits, "edges", message=text, span=definition.declaration.name_span)
    most = edges.most_common(1)[0][0] if edges else definition.name
    hint = f"keep the heaviest types (most_types=16), bound its depth, or give `{most}` an output type of known sizes"
    return Diagnostic(found.code, found.message, found.span, found.label, tuple(notes), hint)
