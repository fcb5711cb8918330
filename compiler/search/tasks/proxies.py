"""A module with fresh weights and a batch -> a score without training: the zero-cost proxies.

Each says its paper. All look at one batch, or a few; none changes the module's weights. Which of them rank the networks of
a space is not known beforehand: `archc.search.correlation` measures it.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from archc.search.tasks.trainer import cross_entropy

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import Tensors

BATCHES = 2
"""Into how many batches ZiCo parts the samples."""

RIDGE = 1e-5
"""What jacov adds to eigenvalues, as its authors do."""

RECTIFIERS = ("relu", "relu_", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish", "celu", "selu")
"""Functions of torch whose outputs are on or off by their sign."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a proxy looks at: the inputs and the targets of a batch."""

    inputs: "Tensors"
    targets: "torch.Tensor"


def gradsign(module: "torch.nn.Module", sample: Sample) -> float:
    """Return how far the gradients of single samples agree in sign: the sum over weights of |sum over samples of signs|.

    Zhang and Jia, "GradSign: Model Performance Inference with Theoretical Insights" (ICLR 2022), algorithm 1.
    """
    import torch

    weights = _weights(module)
    module.train()
    scores = module(*sample.inputs)
    signs = [torch.zeros_like(weight) for weight in weights]
    for number in range(len(sample.targets)):
        loss = cross_entropy(scores[number : number + 1], sample.targets[number : number + 1])
        for sign, gradient in zip(signs, _gradients(loss, weights), strict=True):
            sign += gradient.sign()
    return float(sum(sign.abs().sum(dtype=torch.float64) for sign in signs))


def synflow(module: "torch.nn.Module", sample: Sample) -> float:
    """Return the synaptic flow: the sum over weights of |weight * dR/dweight|, with R the sum of outputs for ones.

    Tanaka, Kunin, Yamins and Ganguli, "Pruning Neural Networks without Any Data by Iteratively Conserving Synaptic Flow"
    (NeurIPS 2020); as a proxy Abdelfattah, Mehrotra, Dudziak and Lane (ICLR 2021). Weights are taken without their signs;
    norms stand still, with the statistics they were made with. Inputs that are ids stay as they are.
    """
    import torch

    linear = deepcopy(module).double().eval()
    with torch.no_grad():
        for weight in linear.parameters():
            weight.abs_()
    inputs = [_ones(tensor[:1]) for tensor in sample.inputs]
    weights = _weights(linear)
    flow = linear(*inputs).sum()
    return float(sum((w.detach() * g).abs().sum() for w, g in zip(weights, _gradients(flow, weights), strict=True)))


def naswot(module: "torch.nn.Module", sample: Sample) -> float:
    """Return log |det K|, where K counts for each two samples the rectifiers that are both on or both off.

    Mellor, Turner, Storkey and Crowley, "Neural Architecture Search without Training" (ICML 2021). Minus infinity becomes
    ValueError: two samples that switch alike, or a network without rectifiers.
    """
    import torch

    module.train()
    codes: list[torch.Tensor] = []
    with torch.no_grad(), _watching(codes):
        module(*sample.inputs)
    many = len(sample.targets)
    kernel = torch.zeros(many, many, dtype=torch.float64)
    for code in codes:
        if len(code) == many:
            on = code.flatten(1).double().cpu()
            kernel += on @ on.T + (1.0 - on) @ (1.0 - on).T
    found = float(torch.linalg.slogdet(kernel).logabsdet)
    if not codes or found == float("-inf"):
        raise ValueError("naswot: the network has no rectifiers, or two samples switch them alike")
    return found


def jacov(module: "torch.nn.Module", sample: Sample) -> float:
    """Return -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlations of the samples' input gradients.

    The score of the first version of Mellor et al. (2020, arXiv 2006.04647v1), called jacob_cov by Abdelfattah et al. (ICLR
    2021). Raises ValueError where an input has no gradient (ids), or a sample's gradient is constant.
    """
    import torch

    inputs = [tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor for tensor in sample.inputs]
    differentiable = [tensor for tensor in inputs if tensor.requires_grad]
    if not differentiable:
        raise ValueError("jacov: it needs an input of numbers, and this network takes ids")
    module.train()
    rows = torch.cat([row.flatten(1) for row in _gradients(module(*inputs).sum(), differentiable)], 1).double().cpu()
    centred = rows - rows.mean(1, keepdim=True)
    length = centred.norm(dim=1, keepdim=True)
    if not bool((length > 0).all()):
        raise ValueError("jacov: the gradient of a sample is the same at every place of the input")
    values = torch.linalg.eigvalsh((centred / length) @ (centred / length).T)
    return float(-((values + RIDGE).log() + 1.0 / (values + RIDGE)).sum())


def zico(module: "torch.nn.Module", sample: Sample) -> float:
    """Return the sum over layers of log(sum over weights of mean |gradient| / deviation of |gradient|), over batches.

    Li, Yang, Bhardwaj and Marculescu, "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients" (ICLR 2023),
    equation 17. A layer is a weight of two or more axes; weights whose gradient does not vary are left out.
    """
    import torch

    if len(sample.targets) < BATCHES:
        raise ValueError(f"zico: it needs at least {BATCHES} samples, found {len(sample.targets)}")
    weights = [weight for weight in _weights(module) if weight.dim() > 1]
    module.train()
    parts = [tensor.tensor_split(BATCHES) for tensor in (*sample.inputs, sample.targets)]
    found: list[Sequence[torch.Tensor]] = []
    for *inputs, targets in zip(*parts, strict=True):
        found.append(_gradients(cross_entropy(module(*inputs), targets), weights))
    total = 0.0
    for layer in zip(*found, strict=True):
        sizes = torch.stack([gradient.abs().double() for gradient in layer])
        deviation = sizes.std(0, correction=0)
        varying = deviation > 0
        if bool(varying.any()):
            total += log(float((sizes.mean(0)[varying] / deviation[varying]).sum()))
    return total


PROXIES: dict[str, Callable[["torch.nn.Module", Sample], float]] = {
    "gradsign": gradsign,
    "synflow": synflow,
    "naswot": naswot,
    "jacov": jacov,
    "zico": zico,
}


def _weights(module: "torch.nn.Module") -> "list[torch.nn.Parameter]":
    """Return the learned weights. Raises ValueError where there are none."""
    found = [weight for weight in module.parameters() if weight.requires_grad]
    if not found:
        raise ValueError("the network has no weights, whose gradients the proxy looks at")
    return found


def _gradients(output: "torch.Tensor", weights: "Sequence[torch.Tensor]") -> "Sequence[torch.Tensor]":
    """Return the gradient of a number by each tensor; zeros where it does not depend on one. The graph is kept."""
    import torch

    if not output.requires_grad:
        return [torch.zeros_like(weight) for weight in weights]
    return torch.autograd.grad(output, weights, retain_graph=True, allow_unused=True, materialize_grads=True)


def _ones(tensor: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.ones_like(tensor, dtype=torch.float64) if tensor.is_floating_point() else tensor


def _watching(codes: "list[torch.Tensor]") -> "torch.overrides.TorchFunctionMode":
    """Return a context in which the outputs of rectifiers are noted as on or off."""
    from torch.overrides import TorchFunctionMode

    class Watching(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., object],
            types: object,
            args: tuple[object, ...] = (),
            kwargs: dict[str, object] | None = None,
        ) -> object:
            import torch

            found = func(*args, **(kwargs or {}))
            if getattr(func, "__name__", "") in RECTIFIERS and isinstance(found, torch.Tensor):
                codes.append(found > 0)
            return found

    return Watching()
