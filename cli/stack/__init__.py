"""Everything needed to run the product on one machine: real Kafka, real Redis and supervised processes."""
