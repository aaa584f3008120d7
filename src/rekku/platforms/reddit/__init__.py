"""Reddit. `client` imports asyncpraw, which takes a while: load it late, in a thread. The others do not."""
