"""The kernel's ports on Redis: one server, or a cluster of them."""
