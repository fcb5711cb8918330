"""Python source -> the module that it is, imported from a file as a user would."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType


@cache
def imported(source: str) -> ModuleType:
    """Return the module of `source`; the file is gone afterwards."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "made.py"
        file.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"made_{abs(hash(source))}", file)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module
