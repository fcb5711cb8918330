"""Torch calls written as an expert writes them: what torch assumes anyway is left out."""

from collections.abc import Mapping

from archc.graph import Static
from archc.ops.base import Code
from archc.sizes.size import Size

APPLY = Code("{self}({0})")

Default = int | float | bool | str | None
Option = tuple[Static, Default]
"""A value, and what torch takes where none is given."""


def call(
    head: str, values: Mapping[str, Static] | None = None, *, needs: tuple[str, ...] = (), **options: Option
) -> Code:
    """Return the call that `head` opens, as `nn.Linear({d}, {out}`, with the options that differ from their defaults."""
    given = {name: value for name, (value, default) in options.items() if not _equal(value, default)}
    text = "".join(f", {name}={{{name}}}" for name in given)
    defaults = {name: _static(default) for name, (_, default) in options.items()}
    return Code(f"{head}{text})", {**(values or {}), **given}, needs, defaults)


def _static(value: Default) -> Static:
    return Size.of(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _equal(value: Static, default: Default) -> bool:
    if isinstance(value, Size):
        return value.constant is not None and value.constant == default
    return type(value) is type(default) and value == default
