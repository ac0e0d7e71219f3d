"""What every service shares: events, the kernel, rule packs, transport and observability; no business rule."""
