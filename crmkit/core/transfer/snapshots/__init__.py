"""A whole workspace leaves as an archive and arrives on another server, with the same ids, versions and log."""
