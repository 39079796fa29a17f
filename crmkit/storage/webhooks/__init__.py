"""What webhooks need beside their records: their secrets and makers (`keys`), what was sent (`deliveries`)."""
