"""Lists: how a query becomes a page of rows, its total, and the position at which the next page starts.

    GET /contacts?stage=lead&phone=like:555&sort=-updated_at

1. `core.reading.lists` has parsed the pairs into a `Query` and calls `pages.fetch_page` on a connection for long reads.
   All that follows sees one snapshot of the database.
2. `planner.decide` decides once how the rows are read, and returns a `Plan` (plan.py):
   - Do few rows (300) meet a filter? It counts by the index on `(stage, updated_at)`, and by the search index for texts
     with `555`. If one of them finds so few, the plan is to `LookUp` those rows and sort them.
   - Does an index find the rows of each part of a group (`or.`)? If few meet it, they are looked up. If it is the only
     filter and the indexes have the list's order, each is read from its start: `WalkEach`. Else rows are checked.
   - Does a unique field equal something? Then `UniqueRow`.
   - Does an index have the list's order? `(stage, updated_at)` does, since stage equals one value: `WalkIndex`. Rows
     without 555 in their phone are passed over, so the walk is a trial.
   - Else `ReadTable`: the workspace's rows, sorted.
   A partial index leaves out rows in which its field is NULL. They sort last, so it serves all but the last pages
   (`Plan.filled`), and the plan behind it serves those.
3. `sql.page` turns the plan into one statement. It asks for one row more than the page has, which tells whether there
   is a next page. The statement hides all other indexes from the database's own planner.
4. The trial is given up after 200,000 steps of the database (about 20,000 rows). `planner.after_trial` then plans anew:
   a filter that 5,000 rows meet is looked up after all, or the table is read.
5. `sql.count` counts as the same plan says, up to 1,001 matches unless `count=exact` asks for all.
6. The sort values and the id of the last row are the position of the next page; `core` seals them in a cursor.

A search (`search=jane`) finds rows by texts (`interface/texts.py`) and then uses the same plans: what it found is a
`LookUp`. `deadline` says how long a read may take. `indexes` lists what each index holds; a new one is a migration and
a line there. `str(plan)` says in words how a list is read; tests/golden has it for every shape of query.
"""
