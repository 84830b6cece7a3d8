"""The package as it is built: every folder listed, every example true, nothing at the root."""

import doctest
import importlib
import pkgutil
import tomllib
from pathlib import Path

import byline
import pytest
from byline.tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUP = PROJECT["tool"]["setuptools"]
OUTSIDE = {"tests", "bench"}
AT_ROOT = {"__init__", "__main__", "errors", "settings"}
MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(byline.__path__, "byline.")
    if name.split(".")[1] not in OUTSIDE and name != "byline.__main__"
)


def test_every_package_is_listed() -> None:
    folders = {
        ".".join(("byline", *init.parent.relative_to(ROOT).parts))
        for init in ROOT.glob("**/__init__.py")
        if not {*OUTSIDE, "build", ".venv"} & set(init.relative_to(ROOT).parts)
    }
    assert set(SETUP["packages"]) == folders


def test_no_other_module_stands_at_the_root() -> None:
    assert {file.stem for file in ROOT.glob("*.py")} == AT_ROOT


def test_every_data_file_is_in_the_package() -> None:
    for package in SETUP["packages"]:
        patterns = SETUP["package-data"].get(package, [])
        folder = ROOT.joinpath(*package.split(".")[1:])
        packed = {file for pattern in patterns for file in folder.glob(pattern)}
        files = {
            file
            for file in folder.rglob("*")
            if package != "byline"
            if file.is_file() and file.suffix not in (".py", ".pyc")
            if not any(part.joinpath("__init__.py").exists() for part in _between(file, folder))
        }
        assert files <= packed, package
        assert packed or not patterns, package


def _between(file: Path, folder: Path) -> list[Path]:
    """The folders below a folder in which a file stands: a package there packs its own."""
    return [part for part in file.parents if folder in part.parents]


def test_modules_are_found() -> None:
    assert {"byline.desk", "byline.index.archive", "byline.qa.extract"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} does not say what it is for"
    assert doctest.testmod(module).failed == 0


def test_imports_point_left() -> None:
    """index < qa < evals < ui, and only the command line imports ui."""
    order = ("index", "qa", "evals", "ui")
    for place, folder in enumerate(order):
        for file in (ROOT / folder).glob("*.py"):
            text = file.read_text("utf-8")
            for later in order[place + 1 :]:
                assert f"from ..{later}" not in text, f"{file} imports {later}"
    assert "from ..ui" not in (ROOT / "desk/__init__.py").read_text("utf-8")
