"""The rows of a whole workspace, read as lines of JSON and written from them."""
