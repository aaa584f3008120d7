"""The parts of the plugin `terminal`: a shell that lasts, its processes, its output, its sandbox."""
