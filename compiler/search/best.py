"""The best of a search -> a folder that needs no archc: text, Python source, weights, metrics, and how to run them."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archc.graph import Graph
from archc.members import Member
from archc.search.jobs import candidate
from archc.search.protocol import Json, Metrics, Trial
from archc.search.tasks.base import AnyTask, Budget, Candidate, Reader

if TYPE_CHECKING:
    import torch

RUN = '''"""Load the network that archc wrote beside this file, run it, and take one step of training. It needs torch and safetensors."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from network import {name}


def load() -> torch.nn.Module:
    """Return the network with the weights of this folder."""
    net = {name}()
    net.load_state_dict(load_file(Path(__file__).parent / "weights.safetensors"))
    return net


def inputs(batch: int = 2) -> list[torch.Tensor]:
    """Return random inputs of the right shapes."""
    return [{inputs}]


if __name__ == "__main__":
    net = load().eval()
    with torch.no_grad():
        print("it puts out", [tuple(out.shape) for out in torch.utils._pytree.tree_leaves(net(*inputs()))])
    net.train()
    step = torch.optim.AdamW(net.parameters(), lr=1e-3) if any(True for _ in net.parameters()) else None
    loss = sum(out.float().square().mean() for out in torch.utils._pytree.tree_leaves(net(*inputs())))
    if step is not None:
        loss.backward()
        step.step()
    print("one step of training, loss", loss.item())
'''


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and what the network did when it was trained for that."""

    folder: Path
    files: tuple[str, ...]
    metrics: Metrics
    trained: bool


def export_best(member: Member, trial: Trial, task: AnyTask, folder: Path, notes: Mapping[str, Json]) -> Written:
    """Write the network of a trial to a folder, with the weights that the task gives it with the trial's seed.

    A task that only reads architectures trains nothing: then the weights are fresh ones of that seed, and `trained` says so.
    Raises OSError, and what the task raises.
    """
    from safetensors.torch import save

    found = candidate(member)
    module, metrics, trained = _trained(found, task, trial)
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    source = _source(found.graph)
    about: dict[str, Json] = {
        "trial": trial.number,
        "seed": trial.seed,
        "hash": found.hash,
        "identity": trial.identity,
        "key": member.key,
        "member": member.hash,
        "metrics": dict(trial.metrics),
        "metrics_of_these_weights": dict(metrics),
        "weights": "trained by the task" if trained else "fresh, of the seed",
        "recipe": dict(found.recipe),
        **notes,
    }
    files = {
        "network.arch": member.text.encode(),
        "network.py": source.encode(),
        "run.py": RUN.format(name=_class(source), inputs=_inputs(found.graph)).encode(),
        "metrics.json": json.dumps(about, indent=2).encode(),
        "weights.safetensors": save(weights),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return Written(folder, tuple(files), metrics, trained)


def _trained(found: Candidate, task: AnyTask, trial: Trial) -> "tuple[torch.nn.Module, Metrics, bool]":
    import torch

    torch.manual_seed(trial.seed)
    module = found.module()
    if isinstance(task, Reader):
        return module, {}, False
    return module, task.fit(module, found.recipe, Budget(trial.fidelity, trial.seed)), True


def _source(graph: Graph) -> str:
    from archc.lower.python import to_python

    return to_python(graph)


def _class(source: str) -> str:
    """Return the name of the network's class, which stands last."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]


def _inputs(graph: Graph) -> str:
    """Return random inputs of a graph as Python; sizes that stay open are 8."""
    found = []
    for entry in graph.inputs:
        sizes = [str(size) if str(size).isdecimal() else "8" for size in entry.type.sizes]
        shape = f"({', '.join(['batch', *sizes])},)"
        match entry.type.kind:
            case "Id":
                found.append(f"torch.randint(0, {entry.type.bound}, {shape})")
            case "Int":
                found.append(f"torch.randint(0, 2, {shape})")
            case "Bool":
                found.append(f"torch.rand({shape}) < 0.5")
            case _:
                found.append(f"torch.randn({shape})")
    return ", ".join(found)
