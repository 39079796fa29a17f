"""Floor 2, pure: a value -> what is read. Nothing here touches the database or the network."""
