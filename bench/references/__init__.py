"""What crmkit is compared with: bare applications, the statements alone, an export by hand, the JSON of other CRMs."""
