"""The rows of the report, each a function of the lab: what is measured beside what."""
