"""Paths of this API that people keep: in a view, or behind a link."""
