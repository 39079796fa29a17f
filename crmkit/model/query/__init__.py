"""What a client asks of a list: `parse` turns the pairs of a query string into a Query, `filters` one of them into the
conditions that records must meet. `groups` are filters of which one must be met. `cursor` seals where the next page
starts, `words` says how a query was read.
"""
