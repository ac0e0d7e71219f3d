"""gRPC for every service: servers and clients with deadlines, health, reflection and rich errors."""
