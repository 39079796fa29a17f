"""What happened in a span of time, counted and added up: records that came in, moved, were contacted, closed.

`span` is the span; each other module reads one table for one figure. Amounts are added up in two parts (see amounts).
"""
