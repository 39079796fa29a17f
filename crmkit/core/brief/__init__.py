"""What a session begins with: one answer that tells what is due, what changed, what is open and who is forgotten.

`brief` reads it all of one moment. `due` finds what is overdue and due today, `mark` from when on a token is told of
changes.
"""
