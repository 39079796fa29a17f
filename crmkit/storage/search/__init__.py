"""What search is on any database: the text of a record (`texts`), its words and their counts (`words`), and what a
mistyped word may stand for (`nearest`).
"""
