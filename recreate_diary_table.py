"""Throw the diary away and make its tables anew: the same as `rekku diary recreate`.

It says how many entries go, offers a backup, and asks; `--yes` does not ask, `--backup FILE` writes a backup first.
"""

import sys

from rekku.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["diary", "recreate", *sys.argv[1:]]))
