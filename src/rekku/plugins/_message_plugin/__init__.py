"""Parts of `message_plugin`."""
