"""The query string of a request: its pairs as a handler gets them (`reading`), and what they say of the answer's shape
(`shape`).
"""
