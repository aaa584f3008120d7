"""`rekku chat`: the client of the local socket, on a terminal, in a pipe, or for one message."""
