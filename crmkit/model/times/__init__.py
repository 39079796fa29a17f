"""Times and days as clients write them -> stamps and dates: `written` in full, told by the present (`relative`), or
`periods` of days. The present is a stamp that they are given, and a day is one in the zone that they are given.
"""
