"""Characters that nobody sees though Python calls them printable: joiners, fillers, variation selectors.

They are the printable ones among Default_Ignorable_Code_Point of Unicode, as they stand in a set of a regex.
"""

UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
