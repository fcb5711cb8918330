"""What is taken away of a search of a joint space: the network of its best record, trained by the recipe beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import archc
from archc.members import Member, Space
from archc.networks import Network
from archc.search.best import export_best
from archc.search.jobs import candidate, identify
from archc.search.protocol import Proposal, Trial
from archc.search.tasks.base import Budget, evaluate
from archc.search.tasks.data import resized
from archc.search.tasks.digits import Digits
from archc.search.tasks.vertices import Vertices

JOINT = """arch 0.1
space Backbone(r) : [1, r, r] -> [10] = conv(4 | 8, 3, stride=2) -> (relu | silu) -> global_avg_pool -> linear(10)
space Train = {
    optimizer = | { name = "sgd", momentum = 0.9 } | { name = "adamw", weight_decay = log(1e-3 .. 1e-1) },
    lr = log(1e-3 .. 1e-1), epochs = 1 | 2, ema = true | false
}
## As FBNetV3 has it: the architecture, its recipe and its resolution.
space Joint = {
    choose r = 8 | 12
    return { resolution = r, net = Backbone(r), train = Train }
}
"""


@pytest.fixture(scope="module")
def joint() -> Space:
    """Return the joint space."""
    return archc.loads(JOINT)["Joint"].space()


def of(space: Space, resolution: int) -> Member:
    """Return a member at a resolution."""
    return next(member for member in space if member["resolution"] == resolution)


def test_the_best_of_a_joint_space_is_written_with_its_recipe_and_runs_alone(joint: Space, tmp_path: Path) -> None:
    digits, member = Digits(), of(joint, 12)
    found = candidate(member)
    metrics = evaluate(digits, found, Budget(seed=5))
    trial = Trial(3, member.key, member.derivation, identify(digits, Proposal(member)), 5, 1.0, "done", metrics)
    written = export_best(member, trial, digits, tmp_path / "best", {"command": "archc search joint.arch:Joint"})
    told = json.loads((tmp_path / "best/metrics.json").read_text())
    assert written.trained and told["recipe"] == found.recipe and told["recipe"]["resolution"] == 12
    assert told["hash"] == found.hash and told["identity"] == trial.identity != found.hash
    for name in ("accuracy", "loss", "test_accuracy", "epochs"):
        assert told["metrics_of_these_weights"][name] == told["metrics"][name] == metrics[name]
    again = archc.load(tmp_path / "best/network.arch")["Joint"].space()
    assert again.count() == 1 and again[0].hash == member.hash, "the text is this record and no other"
    guard = f"import sys, runpy\nsys.modules['archc'] = None\nsys.path.insert(0, {str(written.folder)!r})\n"
    script = f"{guard}runpy.run_path({str(written.folder / 'run.py')!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "it puts out [(2, 10)]" in done.stdout and "one step of training, loss" in done.stdout


def test_the_weights_that_are_written_are_those_of_the_trial(joint: Space, tmp_path: Path) -> None:
    """Loaded into the network of the record, they find the accuracy on validation that the trial found."""
    from safetensors.torch import load_file

    digits, member = Digits(), of(joint, 8)
    metrics = evaluate(digits, candidate(member), Budget(seed=1))
    trial = Trial(0, member.key, member.derivation, "", 1, 1.0, "done", metrics)
    export_best(member, trial, digits, tmp_path, {})
    net = member["net"]
    assert isinstance(net, Network)
    module = net.module()
    module.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    valid = resized(digits.data, 8).valid
    inputs, targets = valid.batch(torch.arange(len(valid)), torch.device("cpu"))
    with torch.no_grad():
        accuracy = float((module.eval()(*inputs).argmax(1) == targets).float().mean())
    assert accuracy == pytest.approx(metrics["accuracy"], abs=1e-6)


def test_pictures_are_resized_to_what_the_network_takes(joint: Space) -> None:
    data = Digits().data
    larger = resized(data, 12)
    inputs, targets = larger.train.batch(torch.arange(3), torch.device("cpu"))
    before, same = data.train.batch(torch.arange(3), torch.device("cpu"))
    assert inputs[0].shape == (3, 1, 12, 12) and torch.equal(targets, same) and larger.takes == "[1, 12, 12]"
    assert torch.allclose(inputs[0].mean((1, 2, 3)), before[0].mean((1, 2, 3)), atol=0.1)
    assert torch.equal(resized(data, 8).train.batch(torch.arange(3), torch.device("cpu"))[0][0], before[0])
    found = candidate(of(joint, 12))
    with pytest.raises(ValueError, match=r"hands a network \[1, 8, 8\]"):
        Digits().fit(found.module(), {"epochs": 1}, Budget())
    with pytest.raises(ValueError, match="resolution = 12 is of pictures, and vertices has none"):
        Vertices().fit(found.module(), {"resolution": 12}, Budget())
