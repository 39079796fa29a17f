"""One thin handler for each endpoint: it reads the request, calls a verb and names the shape of the answer."""
