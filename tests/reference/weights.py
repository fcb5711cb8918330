"""Weights of a reference network, trained a little and taken over by the compiled one."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def train(model: nn.Module, *inputs: Tensor, steps: int = 12, lr: float = 1e-3) -> None:
    """Take a few Adam steps towards noise, so that no weight and no running mean keeps its first value."""
    model.train()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.5  # so few steps must be enough to leave the first mean and variance behind
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        output = model(*inputs)
        loss = ((output - torch.randn_like(output)) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def renamed(model: nn.Module, rules: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the weights of `model`, each under the name that the first pattern matching its own makes of it.

    A pattern whose result is empty drops the weight. Raises KeyError where no pattern matches.
    """
    found = {}
    for name, tensor in model.state_dict().items():
        rule = next((rule for rule in rules if re.match(rule, name)), None)
        if rule is None:
            raise KeyError(name)
        if new := re.sub(rule, rules[rule], name) if rules[rule] else "":
            found[new] = tensor
    return found


def take_by_name(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into `model`; both must have the same names, and shapes that differ in axes of size 1 at most."""
    own = model.state_dict()
    assert sorted(own) == sorted(weights), sorted(set(own) ^ set(weights))
    for name, tensor in weights.items():
        _copy(name, own[name], tensor)


def take_in_order(model: nn.Module, weights: Iterable[Tensor]) -> None:
    """Copy `weights`, listed as the program reads, into `model`."""
    own, given = model.state_dict(), list(weights)
    assert len(own) == len(given), f"{len(own)} weights here, {len(given)} there"
    for (name, target), tensor in zip(own.items(), given, strict=True):
        _copy(name, target, tensor)


def agree(ours: Tensor, theirs: Tensor, bound: float = 1e-4) -> None:
    """Assert that `theirs` depends on its input and that `ours` equals it up to `bound`, relative to its largest value."""
    assert ours.shape == theirs.shape
    assert float(theirs.std(0).mean()) > 1e-3, "the reference says the same to every input"
    distance = float((ours - theirs).abs().max() / theirs.abs().max())
    assert distance <= bound, f"relative difference {distance:.2e}"


def compare(ours: nn.Module, theirs: nn.Module, *inputs: Tensor, bound: float = 1e-4) -> None:
    """Assert that both networks, in eval mode, agree on `inputs`."""
    ours.eval()
    theirs.eval()
    with torch.no_grad():
        agree(ours(*inputs), theirs(*inputs), bound)


def _copy(name: str, target: Tensor, tensor: Tensor) -> None:
    assert _real(target) == _real(tensor), f"{name}: {tuple(target.shape)} here, {tuple(tensor.shape)} there"
    with torch.no_grad():
        target.copy_(tensor.reshape(target.shape))


def _real(tensor: Tensor) -> list[int]:
    return [size for size in tensor.shape if size != 1]
