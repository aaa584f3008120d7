"""Parts of the weather plugin."""
