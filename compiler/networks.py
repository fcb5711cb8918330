"""What a user holds of a member: its network, or the fields of its record with a network in some."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from string import digits
from typing import TYPE_CHECKING

from archc.graph import CallNode, Graph, LoopNode
from archc.show.summary import Summary, summarize
from archc.spaces.identity import hash_of
from archc.spaces.realize import Entry
from archc.values import show

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Network:
    """One network, of which nothing is open. Networks are equal when they are one architecture."""

    graph: Graph

    @cached_property
    def hash(self) -> str:
        """The architecture, whatever derives it: a hash of the canonical graph with its sharing of weights."""
        return hash_of(self.graph)

    @property
    def type(self) -> str:
        """The type of its output."""
        return str(self.graph.type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{entry.name}: {entry.type}" for entry in self.graph.inputs)
        return f"<network {self.graph.name} : {inputs} -> {self.type}>"

    def module(
        self, *, device: "torch.device | str | None" = None, dtype: "torch.dtype | None" = None
    ) -> "torch.nn.Module":
        """Return it as a torch module with fresh weights."""
        from archc.lower.torch_module import to_module

        return to_module(self.graph, device=device, dtype=dtype)

    @property
    def text(self) -> str:
        """It as .arch text: a program of one model."""
        from archc.lower.arch import to_arch

        return to_arch(self.graph)

    def python(self) -> str:
        """Return it as Python source that needs torch and nothing else."""
        from archc.lower.python import to_python

        return to_python(self.graph)

    def summary(self) -> Summary:
        """Return shapes and costs layer by layer; it prints as a table."""
        return summarize(self.graph)


Field = int | float | bool | str | list["Field"] | dict[str, "Field"] | Network
"""What a field of a record holds."""


def fields_of(entries: Mapping[str, Entry]) -> dict[str, Field]:
    """Return a record with a Network for each graph."""
    return {name: _field(entry) for name, entry in entries.items()}


def _field(entry: Entry) -> Field:
    match entry:
        case Graph():
            return Network(entry)
        case dict():
            return fields_of(entry)
        case list():
            return [_field(item) for item in entry]
        case _:
            return entry


def record_hash(fields: Mapping[str, Field]) -> str:
    """Return the identity of a record: 64 hexadecimal digits of its values and of the hashes of its networks."""
    return sha256(json.dumps(fields, default=lambda network: {"network": network.hash}).encode()).hexdigest()


def record_text(name: str, fields: Mapping[str, Field]) -> str:
    """Return a record as a program: a model for each of its networks, and a space that has this record only."""
    from archc.lower.arch import to_program

    found = dict(_networks(fields, ""))
    taken = {name, *(block for network in found.values() for block in _blocks(network.graph))}
    graphs: dict[str, Graph] = {}
    for path, network in found.items():
        wish = own = "".join(part[:1].upper() + part[1:] for part in path.split("."))
        while not taken.isdisjoint((own, own.rstrip(digits))):  # blocks of one name are numbered
            own += "Network" if own == wish else "X"
        taken.add(own)
        graphs[path] = replace(network.graph, name=own)
    names = {path: graph.name for path, graph in graphs.items()}
    return to_program(list(graphs.values()), f"space {name} = {_text(fields, '', names)}\n")


def _networks(fields: Mapping[str, Field], path: str) -> Iterator[tuple[str, Network]]:
    for name, entry in fields.items():
        if isinstance(entry, Network):
            yield f"{path}{name}", entry
        elif isinstance(entry, dict):
            yield from _networks(entry, f"{path}{name}.")


def _blocks(graph: Graph) -> Iterator[str]:
    """Yield the names of the blocks that a network mentions."""
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case CallNode(block=name, graph=inner):
                    yield name
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
                case _:
                    pass


def _text(entry: Field | Mapping[str, Field], path: str, names: Mapping[str, str]) -> str:
    match entry:
        case Network():
            return names[path]
        case Mapping():
            at = f"{path}." if path else ""
            return f"{{ {', '.join(f'{name} = {_text(item, at + name, names)}' for name, item in entry.items())} }}"
        case list():
            return f"[{', '.join(_text(item, path, names) for item in entry)}]"
        case float():  # a number of .arch has at most 18 digits
            plain = repr(entry)
            return plain if sum(map(str.isdigit, plain)) < 19 else f"{entry:.16e}"
        case _:
            return show(entry)
