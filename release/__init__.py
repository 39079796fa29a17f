"""What is handed out: `dist/crmkit`, one file that needs no Python, and the files of a release around it.

`binary` puts the file together, `launcher.c` is its beginning; `trial` uses a program from outside; `measure`
compares two, `archive` makes a release of it and of the wheel.
"""
