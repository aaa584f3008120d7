"""Parts of the `reddit_interface`."""
