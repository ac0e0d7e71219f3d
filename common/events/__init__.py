"""Wire contracts: every event type, the CloudEvents envelope around it, the codec and the topics."""
