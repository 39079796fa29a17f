"""What receivers of webhooks are told: the `names` of events, the `types` of the fields of a webhook, its `secret`."""
