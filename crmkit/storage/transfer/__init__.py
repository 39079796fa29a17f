"""What goes in and out as files: files that clients sent, imports and the rows they refused, links, snapshots."""
