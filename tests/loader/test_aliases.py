"""Drop-in files import Rekku under short names; both names are one module."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rekku import aliases


@pytest.fixture
def installed() -> Iterator[None]:
    """Short names for the length of a test."""
    aliases.install()
    yield
    aliases.uninstall()


@pytest.mark.usefixtures("installed")
def test_both_names_are_one_module_and_the_module_does_not_change() -> None:
    real = importlib.import_module("rekku.core.errors")
    spec = real.__spec__
    short = importlib.import_module("core.errors")
    assert short is real is sys.modules["core.errors"]
    assert real.__spec__ is spec
    assert real.__name__ == "rekku.core.errors"
    assert importlib.import_module("core") is importlib.import_module("rekku.core")


@pytest.mark.usefixtures("installed")
def test_every_form_of_import_works() -> None:
    names: dict[str, object] = {}
    exec(
        "import core.clock as a\nfrom core import clock as b\nfrom core.clock import SystemClock\n"
        "import core.clock\nc = core.clock\nimport rekku.core.clock as d\n",
        names,
    )
    assert names["a"] is names["b"] is names["c"] is names["d"]


@pytest.mark.usefixtures("installed")
def test_importlib_reload_keeps_them_one() -> None:
    short = importlib.import_module("core.logging_utils")
    assert importlib.reload(short) is sys.modules["rekku.core.logging_utils"] is sys.modules["core.logging_utils"]


@pytest.mark.usefixtures("installed")
def test_a_module_that_is_not_there_is_missed_under_the_name_that_was_asked_for() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'core\.nothing'"):
        importlib.import_module("core.nothing")


def test_the_short_names_go_with_the_last_uninstall() -> None:
    aliases.install()
    aliases.install()
    importlib.import_module("core.errors")
    aliases.uninstall()
    assert "core.errors" in sys.modules
    aliases.uninstall()
    assert not {"core", "core.errors"} & sys.modules.keys()
    assert not any(isinstance(finder, aliases.AliasFinder) for finder in sys.meta_path)


def test_importing_rekku_installs_nothing() -> None:
    code = "import rekku, rekku.aliases, rekku.core.registry\nimport core"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False)
    assert "No module named 'core'" in done.stderr


@pytest.mark.usefixtures("installed")
def test_the_home_stands_in_front_until_it_is_undone(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "_only_at_home.py").write_text("WHERE = 'home'\n")
    undo = aliases.put_home_in_front(tmp_path)
    assert importlib.import_module("plugins._only_at_home").WHERE == "home"
    assert "rekku.plugins._only_at_home" in sys.modules
    undo()
    undo()
    del sys.modules["rekku.plugins._only_at_home"], sys.modules["plugins._only_at_home"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("plugins._only_at_home")
