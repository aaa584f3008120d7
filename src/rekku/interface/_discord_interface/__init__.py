"""Parts of the `discord_interface`."""
