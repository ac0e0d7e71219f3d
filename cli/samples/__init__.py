"""Invented customers and the facts that may be told of them; the same seed gives the same people."""
