"""What Rekku costs: `make bench`. Method and figures stand in README.md."""
