"""What several parts of Rekku need of one platform: its client, its settings, where it is."""
