"""What a running service shows of itself: metrics, logs, trace context and health."""
