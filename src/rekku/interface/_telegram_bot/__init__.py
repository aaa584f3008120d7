"""Parts of the `telegram_bot` interface."""
