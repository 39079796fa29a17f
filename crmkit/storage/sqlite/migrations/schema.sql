-- 51;
CREATE TABLE migrations (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            applied_at TEXT NOT NULL
        ) STRICT
        ;
CREATE TABLE users (
            id TEXT PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL
        , timezone TEXT NOT NULL DEFAULT '', disabled_at TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID
        ;
CREATE TABLE workspaces (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            plan TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL
        , timezone TEXT NOT NULL DEFAULT 'UTC', currency TEXT NOT NULL DEFAULT 'USD', country TEXT NOT NULL DEFAULT '', language TEXT NOT NULL DEFAULT '', date_format TEXT NOT NULL DEFAULT '', code_prefix TEXT NOT NULL DEFAULT '', declared_kinds TEXT NOT NULL DEFAULT '', scored_kinds TEXT NOT NULL DEFAULT '') STRICT
        ;
CREATE TABLE memberships (
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            user_id TEXT NOT NULL REFERENCES users (id),
            role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
            joined_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, user_id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX memberships_by_user ON memberships (user_id, joined_at);
CREATE TABLE invites (
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            id TEXT NOT NULL,
            email TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
            created_at TEXT NOT NULL,
            invited_by TEXT NOT NULL, mails INTEGER NOT NULL DEFAULT 1,
            PRIMARY KEY (workspace_id, id),
            UNIQUE (workspace_id, email)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX invites_by_email ON invites (email, created_at);
CREATE TABLE tokens (
            id TEXT PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            user_id TEXT NOT NULL REFERENCES users (id),
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            name TEXT NOT NULL,
            created_at TEXT NOT NULL,
            last_used_at TEXT NOT NULL
        , is_app INTEGER NOT NULL DEFAULT 0, access TEXT NOT NULL DEFAULT 'full', networks TEXT NOT NULL DEFAULT '', expires_at TEXT NOT NULL DEFAULT '', made_by TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID
        ;
CREATE INDEX tokens_by_user ON tokens (user_id, created_at);
CREATE TABLE codes (
            email TEXT NOT NULL,
            purpose TEXT NOT NULL,
            hash BLOB NOT NULL,
            wrong_tries INTEGER NOT NULL DEFAULT 0,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (email, purpose)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE attempts (
            what TEXT NOT NULL,
            who TEXT NOT NULL,
            at TEXT NOT NULL,
            times INTEGER NOT NULL,
            PRIMARY KEY (what, who, at)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            "by" TEXT NOT NULL,
            token_name TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            changes TEXT NOT NULL
        , op INTEGER, version INTEGER, moved_at TEXT GENERATED ALWAYS AS (
            CASE WHEN instr(changes, '"stage":[') > 0 AND json_type(changes, '$.stage') = 'array' THEN at END
        ) VIRTUAL) STRICT
        ;
CREATE INDEX audit_by_target ON audit (workspace_id, target, seq);
CREATE TABLE deleted (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL, merged_into TEXT,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE counts (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            live INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE search_words (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            word TEXT NOT NULL,
            uses INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, word)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE companies (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            domain TEXT,
            owner TEXT,
            tags TEXT,
            tags_key TEXT,
            notes TEXT,
            custom TEXT,
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            activities INTEGER NOT NULL,
            last_activity_at TEXT, website TEXT, website_key TEXT, industry TEXT, industry_key TEXT, employees INTEGER, address TEXT, address_key TEXT, city TEXT, city_key TEXT, region TEXT, region_key TEXT, postal_code TEXT, postal_code_key TEXT, country TEXT, latitude REAL, longitude REAL, source TEXT, source_key TEXT, source_id TEXT, code TEXT, score REAL NOT NULL DEFAULT 0, last_contacted_at TEXT, contacts_made INTEGER NOT NULL DEFAULT 0, on_behalf_of TEXT, on_behalf_of_key TEXT, name_plain TEXT,
            UNIQUE (workspace_id, id)
        ) STRICT
        ;
CREATE UNIQUE INDEX companies_by_domain ON companies (workspace_id, domain) WHERE domain IS NOT NULL;
CREATE INDEX companies_by_updated_at ON companies (workspace_id, updated_at, id);
CREATE INDEX companies_by_created_at ON companies (workspace_id, created_at, id);
CREATE INDEX companies_by_name ON companies (workspace_id, name_key, id);
CREATE TABLE companies_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE TABLE contacts (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            email TEXT,
            phone TEXT,
            phone_key TEXT,
            company_id TEXT,
            company_name TEXT,
            company_name_key TEXT,
            owner TEXT,
            stage TEXT,
            stage_key TEXT,
            tags TEXT,
            tags_key TEXT,
            notes TEXT,
            custom TEXT,
            follow_up_at TEXT,
            follow_up_note TEXT,
            follow_up_note_key TEXT,
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            activities INTEGER NOT NULL,
            last_activity_at TEXT, first_name TEXT, first_name_key TEXT, last_name TEXT, last_name_key TEXT, name_composed INTEGER, job_title TEXT, job_title_key TEXT, address TEXT, address_key TEXT, city TEXT, city_key TEXT, region TEXT, region_key TEXT, postal_code TEXT, postal_code_key TEXT, country TEXT, latitude REAL, longitude REAL, timezone TEXT, website TEXT, website_key TEXT, source TEXT, source_key TEXT, source_id TEXT, code TEXT, priority TEXT, priority_key INTEGER, rating REAL, estimated_cents INTEGER, actual_cents INTEGER, currency TEXT, ad_platform TEXT, ad_platform_key INTEGER, score REAL NOT NULL DEFAULT 0, last_contacted_at TEXT, contacts_made INTEGER NOT NULL DEFAULT 0, on_behalf_of TEXT, on_behalf_of_key TEXT, last_interaction_at TEXT, converted_at TEXT, name_plain TEXT, city_plain TEXT,
            UNIQUE (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id)
        ) STRICT
        ;
CREATE UNIQUE INDEX contacts_by_email ON contacts (workspace_id, email) WHERE email IS NOT NULL;
CREATE INDEX contacts_by_updated_at ON contacts (workspace_id, updated_at, id);
CREATE INDEX contacts_by_created_at ON contacts (workspace_id, created_at, id);
CREATE INDEX contacts_by_name ON contacts (workspace_id, name_key, id);
CREATE INDEX contacts_by_stage ON contacts (workspace_id, stage_key, updated_at, id);
CREATE INDEX contacts_by_company ON contacts (workspace_id, company_id, updated_at, id)
        WHERE company_id IS NOT NULL
        ;
CREATE INDEX contacts_by_follow_up ON contacts (workspace_id, follow_up_at, id)
        WHERE follow_up_at IS NOT NULL
        ;
CREATE TABLE contacts_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE TABLE deals (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            title TEXT NOT NULL,
            title_key TEXT NOT NULL,
            amount_cents INTEGER,
            currency TEXT NOT NULL,
            stage TEXT,
            stage_key TEXT,
            status TEXT NOT NULL,
            contact_id TEXT,
            contact_name TEXT,
            contact_name_key TEXT,
            company_id TEXT,
            company_name TEXT,
            company_name_key TEXT,
            owner TEXT,
            close_date TEXT,
            tags TEXT,
            tags_key TEXT,
            notes TEXT,
            custom TEXT,
            follow_up_at TEXT,
            follow_up_note TEXT,
            follow_up_note_key TEXT,
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            activities INTEGER NOT NULL,
            last_activity_at TEXT, status_key INTEGER NOT NULL DEFAULT 0, last_contacted_at TEXT, contacts_made INTEGER NOT NULL DEFAULT 0, on_behalf_of TEXT, on_behalf_of_key TEXT, closed_at TEXT, lost_reason TEXT, lost_reason_key TEXT, probability INTEGER, source TEXT, source_key TEXT, source_id TEXT, score REAL NOT NULL DEFAULT 0, title_plain TEXT,
            UNIQUE (workspace_id, id),
            FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id)
        ) STRICT
        ;
CREATE INDEX deals_by_updated_at ON deals (workspace_id, updated_at, id);
CREATE INDEX deals_by_created_at ON deals (workspace_id, created_at, id);
CREATE INDEX deals_by_title ON deals (workspace_id, title_key, id);
CREATE INDEX deals_by_stage ON deals (workspace_id, stage_key, updated_at, id);
CREATE INDEX deals_by_amount ON deals (workspace_id, amount_cents, id);
CREATE INDEX deals_by_contact ON deals (workspace_id, contact_id, updated_at, id)
        WHERE contact_id IS NOT NULL
        ;
CREATE INDEX deals_by_company ON deals (workspace_id, company_id, updated_at, id)
        WHERE company_id IS NOT NULL
        ;
CREATE INDEX deals_by_follow_up ON deals (workspace_id, follow_up_at, id) WHERE follow_up_at IS NOT NULL;
CREATE TABLE deals_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE TABLE activities (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            occurred_at TEXT NOT NULL,
            on_behalf_of TEXT,
            contact_id TEXT,
            company_id TEXT,
            deal_id TEXT,
            body TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL, kind_key INTEGER NOT NULL DEFAULT 0, outcome TEXT, outcome_key TEXT, duration_minutes INTEGER, source_id TEXT, version INTEGER NOT NULL DEFAULT 1, updated_at TEXT NOT NULL DEFAULT '', "ticket_id" TEXT,
            UNIQUE (workspace_id, id),
            FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id),
            FOREIGN KEY (workspace_id, deal_id) REFERENCES deals (workspace_id, id)
        ) STRICT
        ;
CREATE INDEX activities_by_occurred_at ON activities (workspace_id, occurred_at, id);
CREATE TABLE signins (
            hash BLOB PRIMARY KEY,
            email TEXT NOT NULL,
            user_id TEXT NOT NULL DEFAULT '',
            asked BLOB NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE grants (
            hash BLOB PRIMARY KEY,
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            user_id TEXT NOT NULL REFERENCES users (id),
            client_id TEXT NOT NULL,
            redirect_uri TEXT NOT NULL,
            challenge TEXT NOT NULL,
            resource TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            spent INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1)),
            token_id TEXT NOT NULL DEFAULT ''
        , access TEXT NOT NULL DEFAULT 'full') STRICT, WITHOUT ROWID
        ;
CREATE INDEX grants_by_workspace ON grants (workspace_id);
CREATE INDEX companies_by_owner ON companies (workspace_id, owner, updated_at, id);
CREATE INDEX contacts_by_owner ON contacts (workspace_id, owner, updated_at, id);
CREATE INDEX deals_by_owner ON deals (workspace_id, owner, updated_at, id);
CREATE INDEX audit_by_who ON audit (workspace_id, "by", seq);
CREATE INDEX audit_by_action ON audit (workspace_id, action, seq);
CREATE INDEX audit_by_at ON audit (workspace_id, at, seq);
CREATE TABLE search_pieces (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            piece TEXT NOT NULL,
            uses INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, piece)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE companies_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE companies_search USING fts5 (title, rest, codes, content = 'companies_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE contacts_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE contacts_search USING fts5 (title, rest, codes, content = 'contacts_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE deals_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE deals_search USING fts5 (title, rest, codes, content = 'deals_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE erasures (number INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT;
CREATE INDEX audit_by_op ON audit (workspace_id, op, seq) WHERE op IS NOT NULL;
CREATE TABLE confirmations (
            workspace_id TEXT NOT NULL,
            hash BLOB NOT NULL,
            token_id TEXT NOT NULL,
            binding BLOB NOT NULL,
            expires_at TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, hash)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX confirmations_by_session ON confirmations (workspace_id, token_id, number);
CREATE TABLE jobs (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'stopped')),
            due_at TEXT,
            ended_at TEXT CHECK ((ended_at IS NULL) = (due_at IS NOT NULL)),
            input TEXT NOT NULL,
            position TEXT NOT NULL,
            result TEXT NOT NULL,
            token_id TEXT NOT NULL,
            op INTEGER,
            tries INTEGER NOT NULL,
            error TEXT NOT NULL,
            UNIQUE (workspace_id, id)
        ) STRICT
        ;
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_turns ON jobs (workspace_id, due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX search_words_by_end ON search_words (workspace_id, kind, length(word), substr(word, -2), substr(word, -4, 2));
CREATE TABLE numbers (workspace_id TEXT NOT NULL, kind TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (workspace_id, kind)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "contacts_by_source_id" ON "contacts" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE UNIQUE INDEX "companies_by_source_id" ON "companies" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE UNIQUE INDEX "activities_by_source_id" ON "activities" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE TABLE activities_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE activities_search USING fts5 (title, rest, codes, content = 'activities_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE activities_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE TABLE ahead (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX ahead_by_at ON ahead (at);
CREATE TABLE activity_addresses (
            workspace_id TEXT NOT NULL,
            record_id TEXT NOT NULL,
            address TEXT NOT NULL,
            times INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, record_id, address)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX activities_by_contact ON activities (workspace_id, contact_id, occurred_at, id, kind) WHERE contact_id IS NOT NULL;
CREATE INDEX "contacts_by_last_contacted_at" ON "contacts" (workspace_id, "last_contacted_at", id) WHERE "last_contacted_at" IS NOT NULL;
CREATE INDEX activities_by_company ON activities (workspace_id, company_id, occurred_at, id, kind) WHERE company_id IS NOT NULL;
CREATE INDEX "companies_by_last_contacted_at" ON "companies" (workspace_id, "last_contacted_at", id) WHERE "last_contacted_at" IS NOT NULL;
CREATE INDEX activities_by_deal ON activities (workspace_id, deal_id, occurred_at, id, kind) WHERE deal_id IS NOT NULL;
CREATE INDEX "deals_by_last_contacted_at" ON "deals" (workspace_id, "last_contacted_at", id) WHERE "last_contacted_at" IS NOT NULL;
CREATE TABLE "tasks" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, title_key TEXT NOT NULL, due_at TEXT, owner TEXT, done INTEGER NOT NULL, repeat TEXT, repeat_key TEXT, contact_id TEXT, contact_name TEXT, contact_name_key TEXT, company_id TEXT, company_name TEXT, company_name_key TEXT, deal_id TEXT, deal_name TEXT, deal_name_key TEXT, ticket_id TEXT, ticket_name TEXT, ticket_name_key TEXT, tags TEXT, tags_key TEXT, notes TEXT, custom TEXT, source_id TEXT, done_at TEXT, repeats_from TEXT, follows TEXT, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, title_plain TEXT, UNIQUE (workspace_id, id), FOREIGN KEY (workspace_id, "contact_id") REFERENCES "contacts" (workspace_id, id), FOREIGN KEY (workspace_id, "company_id") REFERENCES "companies" (workspace_id, id), FOREIGN KEY (workspace_id, "deal_id") REFERENCES "deals" (workspace_id, id)) STRICT;
CREATE UNIQUE INDEX "tasks_by_source_id" ON "tasks" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE UNIQUE INDEX "tasks_by_follows" ON "tasks" (workspace_id, "follows") WHERE "follows" IS NOT NULL;
CREATE INDEX "tasks_by_updated_at" ON "tasks" (workspace_id, "updated_at", id);
CREATE INDEX "tasks_by_created_at" ON "tasks" (workspace_id, "created_at", id);
CREATE INDEX "tasks_by_title_key" ON "tasks" (workspace_id, "title_key", id);
CREATE INDEX "tasks_by_due_at" ON "tasks" (workspace_id, "due_at", id) WHERE "due_at" IS NOT NULL;
CREATE INDEX "tasks_by_done" ON "tasks" (workspace_id, "done", "due_at", id);
CREATE INDEX "tasks_by_owner" ON "tasks" (workspace_id, "owner", "updated_at", id);
CREATE INDEX "tasks_by_owner_and_due_at" ON "tasks" (workspace_id, owner, done, due_at, id);
CREATE INDEX "tasks_by_contact_id" ON "tasks" (workspace_id, "contact_id", "updated_at", id) WHERE "contact_id" IS NOT NULL;
CREATE INDEX "tasks_by_company_id" ON "tasks" (workspace_id, "company_id", "updated_at", id) WHERE "company_id" IS NOT NULL;
CREATE INDEX "tasks_by_deal_id" ON "tasks" (workspace_id, "deal_id", "updated_at", id) WHERE "deal_id" IS NOT NULL;
CREATE INDEX "tasks_by_ticket_id" ON "tasks" (workspace_id, "ticket_id", "updated_at", id) WHERE "ticket_id" IS NOT NULL;
CREATE TABLE tasks_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE tasks_search USING fts5 (title, rest, codes, content = 'tasks_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE tasks_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE INDEX "contacts_by_owner_and_follow_up_at" ON "contacts" (workspace_id, owner, follow_up_at, id) WHERE follow_up_at IS NOT NULL;
CREATE INDEX "deals_by_owner_and_follow_up_at" ON "deals" (workspace_id, owner, follow_up_at, id) WHERE follow_up_at IS NOT NULL;
CREATE TABLE "tickets" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, subject TEXT NOT NULL, subject_key TEXT NOT NULL, status TEXT NOT NULL, status_key INTEGER NOT NULL, priority TEXT NOT NULL, priority_key INTEGER NOT NULL, contact_id TEXT, contact_name TEXT, contact_name_key TEXT, company_id TEXT, company_name TEXT, company_name_key TEXT, owner TEXT, body TEXT, tags TEXT, tags_key TEXT, notes TEXT, custom TEXT, follow_up_at TEXT, follow_up_note TEXT, follow_up_note_key TEXT, source_id TEXT, closed_at TEXT, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, activities INTEGER NOT NULL, last_activity_at TEXT, last_contacted_at TEXT, contacts_made INTEGER NOT NULL, on_behalf_of TEXT, on_behalf_of_key TEXT, UNIQUE (workspace_id, id), FOREIGN KEY (workspace_id, "contact_id") REFERENCES "contacts" (workspace_id, id), FOREIGN KEY (workspace_id, "company_id") REFERENCES "companies" (workspace_id, id)) STRICT;
CREATE UNIQUE INDEX "tickets_by_source_id" ON "tickets" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE INDEX "tickets_by_updated_at" ON "tickets" (workspace_id, "updated_at", id);
CREATE INDEX "tickets_by_created_at" ON "tickets" (workspace_id, "created_at", id);
CREATE INDEX "tickets_by_subject_key" ON "tickets" (workspace_id, "subject_key", id);
CREATE INDEX "tickets_by_status_key" ON "tickets" (workspace_id, "status_key", "updated_at", id);
CREATE INDEX "tickets_by_priority_key" ON "tickets" (workspace_id, "priority_key", "updated_at", id);
CREATE INDEX "tickets_by_contact_id" ON "tickets" (workspace_id, "contact_id", "updated_at", id) WHERE "contact_id" IS NOT NULL;
CREATE INDEX "tickets_by_company_id" ON "tickets" (workspace_id, "company_id", "updated_at", id) WHERE "company_id" IS NOT NULL;
CREATE INDEX "tickets_by_follow_up_at" ON "tickets" (workspace_id, "follow_up_at", id) WHERE "follow_up_at" IS NOT NULL;
CREATE INDEX "tickets_by_last_contacted_at" ON "tickets" (workspace_id, "last_contacted_at", id) WHERE "last_contacted_at" IS NOT NULL;
CREATE INDEX "tickets_by_owner" ON "tickets" (workspace_id, "owner", "updated_at", id);
CREATE INDEX "tickets_by_owner_and_follow_up_at" ON "tickets" (workspace_id, owner, follow_up_at, id) WHERE follow_up_at IS NOT NULL;
CREATE TABLE tickets_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE tickets_search USING fts5 (title, rest, codes, content = 'tickets_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE tickets_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE INDEX "activities_by_ticket" ON activities (workspace_id, "ticket_id", occurred_at, id, kind) WHERE "ticket_id" IS NOT NULL;
CREATE TABLE "campaigns" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, status TEXT NOT NULL, status_key INTEGER NOT NULL, description TEXT, ad_platform TEXT, ad_platform_key INTEGER, starts_on TEXT, ends_on TEXT, owner TEXT, custom TEXT, members INTEGER NOT NULL, contacts INTEGER NOT NULL, companies INTEGER NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id)) STRICT;
CREATE INDEX "campaigns_by_updated_at" ON "campaigns" (workspace_id, "updated_at", id);
CREATE INDEX "campaigns_by_created_at" ON "campaigns" (workspace_id, "created_at", id);
CREATE INDEX "campaigns_by_name_key" ON "campaigns" (workspace_id, "name_key", id);
CREATE INDEX "campaigns_by_status_key" ON "campaigns" (workspace_id, "status_key", "updated_at", id);
CREATE INDEX "campaigns_by_owner" ON "campaigns" (workspace_id, "owner", "updated_at", id);
CREATE TABLE campaigns_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, codes TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE campaigns_search USING fts5 (title, rest, codes, content = 'campaigns_texts', content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TABLE campaigns_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT;
CREATE TABLE "campaign_memberships" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, campaign_id TEXT NOT NULL, contact_id TEXT, company_id TEXT, reason TEXT, reason_key TEXT CHECK ((contact_id IS NULL) <> (company_id IS NULL)), version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id), FOREIGN KEY (workspace_id, "campaign_id") REFERENCES "campaigns" (workspace_id, id), FOREIGN KEY (workspace_id, "contact_id") REFERENCES "contacts" (workspace_id, id), FOREIGN KEY (workspace_id, "company_id") REFERENCES "companies" (workspace_id, id)) STRICT;
CREATE INDEX "campaign_memberships_by_campaign_id" ON "campaign_memberships" (workspace_id, "campaign_id", "created_at", id);
CREATE INDEX "campaign_memberships_by_campaign_of_contact" ON "campaign_memberships" (workspace_id, "campaign_id", "created_at", id, "contact_id") WHERE "contact_id" IS NOT NULL;
CREATE INDEX "campaign_memberships_by_campaign_of_company" ON "campaign_memberships" (workspace_id, "campaign_id", "created_at", id, "company_id") WHERE "company_id" IS NOT NULL;
CREATE UNIQUE INDEX "campaign_memberships_by_contact_id" ON "campaign_memberships" (workspace_id, "contact_id", "campaign_id") WHERE "contact_id" IS NOT NULL;
CREATE UNIQUE INDEX "campaign_memberships_by_company_id" ON "campaign_memberships" (workspace_id, "company_id", "campaign_id") WHERE "company_id" IS NOT NULL;
CREATE TABLE "conversions" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, contact_id TEXT NOT NULL, contact_name TEXT, contact_name_key TEXT, platform TEXT NOT NULL, platform_key INTEGER NOT NULL, event TEXT NOT NULL, event_key TEXT NOT NULL, value_cents INTEGER, currency TEXT NOT NULL, occurred_at TEXT NOT NULL, status TEXT NOT NULL, status_key INTEGER NOT NULL, synced_at TEXT, failure TEXT, failure_key TEXT, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id), FOREIGN KEY (workspace_id, "contact_id") REFERENCES "contacts" (workspace_id, id)) STRICT;
CREATE INDEX "conversions_by_updated_at" ON "conversions" (workspace_id, "updated_at", id);
CREATE INDEX "conversions_by_created_at" ON "conversions" (workspace_id, "created_at", id);
CREATE INDEX "conversions_by_occurred_at" ON "conversions" (workspace_id, "occurred_at", id);
CREATE INDEX "conversions_by_status_key" ON "conversions" (workspace_id, "status_key", "updated_at", id);
CREATE INDEX "conversions_by_contact_id" ON "conversions" (workspace_id, "contact_id", "updated_at", id);
CREATE TABLE pipelines (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            stages TEXT NOT NULL,
            strict INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        ;
CREATE UNIQUE INDEX "deals_by_source_id" ON "deals" (workspace_id, "source_id") WHERE "source_id" IS NOT NULL;
CREATE TABLE "fields" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, "kind" TEXT NOT NULL, "key" TEXT NOT NULL, "type" TEXT NOT NULL, type_key INTEGER NOT NULL, about TEXT, about_key TEXT, choices TEXT, required INTEGER NOT NULL, state TEXT NOT NULL, misfits INTEGER NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id)) STRICT;
CREATE UNIQUE INDEX fields_by_key ON fields (workspace_id, "kind", "key");
CREATE INDEX "fields_by_updated_at" ON "fields" (workspace_id, "updated_at", id);
CREATE INDEX "fields_by_kind" ON "fields" (workspace_id, "kind", "updated_at", id);
CREATE TABLE custom_indexes (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            "kind" TEXT NOT NULL,
            "key" TEXT NOT NULL,
            form TEXT NOT NULL,
            required INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'dropped'))
        ) STRICT
        ;
CREATE UNIQUE INDEX custom_indexes_live ON custom_indexes (workspace_id, "kind", "key")
        WHERE state <> 'dropped'
        ;
CREATE TABLE custom_values (
            workspace_id TEXT NOT NULL,
            place INTEGER NOT NULL,
            value ANY NOT NULL,
            id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            updated_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, place, value, id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX custom_values_by_change ON custom_values (workspace_id, place, value, updated_at, id, seq);
CREATE TABLE answers (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            key TEXT NOT NULL,
            at TEXT NOT NULL,
            request BLOB NOT NULL,
            needs TEXT NOT NULL,
            status INTEGER NOT NULL,
            headers TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT
        ;
CREATE UNIQUE INDEX answers_by_key ON answers (workspace_id, token_id, key);
CREATE INDEX "contacts_by_phone_key" ON "contacts" (workspace_id, "phone_key", id) WHERE "phone_key" IS NOT NULL;
CREATE TABLE likely_duplicates (
            workspace_id TEXT NOT NULL,
            a TEXT NOT NULL,
            b TEXT NOT NULL CHECK (a < b),
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, a, b)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX likely_duplicates_by_b ON likely_duplicates (workspace_id, b);
CREATE INDEX likely_duplicates_by_at ON likely_duplicates (workspace_id, kind, at, a, b);
CREATE TABLE "dismissals" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id)) STRICT;
CREATE UNIQUE INDEX dismissals_by_pair ON dismissals (workspace_id, a, b);
CREATE INDEX dismissals_by_b ON dismissals (workspace_id, b);
CREATE TABLE unpaired (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE briefs (
            workspace_id TEXT NOT NULL,
            token_id TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
            since TEXT NOT NULL,
            since_seq INTEGER NOT NULL,
            asked_at TEXT NOT NULL,
            asked_seq INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, token_id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX briefs_by_token ON briefs (token_id);
CREATE TABLE open_sums (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            stage TEXT NOT NULL,
            currency TEXT NOT NULL,
            records INTEGER NOT NULL,
            high INTEGER NOT NULL,
            low INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, stage, currency)
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX open_sums_by_records ON open_sums (workspace_id, kind, records DESC, stage, currency);
CREATE INDEX deals_by_status_and_close_date ON deals (workspace_id, status_key, close_date, id) WHERE close_date IS NOT NULL;
CREATE TABLE job_records (
            workspace_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            part INTEGER NOT NULL,
            ids TEXT NOT NULL,
            versions TEXT NOT NULL,
            PRIMARY KEY (workspace_id, job_id, part)
        ) STRICT
        ;
CREATE INDEX "contacts_by_latitude" ON "contacts" (workspace_id, "latitude", "longitude", id) WHERE "latitude" IS NOT NULL;
CREATE INDEX "companies_by_latitude" ON "companies" (workspace_id, "latitude", "longitude", id) WHERE "latitude" IS NOT NULL;
CREATE INDEX audit_by_moved_at ON audit (workspace_id, moved_at, target) WHERE moved_at IS NOT NULL;
CREATE INDEX deals_by_closed_at ON deals (workspace_id, closed_at, id, status_key, currency, amount_cents) WHERE closed_at IS NOT NULL;
CREATE TABLE "views" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, UNIQUE (workspace_id, id)) STRICT;
CREATE UNIQUE INDEX "views_by_name" ON "views" (workspace_id, "name") WHERE "name" IS NOT NULL;
CREATE INDEX "views_by_updated_at" ON "views" (workspace_id, "updated_at", id);
CREATE TABLE imports (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            state TEXT NOT NULL,
            options TEXT NOT NULL,
            file TEXT NOT NULL,
            name TEXT NOT NULL,
            content_type TEXT NOT NULL,
            titles TEXT NOT NULL,
            columns TEXT NOT NULL,
            notes TEXT NOT NULL,
            kept TEXT NOT NULL,
            "rows" INTEGER NOT NULL,
            tried INTEGER NOT NULL,
            done INTEGER NOT NULL,
            creates INTEGER NOT NULL,
            updates INTEGER NOT NULL,
            refused INTEGER NOT NULL,
            error TEXT NOT NULL,
            job_id TEXT NOT NULL,
            op INTEGER,
            "by" TEXT NOT NULL,
            created_at TEXT NOT NULL,
            ended_at TEXT
        ) STRICT
        ;
CREATE UNIQUE INDEX imports_by_id ON imports (workspace_id, id);
CREATE INDEX imports_with_files ON imports (created_at) WHERE file <> '';
CREATE TABLE refused_rows (
            workspace_id TEXT NOT NULL,
            import_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            error TEXT NOT NULL,
            fields TEXT NOT NULL,
            cells TEXT NOT NULL,
            PRIMARY KEY (workspace_id, import_id, number)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE links (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            hash BLOB NOT NULL UNIQUE,
            token_id TEXT NOT NULL,
            path TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE UNIQUE INDEX "contacts_by_code" ON "contacts" (workspace_id, "code") WHERE "code" IS NOT NULL;
CREATE UNIQUE INDEX "companies_by_code" ON "companies" (workspace_id, "code") WHERE "code" IS NOT NULL;
CREATE INDEX tokens_by_made_by ON tokens (made_by) WHERE made_by <> '';
CREATE TABLE proposals (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            state TEXT NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            version INTEGER,
            body TEXT,
            area TEXT NOT NULL,
            needs TEXT NOT NULL,
            now TEXT NOT NULL,
            zone TEXT NOT NULL,
            changes TEXT NOT NULL,
            says TEXT NOT NULL,
            "by" TEXT NOT NULL,
            token_id TEXT NOT NULL,
            token_name TEXT NOT NULL,
            created_at TEXT NOT NULL,
            position INTEGER NOT NULL,
            closed_at TEXT NOT NULL,
            closed_by TEXT NOT NULL,
            reason TEXT,
            op INTEGER,
            size INTEGER NOT NULL
        ) STRICT
        ;
CREATE UNIQUE INDEX proposals_by_id ON proposals (workspace_id, id);
CREATE INDEX proposals_by_state ON proposals (workspace_id, state, seq, size);
CREATE INDEX proposals_open ON proposals (created_at) WHERE state = 'open';
CREATE INDEX proposals_closed ON proposals (closed_at) WHERE closed_at <> '';
CREATE TABLE "rules" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, "kind" TEXT NOT NULL, expression TEXT NOT NULL, weight REAL NOT NULL, active INTEGER NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0, UNIQUE (workspace_id, id)) STRICT;
CREATE INDEX "rules_by_updated_at" ON "rules" (workspace_id, "updated_at", id);
CREATE INDEX "rules_by_kind" ON "rules" (workspace_id, "kind", "updated_at", id);
CREATE INDEX "contacts_by_score" ON "contacts" (workspace_id, "score", id);
CREATE INDEX "companies_by_score" ON "companies" (workspace_id, "score", id);
CREATE INDEX "deals_by_score" ON "deals" (workspace_id, "score", id);
CREATE TABLE "webhooks" (seq INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL, active INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, failing_since TEXT, last_delivered_at TEXT, version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, speaks TEXT, UNIQUE (workspace_id, id)) STRICT;
CREATE INDEX "webhooks_by_updated_at" ON "webhooks" (workspace_id, "updated_at", id);
CREATE TABLE webhook_keys (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            is_app INTEGER NOT NULL,
            access TEXT NOT NULL,
            secret TEXT NOT NULL,
            old_secret TEXT NOT NULL,
            old_until TEXT NOT NULL,
            job_id TEXT NOT NULL,
            reached INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT
        ;
CREATE TABLE deliveries (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            webhook_id TEXT NOT NULL,
            event TEXT NOT NULL,
            type TEXT NOT NULL,
            target TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            told TEXT NOT NULL,
            at TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            status INTEGER,
            error TEXT,
            ms INTEGER,
            first_at TEXT NOT NULL,
            tried_at TEXT NOT NULL,
            next_at TEXT NOT NULL
        ) STRICT
        ;
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (workspace_id, id);
CREATE INDEX deliveries_by_webhook ON deliveries (workspace_id, webhook_id, seq, state);
CREATE INDEX deliveries_waiting ON deliveries (workspace_id, webhook_id, first) WHERE state = 'waiting';
CREATE INDEX deliveries_tried ON deliveries (tried_at) WHERE state <> 'waiting';
CREATE TABLE audit_seals (
            number INTEGER PRIMARY KEY,
            after_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            root BLOB NOT NULL,
            digest BLOB NOT NULL
        ) STRICT
        ;
CREATE UNIQUE INDEX audit_seals_by_last ON audit_seals (last_seq);
CREATE TABLE audit_digests (
            seq INTEGER PRIMARY KEY,
            digest BLOB NOT NULL,
            salt BLOB,
            content BLOB,
            proof BLOB
        ) STRICT
        ;
CREATE TABLE audit_begins (
            workspace_id TEXT PRIMARY KEY,
            after_seq INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            proof BLOB NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
CREATE INDEX attempts_by_at ON attempts (at);
CREATE INDEX confirmations_by_end ON confirmations (expires_at);
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX tokens_by_use ON tokens (last_used_at);
CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE expires_at <> '';
CREATE INDEX imports_by_state ON imports (state, created_at);
CREATE INDEX imports_by_end ON imports (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE audit_ends (number INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT;
CREATE TABLE unfilled (workspace_id TEXT NOT NULL, kind TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (workspace_id, kind)) STRICT, WITHOUT ROWID;
CREATE INDEX "contacts_by_name_plain" ON "contacts" (workspace_id, "name_plain", id) WHERE "name_plain" IS NOT NULL;
CREATE INDEX "companies_by_name_plain" ON "companies" (workspace_id, "name_plain", id) WHERE "name_plain" IS NOT NULL;
INSERT INTO activities_search (activities_search, rank) VALUES ('automerge', 8);
INSERT INTO campaigns_search (campaigns_search, rank) VALUES ('automerge', 8);
INSERT INTO companies_search (companies_search, rank) VALUES ('automerge', 8);
INSERT INTO contacts_search (contacts_search, rank) VALUES ('automerge', 8);
INSERT INTO deals_search (deals_search, rank) VALUES ('automerge', 8);
INSERT INTO tasks_search (tasks_search, rank) VALUES ('automerge', 8);
INSERT INTO tickets_search (tickets_search, rank) VALUES ('automerge', 8);
