"""What follows from records, and is never logged.

`tallies` writes on a record what it shows of the activities that link to it, `addresses` counts for whom activities
were done, `ahead` holds those to come. `countries` reads fields anew when the workspace's country changes. `open_sums`
keeps what open deals add up to.
"""
