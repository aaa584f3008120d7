"""Parts of `selenium_elevenlabs`."""
