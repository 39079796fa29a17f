"""Backups: one file that holds a whole installation as it was at one moment, made beside a running server.

A backup is a SQLite database: that of the data folder, page by page (`copying`), and two tables more, with the server's
key and the files that clients sent (`carried`). `make` writes one, `restore` puts one in the place of what a folder
holds, `checking` says whether a database is whole, and what the hash of its content is.
"""
