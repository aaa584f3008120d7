"""`python -m rekku` is the `rekku` command."""

from rekku.cli import main

raise SystemExit(main())
