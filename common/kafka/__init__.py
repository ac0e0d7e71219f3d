"""Kafka as the product uses it: topics checked, dead letters, intake and audit."""
