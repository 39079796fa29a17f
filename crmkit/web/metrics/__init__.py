"""The metrics of the server: what the edge counts of each request, and the format in which Prometheus reads all."""
