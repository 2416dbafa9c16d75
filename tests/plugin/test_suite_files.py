"""A run imports only the files of the suites that it needs; none that it needs is left out."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

from conformance.cli.roles import ROLES
from conformance.plugin.suite_files import is_needless, named_in


def modules(package_name: str) -> list[ModuleType]:
    package = importlib.import_module(package_name)
    found = pkgutil.walk_packages(package.__path__, f"{package_name}.")
    return [importlib.import_module(one.name) for one in found if one.name.rpartition(".")[2].startswith("test_")]


def marked(marks: list[pytest.Mark]) -> set[str]:
    """Ids in the marks of a test and of its parameters."""
    ids = {i for mark in marks if mark.name == "verifies" for i in mark.args}
    for mark in marks:
        if mark.name == "parametrize":
            for value in mark.args[1]:
                ids |= marked(list(getattr(value, "marks", ())))
    return ids


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_id_that_a_test_names_stands_in_the_text_of_its_file(role: str) -> None:
    for module in modules(ROLES[role].suite_package):
        tests = [test for name, test in vars(module).items() if name.startswith("test_")]
        ids = {i for test in tests for i in marked(list(getattr(test, "pytestmark", [])))}
        named = named_in(Path(str(module.__file__)))
        assert ids <= named or module.__name__.endswith(".test_table_driven"), module.__name__


def test_only_what_is_about_known_and_unselected_requirements_is_needless(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    other = tmp_path / "test_y.py"
    file.write_text('@verifies("AB-01a")\ndef test_it(): ...\n@verifies("ONV-CD-02")\ndef test_other(): ...\n', "utf-8")

    assert named_in(file) == {"AB-01a", "ONV-CD-02"}
    assert is_needless(file, {"AB-01a", "ONV-CD-02", "EF-03"}, {"EF-03"})
    assert not is_needless(file, {"AB-01a", "ONV-CD-02", "EF-03"}, {"ONV-CD-02"})
    assert not is_needless(file, {"EF-03"}, {"EF-03"})
    other.write_text('pytest.param(1, marks=verifies(row.id))\n@verifies("AB-01a")\n', "utf-8")
    assert not is_needless(other, {"AB-01a", "EF-03"}, {"EF-03"})
    assert named_in(tmp_path / "missing.py") == frozenset()
    assert not is_needless(tmp_path / "missing.py", {"EF-03"}, set())
