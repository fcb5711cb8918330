"""The wheel holds all that archc needs, and works where the checkout is not."""

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from documents import ROOT, Runner, wrong_answers

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {package: ROOT / folder for package, folder in SETTINGS["tool"]["setuptools"]["package-dir"].items()}


def test_every_package_is_listed() -> None:
    found = set()
    for package, folder in FOLDERS.items():
        for file in folder.rglob("__init__.py"):
            found.add(".".join([package, *file.parent.relative_to(folder).parts]))
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == sorted(found)


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    project = SETTINGS["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {name.partition(">=")[0].lower() for name in wanted if not name.startswith("archc")}
    assert names <= pinned


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", *(path.name for path in FOLDERS.values())):
        (source / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, timeout=300)
    (found,) = folder.glob("archc-*.whl")
    return found


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package, folder in FOLDERS.items():
        for file in folder.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert f"{package.replace('.', '/')}/{file.relative_to(folder).as_posix()}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_tour_runs_from_the_wheel_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True, timeout=120)
    python = env / "bin" / "python"
    (site,) = env.glob("lib/python*/site-packages")
    (site / "heavy.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True, timeout=120)
    tour = tmp_path / "tour"
    tour.mkdir()
    runner = Runner(tour, str(python))
    where = runner.script("import archc, archc.grammar, archc.runtime; print(archc.__file__, archc.grammar.__file__)")
    assert all(path.startswith(str(env)) for path in where.split())
    assert (env / "bin" / "archc").exists()
    wrong = wrong_answers(ROOT / "README.md", runner)
    assert not wrong, wrong
