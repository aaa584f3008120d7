"""Parts of the `matrix_interface`."""
