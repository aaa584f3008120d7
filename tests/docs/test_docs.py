"""Every snippet runs; what the pages name is there; what is public is named."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.engine_base import EngineBase
from rekku.core.host import Host, Receipt
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.home import prepare
from tests.docs import source
from tests.docs.pages import LANGUAGES, PAGES, ROOT, Block, anchor, blocks, headings, prose, quoted
from tests.docs.session import Session

FOLDERS = ("src/", "tests/", "docs/", "scripts/", "benchmarks/", "changelog.d/", ".ci/")
NOT_SETTINGS = frozenset(
    {"REKKU_HOME", "PLUGIN_CLASS", "INTERFACE_CLASS", "PLUGIN_REGISTRY", "INTERFACE_REGISTRY", "ACTIVE_INTERFACES"}
)
"""Names in capitals that are no settings of components."""

UNFINISHED = frozenset({"docs/reliability.md", "benchmarks/README.md"})
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@every_page
async def test_the_blocks_of_a_page_do_what_they_show(page: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rekku-docs-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        await in_thread(prepare, home)
        session = Session(home)
        for block in blocks(page):
            await session.run(block)


@pytest.mark.parametrize(
    ("language", "told", "text"),
    [
        ("console", {}, "$ echo hi\nho\n"),
        ("console", {}, "$ false\n"),
        ("python", {"file": "plugins/wrong.py"}, "import nowhere\n"),
        ("python", {"file": "tests/test_wrong.py"}, "def test_wrong():\n    assert False\n"),
        ("python", {}, "1 / 0\n"),
        ("json", {}, '{"actions": [{"type": "fly", "payload": {}}]}\n'),
        ("json", {}, '{"actions": [{"type": "message", "payload": {}}]}\n'),
        ("json", {}, 'So: {"actions": [{"type": "message", "payload": {"text": "hi"}}]}\n'),
        ("toml", {}, "a = 1\n"),
    ],
)
async def test_a_block_that_does_not_do_what_it_shows_is_noticed(
    tmp_path: Path, language: str, told: dict[str, str], text: str
) -> None:
    await in_thread(prepare, tmp_path)
    with pytest.raises(AssertionError):
        await Session(tmp_path).run(Block(PAGES[0], 1, language, text, told))


def test_what_is_generated_is_up_to_date() -> None:
    script = str(ROOT / "scripts" / "generate.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@every_page
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.place}: {block.language!r} is none of {sorted(LANGUAGES)}"


def test_what_nobody_runs_has_a_reason() -> None:
    left_out = {b.place: b.told["not run"] for page in PAGES for b in blocks(page) if "not run" in b.told}
    assert all(len(reason.split()) >= 4 for reason in left_out.values()), left_out
    assert len(left_out) <= 12, f"many blocks are not run: {left_out}"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        name, _, part = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists() or str(linked.relative_to(ROOT)) in UNFINISHED, f"{page.name}: {target}"
        if part:
            assert part in {anchor(text) for _, text in headings(linked)}, f"{page.name}: {target}"


@every_page
def test_files_that_are_named_are_there(page: Path) -> None:
    for text in quoted(page):
        if text.startswith(FOLDERS) and " " not in text and text not in UNFINISHED:
            assert list(ROOT.glob(text.rstrip("/"))), f"{page.name} names {text}, which is not there"


@every_page
def test_settings_that_are_named_are_declared(page: Path) -> None:
    known = source.settings() | NOT_SETTINGS | set(re.findall(r'Setting\(\s*"(\w+)"', page.read_text()))
    for text in quoted(page):
        name = text.partition("=")[0]
        if re.fullmatch(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+", name):
            assert name in known, f"{page.name} names the setting {name}, which nobody declares"
    for block in blocks(page):
        if block.language == "ini":
            for name in re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", block.text, re.MULTILINE):
                assert name in known, f"{block.place} sets {name}, which nobody declares"


def test_commands_that_are_named_are_there() -> None:
    known = source.slash_commands()
    for page in PAGES:
        own = set(re.findall(r'Command\(\s*"(\w+)"', page.read_text()))
        for text in quoted(page):
            slash = re.fullmatch(r"/([a-z_]+)(?: .*)?", text)
            if slash:
                assert slash[1] in known | own, f"{page.name} names /{slash[1]}, which is no command"
            words = text.split()
            if words[0] == "rekku" and len(words) > 1 and words[1].isalpha():
                assert words[1] in source.cli_commands(), f"{page.name} names `{text}`, which is no command"


@pytest.mark.parametrize("cls", [AIPluginBase, EngineBase, InterfaceBase, Host, Receipt], ids=lambda cls: cls.__name__)
def test_every_public_member_is_told(cls: type) -> None:
    told = " ".join(text for page in PAGES for text in quoted(page))
    members = {name for name in {**vars(cls), **cls.__annotations__} if not name.startswith("_")}
    untold = {name for name in members if not re.search(rf"\b{name}\b", told)}
    assert not untold, f"no page tells of {cls.__name__}'s {sorted(untold)}"


def test_headings_of_the_troubles_are_messages_of_the_source() -> None:
    for level, heading in headings(ROOT / "docs" / "troubleshooting.md"):
        if level == 3:
            assert source.says(heading), f"no text of the source is: {heading}"


def test_whatever_the_operator_has_to_put_right_is_among_the_troubles() -> None:
    told = [heading for level, heading in headings(ROOT / "docs" / "troubleshooting.md") if level == 3]
    untold = [m for m in source.operator_messages() if not any(source.fits(heading, m) for heading in told)]
    assert not untold, "docs/troubleshooting.md needs a heading for: " + "\n".join(untold)


def test_sentences_of_rekku_itself_are_among_the_troubles() -> None:
    told = [heading for level, heading in headings(ROOT / "docs" / "troubleshooting.md") if level == 3]
    for sentence in source.own_words():
        assert any(source.fits(heading, sentence) for heading in told), f"no heading for: {sentence}"
