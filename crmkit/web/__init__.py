"""Floor 4: HTTP. Handlers are thin: they hand the request to a verb and say which shape its answer has."""
