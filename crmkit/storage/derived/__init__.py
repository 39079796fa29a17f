"""What records show of the activities that link to them: kept on the record, and never logged.

`tallies` writes it on a record, `addresses` counts for whom activities were done, `ahead` holds those to come.
"""
