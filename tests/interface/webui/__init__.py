"""The web page: what it lets in, what it keeps, what it shows."""
