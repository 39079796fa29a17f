"""What stands between two records and is logged: memberships, dismissals. Clients write it by routes of the records."""
