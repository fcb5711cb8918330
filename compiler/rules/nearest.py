"""A mention that does not type -> the nearest argument with which it would."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from archc.grammar.diagnostics import Diagnostic
from archc.rules.session import Fork, PerUse, Refusal, Session, Site
from archc.sizes.size import Size
from archc.tensor import Tensor
from archc.values import Applied, Flow

MENDABLE = frozenset({"A0202", "A0203", "A0204", "A0205", "A0206", "A0207", "A0208", "A0106", "A0214"})
REACH = 16

Walk = Callable[[Session, Applied, Flow, Site], Flow]


def with_hint(session: Session, found: Diagnostic, applied: Applied, into: Flow, site: Site, walk: Walk) -> Diagnostic:
    """Return `found` with the nearest legal value of one whole-number argument as its fix, if one of them mends it."""
    if found.hint or found.code not in MENDABLE or found.span != site.span or session.trying:
        return found
    parameters = applied.definition.declaration.parameters or ()
    order = [parameter.name for parameter in parameters]
    for place, (name, value, _) in enumerate(applied.arguments):
        title = name or (order[place] if place < len(order) else "")
        known = value.constant if isinstance(value, Size) else None
        if known is None or not title:
            continue
        fitting = _fitting(session, applied, place, known, into, site, walk) or _same(
            session, applied, place, known, into, site, walk
        )
        if fitting:
            return replace(
                found,
                hint=f"{title} = {' or '.join(map(str, sorted(fitting)))}, the nearest that fit{'s' * (len(fitting) < 2)}",
            )
    return found


def _fitting(
    session: Session, applied: Applied, place: int, value: int, into: Flow, site: Site, walk: Walk
) -> list[int]:
    """Return the nearest value below and the nearest above with which the mention types."""
    found: list[int] = []
    for direction in (-1, 1):
        for candidate in _candidates(value, direction):
            if _types(session, _changed(applied, place, candidate), into, site, walk):
                found.append(candidate)
                break
    return found


def _same(session: Session, applied: Applied, place: int, value: int, into: Flow, site: Site, walk: Walk) -> list[int]:
    """Return the nearest size of the input with which the mention types."""
    dims = into.type.dims if isinstance(into.type, Tensor) else ()
    known = {dim.constant for dim in dims if isinstance(dim, Size) and dim.constant is not None}
    for candidate in sorted(known, key=lambda size: abs(size - value)):
        if _types(session, _changed(applied, place, candidate), into, site, walk):
            return [candidate]
    return []


def _candidates(value: int, direction: int) -> Iterator[int]:
    for step in range(1, REACH + 1):
        candidate = value + direction * step
        if candidate >= 0:
            yield candidate


def _changed(applied: Applied, place: int, value: int) -> Applied:
    name, _, span = applied.arguments[place]
    arguments = (*applied.arguments[:place], (name, Size.of(value), span), *applied.arguments[place + 1 :])
    return Applied(applied.definition, arguments, applied.span)


def _types(session: Session, applied: Applied, into: Flow, site: Site, walk: Walk) -> bool:
    """Walk without leaving a trace in `session`."""
    kept = session.emitter, session.context, list(session.obligations), session.blame
    session.emitter, session.trying = None, True
    try:
        walk(session, applied, into, site)
        return len(session.obligations) == len(kept[2])
    except (Refusal, Fork, PerUse):
        return False
    finally:
        session.emitter, session.context, session.obligations, session.blame = kept
        session.trying = False
