"""How a service runs: one process that holds its intake, its shards' loops, its HTTP server and its extras."""
