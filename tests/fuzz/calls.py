"""What a random call of one op is made of, and how plain torch answers it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import torch

from fuzz.kinds import REFUSALS, Kinds, Tensors


@dataclass(frozen=True, slots=True)
class Network:
    """An argument that is an architecture, with what it computes."""

    text: str
    run: Callable[[torch.Tensor], Tensors]


@dataclass(frozen=True, slots=True)
class Text:
    """An argument as it is written: a pattern of axes."""

    text: str


Argument = int | float | bool | str | tuple[int, ...] | Network | Text
Arguments = Mapping[str, Argument]


def _nothing(arguments: Arguments, into: Kinds) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Op:
    """How to draw calls of one op, how torch computes it on a sample, and what archc declines though torch would not."""

    inputs: Callable[[Random], Kinds]
    run: Callable[[Arguments, Tensors], Tensors]
    arguments: Callable[[Random, Kinds], Arguments] = lambda random, into: {}
    declines: Callable[[Arguments, Kinds], str] = _nothing
    ids: bool = False


def written(name: str, arguments: Arguments) -> str:
    """Return the call as .arch text."""
    if not arguments:
        return name
    return f"{name}({', '.join(f'{key} = {_argument(value)}' for key, value in arguments.items())})"


def _argument(value: Argument) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case Network(text) | Text(text):
            return text
        case _:
            return str(value)


def answer(op: Op, arguments: Arguments, given: Tensors) -> Tensors | None:
    """Return what torch computes, None where it refuses."""
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty weights
            return op.run(arguments, given)
    except REFUSALS:
        return None
