"""Who somebody is and where they may act: sign-in, sessions, step-up codes, teams, workspaces."""
