-- 51 accents
CREATE TABLE unfilled (workspace_id text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, last bigint NOT NULL, PRIMARY KEY (workspace_id, kind));
INSERT INTO unfilled (workspace_id, kind, last) SELECT workspace_id, 'contacts', min(seq) - 1 FROM contacts WHERE octet_length(name) > length(name) OR strpos(name, '  ') > 0 OR octet_length(city) > length(city) OR strpos(city, '  ') > 0 GROUP BY workspace_id;
INSERT INTO unfilled (workspace_id, kind, last) SELECT workspace_id, 'companies', min(seq) - 1 FROM companies WHERE octet_length(name) > length(name) OR strpos(name, '  ') > 0 GROUP BY workspace_id;
INSERT INTO unfilled (workspace_id, kind, last) SELECT workspace_id, 'deals', min(seq) - 1 FROM deals WHERE octet_length(title) > length(title) OR strpos(title, '  ') > 0 GROUP BY workspace_id;
INSERT INTO unfilled (workspace_id, kind, last) SELECT workspace_id, 'tasks', min(seq) - 1 FROM tasks WHERE octet_length(title) > length(title) OR strpos(title, '  ') > 0 GROUP BY workspace_id;
ALTER TABLE contacts ADD COLUMN name_plain text COLLATE "C";
ALTER TABLE contacts ADD COLUMN city_plain text COLLATE "C";
ALTER TABLE companies ADD COLUMN name_plain text COLLATE "C";
ALTER TABLE deals ADD COLUMN title_plain text COLLATE "C";
ALTER TABLE tasks ADD COLUMN title_plain text COLLATE "C";
CREATE INDEX CONCURRENTLY "contacts_by_name_plain" ON "contacts" (workspace_id, "name_plain", id) WHERE "name_plain" IS NOT NULL;
CREATE INDEX CONCURRENTLY "companies_by_name_plain" ON "companies" (workspace_id, "name_plain", id) WHERE "name_plain" IS NOT NULL;
