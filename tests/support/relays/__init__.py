"""Relays that stand between a process under test and what it talks to, and can end it at any counted request."""
