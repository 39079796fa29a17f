"""What search is on any database: the text of a record (`texts`), its words and their counts (`words`), what a
mistyped word may stand for (`nearest`), and what of a filter stands in such texts (`parts`).
"""
