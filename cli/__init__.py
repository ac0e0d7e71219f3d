"""The `nineconnect` command and what it needs to run the product on one machine."""
