"""What the `rekku` command does: a module per command, with `run(arguments)` that returns the exit status."""
