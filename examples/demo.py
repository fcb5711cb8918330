"""What `make demo` shows: networks checked, compiled, run on a photograph, and three programs that are wrong."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import decode_demo

EXAMPLES = Path(__file__).parent
ROOT = EXAMPLES.parent
BUILT = ROOT / "build" / "demo"
ARCHC = Path(sys.executable).with_name("archc")
STEPS = 6

ALONE = """
import importlib.util, sys
sys.modules["archc"] = None  # importing archc is an error from here on
spec = importlib.util.spec_from_file_location("resnet18", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
import torch
net = made.ResNet18().eval()
with torch.no_grad():
    scores = net(torch.rand(2, 3, 224, 224))
print(f"  {sum(p.numel() for p in net.parameters()):,} parameters, two pictures in, {tuple(scores.shape)} scores out")
"""


def main() -> None:
    """Run the demo and leave what it makes in build/demo."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with _step(1, "every example is checked"):
        _archc("check", *sorted(EXAMPLES.glob("*.arch")))
    with _step(2, "what ResNet-18 costs, without torch"):
        _archc("summary", EXAMPLES / "resnet18.arch:ResNet18", "--at", "[3, 224, 224]", "--depth", "2")
    with _step(3, "ResNet-18 as a torch module looks at a photograph"):
        _look()
    with _step(4, "ResNet-18 as a Python file that stands alone"):
        _stand_alone()
    with _step(5, "three programs that are wrong, and what archc says"):
        for broken in sorted((EXAMPLES / "broken").glob("*.arch")):
            _archc("check", broken, expect=1)
    with _step(6, "a small language model learns invoices, and cannot leave their type"):
        decode_demo.main()
    _say_where()


@contextmanager
def _step(number: int, title: str) -> Iterator[None]:
    print(f"\n[{number}/{STEPS}] {title}", flush=True)
    start = time.perf_counter()
    yield
    print(f"  ({time.perf_counter() - start:.1f} s)", flush=True)


def _archc(*words: str | Path, expect: int = 0) -> None:
    shown = [str(Path(word).relative_to(ROOT)) if isinstance(word, Path) else word for word in words]
    short = shown if len(shown) < 9 else [shown[0], "examples/*.arch"]
    print("  $ archc", *(f"'{word}'" if " " in word else word for word in short), flush=True)
    _run([str(ARCHC), *shown], expect)


def _run(command: Sequence[str], expect: int = 0) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode != expect:
        raise SystemExit(f"the demo expected exit code {expect} and saw {done.returncode} of: {' '.join(command)}")


def _look() -> None:
    import numpy
    import torch
    from PIL import Image

    import archc

    net = archc.load(EXAMPLES / "resnet18.arch")["ResNet18"].module(at=(3, 224, 224)).eval()
    with as_file(files("sklearn.datasets") / "images" / "flower.jpg") as path:
        picture = Image.open(path).convert("RGB").resize((224, 224))
    pixels = torch.from_numpy(numpy.asarray(picture).copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        scores = net(pixels)[0]
    print(f"  flower.jpg of scikit-learn, {tuple(pixels.shape)} -> {tuple(scores.shape)}")
    print(f"  scores from {scores.min():.3f} to {scores.max():.3f}; the weights are fresh, so they name no flower yet")


def _stand_alone() -> None:
    made = BUILT / "resnet18.py"
    net = EXAMPLES / "resnet18.arch:ResNet18"
    _archc("compile", net, "--at", "[3, 224, 224]", "--to", "python", "-o", str(made.relative_to(ROOT)))
    print(f"  $ python {made.relative_to(ROOT)}   # in a process that may not import archc", flush=True)
    _run([sys.executable, "-c", ALONE, str(made)])


def _say_where() -> None:
    print(f"""
What lies where
  examples/*.arch                networks, spaces and types worth reading
  examples/broken/*.arch         the three programs above, to mend
  {BUILT.relative_to(ROOT)}/resnet18.py         the file that was written just now
  {ARCHC.relative_to(ROOT)}                the command; `.venv/bin/archc --help` lists what it does
  docs/language.md, docs/ops.md  the language and its library
Next: README.md has a tour of ten minutes, and `make test` runs the tests.""")


if __name__ == "__main__":
    main()
