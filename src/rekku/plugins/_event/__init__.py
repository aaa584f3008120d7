"""The parts of the plugin `event`: when something is due, where it is kept, who wakes up for it, what is said."""
