"""Carrier sandbox: the SMS and voice provider with simulated customers and a book of what it was asked."""
