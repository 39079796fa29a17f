"""Figures of a period: what came in, moved on and was won; the funnel; campaigns.

`spans` reads which period is asked for. `summary`, `funnel` and `campaigns` each answer with rows.
"""
