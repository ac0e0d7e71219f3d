"""Outbound adapters: the dialer over gRPC, and one in memory for tests and simulations."""
