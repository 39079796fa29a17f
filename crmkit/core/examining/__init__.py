"""What `crmkit doctor` and GET /doctor find of the data and of what the server has to do, and how it is put right."""
