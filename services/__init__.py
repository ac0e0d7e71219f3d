"""The product's services; none imports another."""
