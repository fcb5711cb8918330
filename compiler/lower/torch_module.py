"""Graph to torch.nn.Module: the generated source, run."""

import contextlib
import linecache
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING
from weakref import finalize

from archc.graph import Graph
from archc.lower.python import class_name, to_python

if TYPE_CHECKING:
    import torch

_numbers = count(1)


def to_module(
    graph: Graph, *, device: "torch.device | str | None" = None, dtype: "torch.dtype | None" = None
) -> "torch.nn.Module":
    """Return the network as a module on `device`, its floating-point weights of type `dtype`.

    It is the class of `to_python`, so that file and module are one. On "meta" nothing is allocated. Raises
    CompileError (A0701) where a weight's shape depends on a size of the input that is not known.
    """
    import torch

    name = class_name(graph)
    made = _run(to_python(graph), name)
    with contextlib.ExitStack() as stack:
        if device is not None:
            stack.enter_context(torch.device(device))
        if device is not None and torch.device(device).type == "meta":
            stack.enter_context(_unfilled())
        module = made()
    assert isinstance(module, torch.nn.Module), name
    return module if dtype is None else module.to(dtype)


def _unfilled() -> contextlib.AbstractContextManager[object]:
    """Return a context in which random fills do nothing: on "meta" there is nothing to fill, and torch takes a second."""
    import torch
    from torch.overrides import TorchFunctionMode

    fills = (torch.Tensor.normal_, torch.Tensor.uniform_)

    class Unfilled(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., object],
            types: object,
            args: tuple[object, ...] = (),
            kwargs: dict[str, object] | None = None,
        ) -> object:
            given = kwargs or {}
            if func in fills or getattr(func, "__module__", "") == "torch.nn.init":
                return args[0] if args else given["tensor"]
            return func(*args, **given)

    return Unfilled()


def _run(source: str, name: str) -> "type[torch.nn.Module]":
    """Return the class `name` of the source, which tracebacks show until the class is gone."""
    import torch

    file = f"<archc {name} {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space: dict[str, object] = {"__name__": f"archc.generated.{name}"}
    exec(compile(source, file, "exec"), space)  # noqa: S102 - the source is ours: names in it are checked, texts escaped
    made = space[name]
    assert isinstance(made, type) and issubclass(made, torch.nn.Module), name
    finalize(made, linecache.cache.pop, file, None)
    return made
