"""A member -> the network that a task is handed, and the recipe beside it."""

from collections.abc import Mapping

from archc.members import Member
from archc.networks import Field, Network
from archc.search.protocol import Json
from archc.search.tasks.base import Recipe


def parts(member: Member) -> tuple[Network, Recipe]:
    """Return the one network of a member and all that its record says besides; a network has no recipe.

    Raises ValueError on a record with no network, or with several.
    """
    if not member.space.of_records:
        return member.network, {}
    found: list[Network] = []
    recipe = _plain(member.value(), found)
    if len(found) != 1:
        raise ValueError(f"a task takes one network, and a member of {member.space.name} has {len(found)}")
    return found[0], recipe


def _plain(fields: Mapping[str, Field], networks: list[Network]) -> dict[str, Json]:
    """Return the fields of a record without networks, which are noted."""
    found: dict[str, Json] = {}
    for name, value in fields.items():
        if isinstance(value, Network):
            networks.append(value)
        elif isinstance(value, dict):
            found[name] = _plain(value, networks)
        elif isinstance(value, list):
            found[name] = _items(value, networks)
        else:
            found[name] = value
    return found


def _items(values: list[Field], networks: list[Network]) -> list[Json]:
    return list(_plain({str(at): value for at, value in enumerate(values)}, networks).values())
