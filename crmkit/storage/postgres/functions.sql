-- functions that the statements of this brand call; `crm_fold` stands in fold.sql. What one returns for a value never
-- changes, nor do its parameters: programs of the version before call it too. What is to differ gets another name.
CREATE OR REPLACE FUNCTION crm_contains(one text, other text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT strpos(one, other) > 0
$$;
CREATE OR REPLACE FUNCTION crm_contains(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT strpos(one #>> '{}', other #>> '{}') > 0
$$;
CREATE OR REPLACE FUNCTION crm_starts(one text, other text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT starts_with(one, other)
$$;
CREATE OR REPLACE FUNCTION crm_starts(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT starts_with(one #>> '{}', other #>> '{}')
$$;
CREATE OR REPLACE FUNCTION crm_ends(one text, other text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT right(one, length(other)) = other
$$;
CREATE OR REPLACE FUNCTION crm_ends(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT right(one #>> '{}', length(other #>> '{}')) = other #>> '{}'
$$;
CREATE OR REPLACE FUNCTION crm_number(value json) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN json_typeof(value) = 'number' THEN (value #>> '{}')::numeric END
$$;
CREATE OR REPLACE FUNCTION crm_real(value float8) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value = trunc(value) AND abs(value) < 1e15 THEN (value::bigint::text || '.0')::json
        ELSE value::text::json END
$$;
CREATE OR REPLACE FUNCTION crm_order(value json) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE json_typeof(value)
        WHEN 'null' THEN NULL
        WHEN 'number' THEN jsonb_build_array(0, (value #>> '{}')::numeric)
        WHEN 'boolean' THEN jsonb_build_array(0, CASE value #>> '{}' WHEN 'true' THEN 1 ELSE 0 END)
        WHEN 'string' THEN jsonb_build_array(1, crm_fold(value #>> '{}'))
        ELSE jsonb_build_array(1, crm_fold(value::text))
    END
$$;
CREATE OR REPLACE FUNCTION crm_group(value json) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE json_typeof(value)
        WHEN 'null' THEN NULL
        WHEN 'number' THEN jsonb_build_array(0, (value #>> '{}')::numeric)
        WHEN 'string' THEN jsonb_build_array(1, crm_fold(value #>> '{}'))
        ELSE jsonb_build_array(1, value::text)
    END
$$;
CREATE OR REPLACE FUNCTION crm_compared(form text, value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    type text := form::json ->> 0;
    content text := value #>> '{}';
    found text[];
    moment timestamp;
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    ELSIF type = 'text' AND json_typeof(value) = 'string' THEN
        RETURN to_jsonb(crm_fold(content));
    ELSIF type = 'number' AND json_typeof(value) = 'number' THEN
        RETURN to_jsonb(content::numeric);
    ELSIF type = 'bool' AND json_typeof(value) = 'boolean' THEN
        RETURN to_jsonb(CASE content WHEN 'true' THEN 1 ELSE 0 END);
    ELSIF type = 'list' AND json_typeof(value) = 'array' THEN
        RETURN to_jsonb(json_array_length(value));
    ELSIF type = 'object' AND json_typeof(value) = 'object' THEN
        RETURN to_jsonb((SELECT count(*) FROM json_object_keys(value)));
    ELSIF type = 'choice' AND json_typeof(value) = 'string' THEN
        RETURN (
            SELECT to_jsonb(place - 2) FROM json_array_elements_text(form::json) WITH ORDINALITY AS one (choice, place)
            WHERE place > 1 AND choice = content ORDER BY place LIMIT 1
        );
    ELSIF type = 'date' AND content ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND json_typeof(value) = 'string' THEN
        PERFORM make_date(left(content, 4)::int, substr(content, 6, 2)::int, right(content, 2)::int);
        RETURN to_jsonb(content);
    ELSIF type = 'time' AND json_typeof(value) = 'string' THEN
        found := regexp_match(
            content,
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(\.[0-9]{1,9}){0,1}'
            '([Zz]|([+-])(([01][0-9]|2[0-3]):[0-5][0-9]))$'
        );
        IF found IS NOT NULL THEN
            moment := (found[1] || ' ' || found[2])::timestamp
                - (coalesce(found[6], '') || coalesce(found[7], '00:00'))::interval;
            RETURN CASE WHEN moment >= '0001-01-01' AND moment < '10000-01-01'
                THEN to_jsonb(to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) END;
        END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION crm_bucket(unit text, zone text, value text) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    day date := CASE WHEN length(value) = 10 THEN value::date ELSE (value::timestamptz AT TIME ZONE zone)::date END;
BEGIN
    RETURN CASE unit
        WHEN 'week' THEN to_char(date_trunc('week', day::timestamp), 'YYYY-MM-DD')
        WHEN 'month' THEN to_char(day, 'YYYY-MM')
        WHEN 'quarter' THEN to_char(day, 'YYYY-"Q"Q')
        WHEN 'year' THEN to_char(day, 'YYYY')
        ELSE to_char(day, 'YYYY-MM-DD')
    END;
END
$$;
CREATE OR REPLACE FUNCTION crm_bucket(unit text, zone text, value jsonb) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT crm_bucket(unit, zone, value #>> '{}')
$$;
CREATE OR REPLACE FUNCTION crm_distance(north float8, east float8, other_north float8, other_east float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 2 * 6371.0088 * atan2(sqrt(half), sqrt(greatest(0, 1 - half))) FROM (
        SELECT sin((radians(other_north) - radians(north)) / 2) ^ 2
            + cos(radians(north)) * cos(radians(other_north)) * sin(radians(other_east - east) / 2) ^ 2 AS half
    ) AS q
$$;
CREATE OR REPLACE FUNCTION crm_phone_key(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value ~ '^[ ]*[+(]*[0-9]([ ().,/+-]*[0-9]){2,19}[ ).]*$'
            THEN regexp_replace(regexp_replace(value, '[^0-9]', '', 'g'), '^00', '')
        ELSE crm_fold(value)
    END
$$;
CREATE OR REPLACE FUNCTION crm_lesser(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT least(one, other)
$$;
CREATE OR REPLACE FUNCTION crm_greater(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT greatest(one, other)
$$;
CREATE OR REPLACE FUNCTION crm_content(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT value #>> '{}'
$$;
CREATE OR REPLACE AGGREGATE min(jsonb) (sfunc = crm_lesser, stype = jsonb, finalfunc = crm_content);
CREATE OR REPLACE AGGREGATE max(jsonb) (sfunc = crm_greater, stype = jsonb, finalfunc = crm_content);
