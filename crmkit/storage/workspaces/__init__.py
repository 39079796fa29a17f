"""A workspace as a whole: the tables that hold its rows, and its end."""
