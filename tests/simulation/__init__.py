"""The path's services in one process on virtual time, under seeded schedules of faults."""
