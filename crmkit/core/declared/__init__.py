"""Declared keys of `custom`: `indexing` has their indexes follow the declarations, `fit` tells what does not fit."""
