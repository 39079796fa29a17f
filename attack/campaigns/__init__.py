"""The campaigns, one module each: `campaign(lab)` starts the program, attacks it and yields rows with their bounds."""
