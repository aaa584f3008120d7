"""What several components need of one platform: its client, its settings, what went wrong there in words."""
