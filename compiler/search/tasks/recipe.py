"""A recipe, perhaps of a joint space -> how to train."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from archc.search.protocol import Json, unknown
from archc.search.tasks.base import Recipe

Optimizer = Literal["adamw", "adam", "sgd"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train; what a recipe may set, by these names.

    `warmup` is a share of all steps, `dropout` what is dropped in front of the last linear map, `patience` after how many
    epochs without a better validation training stops, `clip` the greatest norm of a gradient. `mixup` is the parameter of
    its beta distribution (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018), `ema` whether weights are
    averaged over the steps. `precision` auto: bfloat16 or float16 where a GPU has it. `resolution` is the height and width to
    which pictures are resized, which the network then has to take; 0 leaves them as they are.
    """

    epochs: int = 30
    batch: int = 64
    optimizer: Optimizer = "adamw"
    lr: float = 3e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    warmup: float = 0.05
    dropout: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: bool = False
    clip: float = 1.0
    patience: int = 10
    precision: Precision = "auto"
    resolution: int = 0


NAMES = tuple(field.name for field in fields(Plan))
CHOICES: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("adamw", "adam", "sgd"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
}
AT_LEAST_ONE = ("epochs", "batch", "patience")
BELOW_ONE = ("momentum", "warmup", "dropout", "label_smoothing")
ABOVE_ZERO = ("lr", "clip")


def plan_of(recipe: Recipe, default: Plan) -> Plan:
    """Return the plan that a recipe makes of a default. `optimizer` may be a record with a name and more settings.

    Raises ValueError on what no trainer reads: a setting that does nothing would be searched in vain.
    """
    found = dict(_flat(recipe))
    for name, value in found.items():
        if name not in NAMES:
            raise ValueError(f"the recipe: {unknown('setting', name, NAMES)}")
        wrong = _wrong(name, value, type(getattr(default, name)))
        if wrong:
            raise ValueError(f"the recipe: {name} = {value!r}, expected {wrong}")
    return replace(default, **found)  # type: ignore[arg-type]  # each value was held to the type of its field


def _flat(recipe: Recipe) -> "Iterator[tuple[str, Json]]":
    for name, value in recipe.items():
        if name == "optimizer" and isinstance(value, Mapping):
            yield from (("optimizer" if key == "name" else key, entry) for key, entry in value.items())
        elif isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _wrong(name: str, value: Json, kind: type) -> str:
    """Return what was expected of a value; nothing where it is that."""
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"one of {', '.join(CHOICES[name])}"
    if kind is bool:
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return "a whole number" if kind is int else "a number"
    if name in AT_LEAST_ONE:
        return "" if value >= 1 else "at least 1"
    if name in BELOW_ONE:
        return "" if 0 <= value < 1 else "from 0 to below 1"
    if name in ABOVE_ZERO:
        return "" if value > 0 else "more than 0"
    return "" if value >= 0 else "at least 0"
