"""Tells customers by SMS what they must know, once, at a decent hour."""
