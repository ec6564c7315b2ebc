"""Reading an upstream's catalog: what to ask, and what the answers mean. Connections are somebody else's."""
