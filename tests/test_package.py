"""The package as it is built: every folder listed, every example true, nothing at the root."""

import ast
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


ROOMS = ("index", "qa", "desk", "evals", "ui", "cli")


def test_imports_point_left() -> None:
    """index < qa < desk < evals < ui < cli, in every module of a room, late imports too."""
    for place, room in enumerate(ROOMS):
        for file in (ROOT / room).rglob("*.py"):
            later = _imported(file) & set(ROOMS[place + 1 :])
            assert not later, f"{file.relative_to(ROOT)} imports {later}"


def _imported(file: Path) -> set[str]:
    """The rooms that a module imports from, but for types alone."""
    up = len(file.relative_to(ROOT).parts)  # dots that lead to the root
    tree, found = ast.parse(file.read_text("utf-8")), set()
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == up and id(node) not in for_types:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {name.partition(".")[0] for name in names}
    return found
