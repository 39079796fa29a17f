"""Attacks and faults against the started program, each a figure with a bound that it must keep (`make attack`).

To add a campaign, write a module in `campaigns/` with `async def campaign(lab)`: it starts the program by
`lab.start()`, attacks it and yields rows (`report.exactly`, `report.at_most`). Name it in `CAMPAIGNS` of `__main__`.
See it say "broken" once, against a program without the protection.
"""
