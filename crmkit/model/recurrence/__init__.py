"""How something repeats: `rule` reads the texts that say it, `series` tells what comes next."""
