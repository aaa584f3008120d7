"""The contract: everything that a plugin, an engine or an interface may import."""
