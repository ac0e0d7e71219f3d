"""Fakes and a small service for tests of the kernel."""
