"""A module, data and a plan -> metrics: one plain good trainer for classes, in torch alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from math import cos, isfinite, pi
from random import Random
from typing import TYPE_CHECKING

from archc.search.latency import Bench, timed
from archc.search.protocol import Metrics
from archc.search.tasks.base import Budget, Direction, Recipe
from archc.search.tasks.data import NO_TARGET, Data, Split, resized
from archc.search.tasks.recipe import Plan, plan_of

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import Tensors

METRICS: Mapping[str, Direction] = {
    "accuracy": "maximize",
    "loss": "minimize",
    "test_accuracy": "maximize",
    "params": "minimize",
    "latency": "minimize",
    "epochs": "minimize",
}
"""What training finds: accuracy and loss on validation at the best epoch, which weights then are judged on the test split,
how many learned numbers there are, milliseconds of one sample on one thread, and after how many epochs training stopped.
All but the latency are the same for a seed."""

EVALUATED_AT_ONCE = 512
AVERAGE = 0.99
"""How much of the averaged weights a step keeps."""


class Diverged(ValueError):
    """The loss is no finite number."""


class Classification:
    """A task that trains a network to tell classes: data, and the plan where the recipe says nothing."""

    metrics: Mapping[str, Direction] = METRICS

    def __init__(self, data: Data, plan: Plan) -> None:
        self.data, self.plan = data, plan

    @property
    def takes(self) -> str:
        """The type of a network's input, as .arch text."""
        return self.data.takes

    def fit(self, module: "torch.nn.Module", recipe: Recipe, budget: Budget) -> Metrics:
        """Return what training finds. Raises ValueError as `train` and `plan_of` do."""
        return train(module, self.data, plan_of(recipe, self.plan), budget)


def train(module: "torch.nn.Module", data: Data, plan: Plan, budget: Budget) -> Metrics:
    """Train a module, and leave it with its best weights. A share of the budget is a share of the epochs.

    All chance is that of the budget's seed. Raises ValueError where the network does not go with the data, Diverged where
    the loss is no finite number.
    """
    import torch

    device = torch.device(budget.device)
    data = resized(data, plan.resolution) if plan.resolution else data
    with reproducible(budget.seed, device):
        module.to(device)
        goes_with(module, data, device)
        epochs = max(1, round(plan.epochs * budget.share))
        with _dropping(module, plan.dropout):
            return _Training(module, data, plan, epochs, budget.seed, device).run()


@contextmanager
def reproducible(seed: int, device: "torch.device") -> Iterator[None]:
    """Make chance and rounding those of a seed, and give torch's own state back behind it.

    On a GPU, operations that add up in any order (messages along edges) may still round otherwise each time.
    """
    import torch

    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    with torch.random.fork_rng([device] if device.type == "cuda" else [], device_type="cuda"):
        torch.manual_seed(seed)
        cudnn.deterministic, cudnn.benchmark = True, False
        try:
            yield
        finally:
            cudnn.deterministic, cudnn.benchmark = before


def goes_with(module: "torch.nn.Module", data: Data, device: "torch.device") -> None:
    """Raise ValueError where a network does not take what the data has, or does not give what it asks for."""
    import torch

    taken = list(signature(module.forward).parameters)
    inputs, targets = data.train.batch(torch.arange(min(2, len(data.train))), device)
    if len(taken) != len(inputs):
        raise ValueError(f"{data.name} hands a network {data.takes}; this one takes {len(taken)}: {', '.join(taken)}")
    module.eval()
    with torch.inference_mode():
        try:
            scores = module(*inputs)
        except ValueError as error:
            raise ValueError(f"{data.name} hands a network {data.takes}; {error}") from None
    found = list(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
    if found != [*targets.shape, data.classes]:
        sample = found[1:] if isinstance(found, list) else found
        raise ValueError(f"{data.name} expects a network that gives {data.gives}; this one gives {sample}")
    if not any(weight.requires_grad for weight in module.parameters()):
        raise ValueError("the network has no weights to train")


@contextmanager
def _dropping(module: "torch.nn.Module", share: float) -> Iterator[None]:
    """Drop a share of what the last linear map reads while training."""
    import torch

    if not share:
        yield
        return
    last = [part for part in module.modules() if isinstance(part, torch.nn.Linear)][-1:]
    if not last:
        raise ValueError(f"the recipe: dropout = {share} stands in front of the last linear map, and there is none")

    def drop(part: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return torch.nn.functional.dropout(inputs[0], share, part.training)

    hook = last[0].register_forward_pre_hook(drop)
    try:
        yield
    finally:
        hook.remove()


@dataclass(frozen=True, slots=True)
class _Score:
    accuracy: float
    loss: float

    def beats(self, other: "_Score | None") -> bool:
        return other is None or (self.accuracy, -self.loss) > (other.accuracy, -other.loss)


class _Training:
    """One training under way."""

    def __init__(
        self, module: "torch.nn.Module", data: Data, plan: Plan, epochs: int, seed: int, device: "torch.device"
    ) -> None:
        import torch

        self.module, self.data, self.plan, self.epochs, self.device = module, data, plan, epochs, device
        self.order = torch.Generator().manual_seed(seed)
        self.rng = Random(seed)
        self.batch = min(plan.batch, len(data.train))
        self.steps = epochs * (len(data.train) // self.batch)
        self.step = 0
        self.optimizer = _optimizer(module, plan)
        self.precision = _precision(plan, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == torch.float16)
        self.averaged = _averaged(module) if plan.ema else None

    def run(self) -> Metrics:
        """Return the metrics at the best epoch, whose weights the module has then."""
        import torch

        judged = self.module if self.averaged is None else self.averaged.module
        best: _Score | None = None
        weights: Mapping[str, torch.Tensor] = {}
        since = epoch = 0
        for epoch in range(1, self.epochs + 1):
            self._epoch(epoch)
            found = self.score(judged, self.data.valid)
            since += 1
            if found.beats(best):
                best, since = found, 0
                weights = {name: tensor.detach().clone() for name, tensor in judged.state_dict().items()}
            if since >= self.plan.patience:
                break
        assert best is not None
        self.module.load_state_dict(weights)
        test = self.score(self.module, self.data.test)
        params = sum(weight.numel() for weight in self.module.parameters())
        one, _ = self.data.test.batch(torch.arange(1), self.device)
        return {
            "accuracy": best.accuracy,
            "loss": best.loss,
            "test_accuracy": test.accuracy,
            "params": params,
            "latency": 1000.0 * timed(self.module, one, Bench(str(self.device), runs=20)).seconds,
            "epochs": epoch,
        }

    def _epoch(self, epoch: int) -> None:
        import torch

        self.module.train()
        total = torch.zeros((), device=self.device)
        order = torch.randperm(len(self.data.train), generator=self.order)
        for start in range(0, len(order) - self.batch + 1, self.batch):
            total += self._step(order[start : start + self.batch])
        if not isfinite(total.item()):
            raise Diverged(f"the loss is {total.item()} in epoch {epoch} of {self.epochs}, lr = {self.plan.lr:g}")

    def _step(self, numbers: "torch.Tensor") -> "torch.Tensor":
        """Take one step, and return the loss before it."""
        import torch

        inputs, targets = self.data.train.batch(numbers, self.device)
        share, other = 1.0, targets
        if self.plan.mixup:
            share = self.rng.betavariate(self.plan.mixup, self.plan.mixup)
            inputs, other = self._mixed(inputs, targets, share)
        rate = self.plan.lr * _rate(self.step, self.steps, self.plan.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        scores = self._forward(self.module, inputs)
        loss = share * self._loss(scores, targets)
        if share < 1.0:
            loss = loss + (1.0 - share) * self._loss(scores, other)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.plan.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.averaged is not None:
            self.averaged.update_parameters(self.module)
        self.step += 1
        return loss.detach()

    def _mixed(self, inputs: "Tensors", targets: "torch.Tensor", share: float) -> "tuple[Tensors, torch.Tensor]":
        """Return each sample mixed with another, and the targets of those others."""
        import torch

        if len(inputs) != 1 or not inputs[0].is_floating_point() or targets.dim() != 1:
            raise ValueError(f"the recipe: mixup = {self.plan.mixup} mixes pictures, and {self.data.name} has none")
        other = torch.randperm(len(targets), generator=self.order).to(self.device)
        return (share * inputs[0] + (1.0 - share) * inputs[0][other],), targets[other]

    def _forward(self, module: "torch.nn.Module", inputs: "Tensors") -> "torch.Tensor":
        import torch

        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not None):
            scores: torch.Tensor = module(*inputs)
        return scores.float()

    def _loss(self, scores: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        return cross_entropy(scores, targets, smoothing=self.plan.label_smoothing)

    def score(self, module: "torch.nn.Module", split: Split) -> _Score:
        """Return how well a module does on a split. Raises Diverged where its scores are no numbers."""
        import torch

        module.eval()
        right = many = 0
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(split), EVALUATED_AT_ONCE):
                numbers = torch.arange(start, min(start + EVALUATED_AT_ONCE, len(split)))
                inputs, targets = split.batch(numbers, self.device)
                scores = self._forward(module, inputs)
                counted = int((targets != NO_TARGET).sum())
                right += int((scores.argmax(-1) == targets).sum())
                total += float(cross_entropy(scores, targets)) * counted
                many += counted
        if not isfinite(total):
            raise Diverged(f"the loss is {total} on validation or test, lr = {self.plan.lr:g}")
        return _Score(right / many, total / many)


def cross_entropy(scores: "torch.Tensor", targets: "torch.Tensor", *, smoothing: float = 0.0) -> "torch.Tensor":
    """Return the mean cross-entropy of scores [..., classes] over the targets [...] that are some."""
    from torch.nn import functional

    flat = scores.flatten(0, -2)
    return functional.cross_entropy(flat, targets.flatten(), ignore_index=NO_TARGET, label_smoothing=smoothing)


def _rate(step: int, steps: int, warmup: float) -> float:
    """Return the share of the greatest learning rate: a linear rise over the warm-up, then half a cosine down to 0."""
    rise = round(steps * warmup)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + cos(pi * (step - rise) / max(1, steps - rise)))


def _optimizer(module: "torch.nn.Module", plan: Plan) -> "torch.optim.Optimizer":
    """Return the optimizer of a plan; weights of one axis (biases, scales of norms) do not decay."""
    import torch

    weights = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": plan.weight_decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    match plan.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=plan.lr, fused=True)
        case "adam":
            return torch.optim.Adam(groups, lr=plan.lr, fused=True)
        case "sgd":
            return torch.optim.SGD(groups, lr=plan.lr, momentum=plan.momentum, nesterov=plan.momentum > 0)


def _precision(plan: Plan, device: "torch.device") -> "torch.dtype | None":
    """Return in which type a device shall compute; None for that of the weights."""
    import torch

    named = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if plan.precision != "auto":
        return named[plan.precision]
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _averaged(module: "torch.nn.Module") -> "torch.optim.swa_utils.AveragedModel":
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    average = get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return AveragedModel(module, multi_avg_fn=average, use_buffers=True)
