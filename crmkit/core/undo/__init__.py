"""Taking an operation back.

`undo` is the verb, `job` does large ones, `walk` goes through the entries, the newest first. `reversal` is how one
entry is taken back and what stands against it: `records` and `pipelines` tell, `covered` knows which of them an entry
concerns.
"""
