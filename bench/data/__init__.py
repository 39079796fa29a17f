"""The data that is measured: how it is made, and what records are drawn."""
