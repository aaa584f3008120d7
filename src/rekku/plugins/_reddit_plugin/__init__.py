"""Parts of the plugin that writes on Reddit."""
