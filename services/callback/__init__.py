"""Callback: follows every broken customer journey by rules until it is closed with a result."""
