"""How long a request takes: in a large data set beside a small one, the slowest beside the usual."""
