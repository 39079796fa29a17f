"""The indexes of declared keys of `custom`: `indexes` knows which there are, `values` writes and reads what they hold.

`building` fills a new one and empties a dropped one, step by step. `misfits` finds values that a type does not fit.
"""
