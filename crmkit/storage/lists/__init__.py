"""Lists: a query becomes one page of rows, its total and the place where the next page starts."""
