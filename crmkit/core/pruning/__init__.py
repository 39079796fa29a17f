"""What is outdated is dropped: `sweep` has the steps, `lasting` the tables of which none drops, `task` runs them."""
