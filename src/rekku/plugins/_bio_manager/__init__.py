"""Parts of the plugin that keeps bios."""
