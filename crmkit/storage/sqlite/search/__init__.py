"""Search by FTS5's trigram index: how `search=jane kelason` finds its records, by one worked example.

Writing. POST /contacts {"name": "Jane Kelason"} writes the contact's text into `contacts_unindexed`, in the transaction
of the contact (`indexing.queue`). A moment later upkeep moves such texts in batches into `contacts_texts` and into the
FTS5 table `contacts_search` (`indexing.index`), and counts their words and trigrams (`vocabulary`). A search reads the
index and the texts that wait, so everybody finds what they just wrote. A text stands at the negative number of its row:
FTS5 reads forwards in half the time, and a search wants the newest first.

Terms. The words are folded (no case, no accents): `jane`, `kelason`. A record matches if both stand anywhere in its
text, also inside a word (`McKelason`).

Plan. `plan.choose` looks at the workspace. Up to 2,000 records with short texts are all read, without the index, which
is shared with large neighbours. Otherwise the index is asked.

Trigrams. FTS5 stores for every three letters in a row where they stand. It finds `kelason` by merging the lists of
`kel`, `ela`, `las`, `aso`, `son`; of a million people 80,000 have `son`. Five letters in a row are far rarer, so each
run of letters is indexed a second time, in a code (`trigrams.coded`) in which FTS5's trigram stands for five letters.
One text in 61 has its trigrams counted. By this sample `trigrams.to_look_up` picks a few rare ones; the texts that have
them are read, and those without the word left out.

Tiers. Best match first: the title begins with the whole search (`Jane Kelason Ltd`), all words stand in the title, or
they stand anywhere; the newest first within a tier. Up to 1,000 matches are found at once and ranked by their titles,
so the total is known. Of more, the tiers are read one by one until the page is full (`pages`).

Typos. When nothing matches, each word is replaced by the known words nearest to it (`typos.closest`: `jane kelson`
finds Kelason), and the answer says so. A cursor carries the replacement, the tier and the row's number.

`sql` writes the statements, `candidates` finds rows for filters on texts, `texts` is what the rest of storage sees.
"""
