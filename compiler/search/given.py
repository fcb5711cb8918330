"""A space and what archc wrote of members -> these members, for a search to begin with.

`archc sample --json` and `--export-best` write the decisions of a member as its `key`, and its `hash`. A record without a key is
found by its fields.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from archc.members import Member, Space
from archc.rules.scripts import Script, script_of
from archc.runtime.derivations.nodes import drawn
from archc.search.paths import Walk
from archc.search.protocol import Json
from archc.spaces.membership import derivation_of


class NoMember(ValueError):
    """What was given is no member of a space; the text says where it is not."""


def from_json(space: Space, text: str) -> list[Member]:
    """Return the members whose keys stand in a text. Raises ValueError where it has none, NoMember on one of another space."""
    try:
        given: Json = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"expected JSON, found at line {error.lineno}: {error.msg}") from error
    listed = given.get("members") if isinstance(given, Mapping) else given
    entries = listed if isinstance(listed, list) else [given]
    if not entries:
        raise ValueError("expected at least one member, found an empty list")
    return [_member(space, entry, at) for at, entry in enumerate(entries)]


def _member(space: Space, entry: Json, at: int) -> Member:
    if isinstance(entry, Mapping) and "key" not in entry and space.of_records:
        return space.parse(json.dumps(entry), most=1)[0]
    key = entry.get("key") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(key, str):
        text = f"expected the `key` of a member, as `archc sample --json` writes it, found none in entry {at}"
        raise ValueError(text)  # noqa: TRY004  # it is the user's text that is wrong
    try:
        script = script_of(key)
    except ValueError:
        raise ValueError(f"expected the decisions of a member, found the key {key!r} in entry {at}") from None
    derivation = derivation_of(space.forest, script)
    value = entry.get("value")
    if derivation is None:
        place, near = _nearest(space, script)
        raise NoMember(_where(space, value, near) if isinstance(value, Mapping) else place)
    member, wanted = _within(Member(space, derivation), value), entry.get("member", entry.get("hash"))
    if wanted is not None and member.hash != wanted:
        text = "its decisions make something else in this space, which is another edition"
        raise NoMember(_where(space, value, member) if isinstance(value, Mapping) else text)
    return member


def _within(member: Member, value: Json) -> Member:
    """Return the member, whose numbers are within the ranges that they are drawn from. Raises NoMember where one is not."""
    forest, reals = member.space.forest, iter(member.derivation.reals)
    for site in (forest.sites[site] for edge in member.derivation.edges for site in drawn(forest)[edge]):
        assert site.low is not None and site.high is not None, site
        real = next(reals)
        if not site.low <= real <= site.high:
            path = next((path for path, found, _ in _apart(value, None, "") if found == real), "")
            name = f"`{path}`" if path else "a number"
            raise NoMember(f"{name} is {real}, and the space has {site.low} to {site.high} there")
    return member


def _where(space: Space, value: Json, near: Member) -> str:
    """Return in which field a record differs from the member that is nearest to it."""
    own = _plain(near.value()) if space.of_records else {}
    for path, wanted, found in _apart(value, own, ""):
        return f"`{path}` is {_told(wanted)}, and the nearest member has {_told(found)}"
    return "each of its fields is one of the space, and no member has all of them together"


def _plain(value: object) -> Json:
    """Return a field as `archc sample --json` writes it, of a network only what tells it from others."""
    from archc.networks import Network

    match value:
        case Network():
            return {"network": value.hash}
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case bool() | int() | float() | str():
            return value
    raise AssertionError(value)


def _apart(one: Json, other: Json, path: str) -> Iterator[tuple[str, Json, Json]]:
    """Yield the fields in which two records differ."""
    match one, other:
        case {"network": str() as own}, {"network": found}:
            if own != found:
                yield path, one, other
        case Mapping(), Mapping() | None:
            known = other or {}
            for name in dict.fromkeys([*one, *known]):
                yield from _apart(one.get(name), known.get(name), f"{path}.{name}" if path else str(name))
        case _:
            if one != other:
                yield path, one, other


def _told(value: Json) -> str:
    match value:
        case None:
            return "nothing"
        case {"network": str() as name}:
            return f"the network {name[:12]}"
        case _:
            return json.dumps(value)


def _nearest(space: Space, script: Script) -> tuple[str, Member]:
    """Return where decisions leave a space, and a member that makes those before."""
    walk, place = Walk(space.forest, Random(0)), ""
    made: Sequence[int | float | str] = [entry for entry in script if entry not in ("(", ")")]
    for number, entry in enumerate(made):
        choice = walk.next()
        if choice is None:
            place = f"it decides {len(made)} things, and the space has {number}"
            break
        fitting = [option for option in choice.options if option.partition(".")[2] == str(entry)]
        if choice.low is not None and choice.high is not None and isinstance(entry, float):
            walk.number(entry)
        elif fitting:
            walk.take(fitting[0])
        else:
            has = ", ".join(option.partition(".")[2] for option in choice.options) or "a number"
            place = f"its decision {number + 1} is {entry}, and the space has {has} there"
            break
    while (choice := walk.next()) is not None:
        if choice.low is not None:
            walk.number(choice.low)
        else:
            walk.take(choice.options[0])
    return place or "its decisions come in another order here", Member(space, walk.derivation())
