"""What `nineconnect run` shows while the product works."""
