"""What is made of the settings' declarations: `rekku config`, `.env.example`, the table in the docs."""

import io
import subprocess
import sys
from pathlib import Path

from rekku.cli_commands import declared
from rekku.core.settings import Setting
from tests.cli.conftest import Shell

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {
    "Rekku": (Setting("A", "The first.", int, 3, minimum=1), Setting("SHARED", "Of both.")),
    "dice": (Setting("DICE_KEY", "A key | with a bar.", required=True, secret=True), Setting("SHARED", "Of both.")),
}


def test_the_example_holds_every_setting_once_and_is_a_valid_env_file() -> None:
    from dotenv.main import DotEnv

    text = declared.env_example(DECLARED)

    assert text.count("SHARED=") == 1
    assert "# A=3" in text
    values = DotEnv(None, stream=io.StringIO(text.replace("# A=", "A=").replace("# DICE_KEY=", "DICE_KEY="))).dict()
    assert values == {"A": "3", "DICE_KEY": ""}


def test_the_table_has_a_row_for_each_setting() -> None:
    rows = declared.markdown(DECLARED).splitlines()[2:]

    assert len(rows) == 3
    assert rows[0] == "| `A` | Rekku | The first. | a whole number of at least 1 | `3` |"
    assert rows[2] == "| `DICE_KEY` | dice | A key \\| with a bar. | a text | required |"


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_config_shows_values_and_sources_and_no_secret(rekku: Shell) -> None:
    rekku.home.mkdir()
    (rekku.home / ".env").write_text("DB_PASS=swordfish\nMAX_SENDS=7\n")
    done = rekku("config", MAX_STEPS="4", OPENAI_API_KEY="sk-sesame")

    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert lines["DB_PASS"] == ["set", "(.env)"]
    assert lines["MAX_SENDS"] == ["7", "(.env)"]
    assert lines["MAX_STEPS"] == ["4", "(environment)"]
    assert lines["MAX_ACTIONS"] == ["10", "(default)"]
    assert lines["OPENAI_API_KEY"] == ["set", "(environment)"]
    assert "swordfish" not in done.stdout
    assert "sk-sesame" not in done.stdout
