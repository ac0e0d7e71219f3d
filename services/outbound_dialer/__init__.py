"""The outbound dialer: places ordered calls within the rules, exactly once, and follows each to its end."""
