"""`archc init`: a small project to start from."""

from pathlib import Path
from typing import Annotated

import typer

FILES = {
    "arch.toml": """\
# This file marks the root of the project: imports of .arch files resolve below it, and nothing above it is read.
edition = "0.1"
""",
    "model.arch": """\
arch 0.1
import std.nn (Residual)

## Two linear layers with a wider one between them.
block Mlp(hidden) : [..s, d] -> [..s, d] = linear(hidden) -> gelu -> linear(d)

## A small classifier of images: the channels are mixed, then averaged.
model Net(classes = 10, width = 32, depth = 4) : [3, 4*h, 4*w] -> [classes] =
    conv(width, 4, stride=4) -> batch_norm -> relu
 -> Residual(conv(width, 3, pad=1) -> relu) * depth -> global_avg_pool
 -> Mlp(2*width)
 -> linear(classes)
""",
    "types.arch": """\
arch 0.1

type Label = "cat" | "dog" | "bird"

## What the network says of one picture.
type Prediction = {
  label:      Label,
  ## From 0 (a guess) to 1 (certain).
  confidence: 0.0..1.0,
}
""",
    "README.md": """\
# A project in .arch

```sh
archc check .                                        # every mistake, with its place and a fix
archc summary model.arch:Net --at '[3, 32, 32]'      # shapes, parameters, FLOPs
archc compile model.arch:Net --to python -o net.py   # torch source that stands alone
```

```python
import archc

net = archc.load("model.arch")["Net"].module(at=(3, 32, 32), classes=3)
```
""",
}


def init(folder: Annotated[str, typer.Argument(metavar="[FOLDER]", help="Made if it is not there.")] = ".") -> int:
    """Write a small project to start from."""
    from archc.cli.output import WrongCall, emit, write_whole

    root = Path(folder)
    taken = [name for name in FILES if (root / name).exists()]
    if taken:
        raise WrongCall(
            "A0911", f"`{root / taken[0]}` is there already, and is left alone", folder, hint="archc init new-folder"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongCall("A0908", f"the folder `{folder}` cannot be made: {error.strerror}", folder) from error
    for name, text in FILES.items():
        write_whole(root / name, text)
    emit(f"{', '.join(FILES)} lie in {root}; next:  archc check {root}")
    return 0
