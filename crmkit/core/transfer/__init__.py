"""In and out: imports of other programs' files and their mapping, exports, links, snapshots of whole workspaces."""
