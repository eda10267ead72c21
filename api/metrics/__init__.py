"""What a process counts, and how Prometheus reads it, also where several workers share the work."""
