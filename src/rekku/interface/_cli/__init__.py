"""Parts of the `cli` interface."""
