"""Reads: short ones on the event loop, long ones in a snapshot."""
