"""Terms -> an order of them that is the same for every network of the same form.

Equal terms are one, so only weights and draws are told apart by where they stand. Most networks are ordered by what each
term is made of and what is made of it. What is left over looks alike: it falls into parts that do not touch, and where
it does not, one term after the other is singled out, as in canonical labelling of graphs (McKay, 1981).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from archc.spaces.terms import Term

Colour = bytes
Colours = dict[int, Colour]
RESULT = -1
_BYTES = 16


def ranks(terms: Sequence[Term], results: Sequence[int]) -> dict[int, int]:
    """Return the place of every term that leads to a result; two terms that could be swapped stand in either order."""
    live = _live(terms, results)
    users = _users(terms, results, live)
    colours = _by_operands(terms, live, users)
    shared = [colours[term] for term in live if len(users[term]) > 1]
    if len(shared) == len(set(shared)):
        ordered = sorted(live, key=colours.__getitem__)
    else:
        placed = {term: _mixed(colours[term], b"", _results(users[term])) for term in live}
        ordered = _order(_Web(terms, users), live, placed, every=True)[1]
    return {term: place for place, term in enumerate(ordered)}


def _live(terms: Sequence[Term], results: Sequence[int]) -> list[int]:
    """Return the terms that lead to a result, operands first."""
    found = set(results)
    for term in range(len(terms) - 1, -1, -1):
        if term in found:
            found.update(operand for operand, _ in terms[term].operands)
    return sorted(found)


_Users = dict[int, list[tuple[int, int]]]


def _users(terms: Sequence[Term], results: Sequence[int], live: Sequence[int]) -> _Users:
    """Return for each term what is made of it, and at which place; a result is used by RESULT."""
    found: _Users = {term: [] for term in live}
    for term in live:
        for operand, place in terms[term].operands:
            found[operand].append((term, place))
    for place, term in enumerate(results):
        found[term].append((RESULT, place))
    return found


def _results(users: Sequence[tuple[int, int]]) -> list[tuple[int, Colour]]:
    return sorted((place, b"") for user, place in users if user == RESULT)


def _by_operands(terms: Sequence[Term], live: Sequence[int], users: _Users) -> Colours:
    """Return what each term is made of, and whether it is used more than once.

    Where no two terms that are used more than once look alike, the colours say all of a network: a colour of a
    term used once stands for a new term wherever it occurs, and one of a term used more often always for that one.
    """
    found: Colours = {}
    for number in live:
        term = terms[number]
        below = sorted((place, found[operand]) for operand, place in term.operands)
        found[number] = _mixed(term.head.encode(), b"many" if len(users[number]) > 1 else b"once", below)
    return found


def _mixed(first: bytes, second: bytes, below: Iterable[tuple[int, Colour]]) -> Colour:
    parts = [b"%d:%b" % pair for pair in below]
    return blake2b(b"\0".join((b"%d" % len(first), first, second, *parts)), digest_size=_BYTES).digest()


# ---------------------------------------------------------------- what looks alike
@dataclass(frozen=True, slots=True)
class _Web:
    terms: Sequence[Term]
    users: _Users


def _order(web: _Web, part: Sequence[int], colours: Colours, *, every: bool) -> tuple[Colour, list[int]]:
    """Return a colour that two parts share only if they have one form, and the terms of the part in order.

    `part` is sorted. Terms of one colour are told apart by all choices of one to single out (`every`), or by any one.
    """
    colours = _refined(web, part, colours)
    by_colour: dict[Colour, list[int]] = {}
    for term in part:
        by_colour.setdefault(colours[term], []).append(term)
    alone = sorted(colour for colour, members in by_colour.items() if len(members) == 1)
    known = [by_colour[colour][0] for colour in alone]
    rest = [term for term in part if len(by_colour[colours[term]]) > 1]
    pieces = _pieces(web, rest)
    if len(pieces) == 1 and not known:
        return _singled(web, part, colours, by_colour, every=every)
    found = sorted(_order(web, piece, colours, every=every) for piece in pieces)
    form = _mixed(b"parts", b"%d" % len(alone), enumerate([*alone, *(form for form, _ in found)]))
    return form, known + [term for _, piece in found for term in piece]


def _refined(web: _Web, part: Sequence[int], colours: Colours) -> Colours:
    """Return colours that say of each term the colours of all its operands and users in the part."""
    inside = set(part)
    count = len({colours[term] for term in part})
    while True:
        found: Colours = {}
        for term in part:
            below = sorted((place, found[o]) for o, place in web.terms[term].operands if o in inside)
            found[term] = _mixed(colours[term], b"", below)
        for term in reversed(part):
            above = sorted((place, found[user]) for user, place in web.users[term] if user in inside)
            found[term] = _mixed(found[term], b"", above)
        after = len(set(found.values()))
        if after == count:
            return found
        count, colours = after, found


def _pieces(web: _Web, part: Collection[int]) -> list[list[int]]:
    """Return the terms of a part in pieces such that no term of one is made of a term of another."""
    inside = set(part)
    found = []
    while inside:
        piece, waiting = [], [inside.pop()]
        while waiting:
            term = waiting.pop()
            piece.append(term)
            near = {other for other, _ in (*web.terms[term].operands, *web.users[term])} & inside
            inside -= near
            waiting.extend(near)
        found.append(sorted(piece))
    return found


def _singled(
    web: _Web, part: Sequence[int], colours: Colours, by_colour: dict[Colour, list[int]], *, every: bool
) -> tuple[Colour, list[int]]:
    """Order a part in which every term looks like another: single out one, and take the least of what that gives.

    Two that give the same when only one choice is followed can be swapped, so one of them is enough.
    """
    _, colour = min((len(members), colour) for colour, members in by_colour.items())
    choices = [{**colours, term: _mixed(colour, b"this", ())} for term in by_colour[colour]]
    if not every:
        return _order(web, part, choices[0], every=False)
    different: dict[Colour, Colours] = {}
    for choice in choices:
        different.setdefault(_order(web, part, choice, every=False)[0], choice)
    return min(_order(web, part, choice, every=True) for choice in different.values())
