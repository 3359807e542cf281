-- Makes and drops the monthly partitions of the log, for an application's role that may do neither.
-- {schema} is the schema of our tables as an identifier, {name} the same as text. That schema may be open to others,
-- who could plant functions in it: so no name is looked for there, and ours carry it.
-- One partition a call. No lock is waited for longer than 20 ms, only one of them with the whole table held or queued
-- for, and the caller tries again. Ids are UUIDv7: the first 48 bits are the milliseconds of their time.

CREATE OR REPLACE FUNCTION {schema}.aiagents_log_id(moment timestamp) RETURNS uuid LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

CREATE OR REPLACE FUNCTION {schema}.aiagents_log_time(id uuid) RETURNS timestamp LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC'
$$;

-- Where a partition begins and ends; NULL where it has no bound.
CREATE OR REPLACE FUNCTION {schema}.aiagents_log_partitions()
RETURNS TABLE (partition text, begins uuid, ends uuid) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT relname::text,
           substring(pg_get_expr(relpartbound, oid) FROM 'FROM \(''([0-9a-f-]+)''\)')::uuid,
           substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''([0-9a-f-]+)''\)')::uuid
    FROM pg_class JOIN pg_inherits ON inhrelid = oid
    WHERE inhparent = format('%I.ai_agent_activity_logs', {name})::regclass
$$;

-- An empty partition to be, behind the wall and without a policy: to be read through the whole table alone.
CREATE OR REPLACE FUNCTION {schema}.aiagents_make_log_table(partition text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.ai_agent_activity_logs INCLUDING ALL)', {name}, partition);
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', {name}, partition);
    EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', {name}, partition);
END $$;

CREATE OR REPLACE FUNCTION {schema}.aiagents_require_system() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('aiagents.scope', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'only the system scope makes and drops partitions of the log';
    END IF;
END $$;

-- Refuses to go on while some of the logs before an id still run, or are not in the rollups.
CREATE OR REPLACE FUNCTION {schema}.aiagents_require_counted(leaving uuid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM {schema}.ai_agent_activity_logs WHERE id < leaving AND status = 'running')
            OR EXISTS (SELECT FROM {schema}.ai_agent_unrolled_logs WHERE log_id < leaving) THEN
        RAISE EXCEPTION 'some of these logs still run or are not rolled up yet' USING ERRCODE = 'object_in_use';
    END IF;
END $$;

-- Notes the days of the logs before an id as days that logs have left. One look into the index a day, and none for a
-- day that is noted: the second call costs next to nothing.
CREATE OR REPLACE FUNCTION {schema}.aiagents_seal_log_days(leaving uuid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET timezone = 'UTC' AS $$
DECLARE
    first uuid;
    last uuid;
BEGIN
    SELECT id INTO first FROM {schema}.ai_agent_activity_logs WHERE id < leaving ORDER BY id LIMIT 1;
    SELECT id INTO last FROM {schema}.ai_agent_activity_logs WHERE id < leaving ORDER BY id DESC LIMIT 1;
    -- Materialized: behind the wall the index is used for ids that are there, not for what a function makes of a row.
    WITH unsealed AS (
        SELECT generate_series(date_trunc('day', {schema}.aiagents_log_time(first)),
                               {schema}.aiagents_log_time(last), interval '1 day')::timestamptz AS day
        EXCEPT SELECT day FROM {schema}.ai_agent_sealed_days
    ), days AS MATERIALIZED (
        SELECT day, {schema}.aiagents_log_id(day::timestamp) AS begins,
               least(leaving, {schema}.aiagents_log_id((day + interval '1 day')::timestamp)) AS ends
        FROM unsealed
    )
    INSERT INTO {schema}.ai_agent_sealed_days (day)
    SELECT days.day FROM days, LATERAL (
        SELECT FROM {schema}.ai_agent_activity_logs WHERE id >= days.begins AND id < days.ends LIMIT 1
    ) AS logged
    ON CONFLICT DO NOTHING;
END $$;

-- Adds the next month, until there are so many months ahead; returns what it did, or NULL when nothing is left to do.
-- Rows may lie in "later" already, where nobody called this for months: then "later" itself becomes the partition,
-- after a constraint has proved, without keeping anybody waiting, what attaching it would otherwise scan it for.
-- That constraint leaves a month at least to go on writing, and is made anew before it stands in anybody's way:
-- whoever set it may have died, or found the table in use ever since.
CREATE OR REPLACE FUNCTION {schema}.aiagents_extend_log(ahead integer) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '20ms' SET timezone = 'UTC' SET enable_seqscan = off AS $$
DECLARE
    low uuid;
    high uuid;
    newest uuid;
    first timestamp;
    proof record;
    made text;
    soon uuid := {schema}.aiagents_log_id((now() + interval '7 days')::timestamp);
BEGIN
    PERFORM {schema}.aiagents_require_system();
    SELECT begins INTO STRICT low FROM {schema}.aiagents_log_partitions()
    WHERE partition = 'ai_agent_activity_logs_later';
    first := {schema}.aiagents_log_time(low);
    IF first > date_trunc('month', now()::timestamp) + make_interval(months => ahead) THEN
        RETURN NULL;
    END IF;
    made := 'ai_agent_activity_logs_' || to_char(first, 'YYYYMM');
    SELECT convalidated AS valid, substring(pg_get_constraintdef(oid) FROM 'id < ''([0-9a-f-]+)''')::uuid AS high
    INTO proof FROM pg_constraint
    WHERE conrelid = format('%I.ai_agent_activity_logs_later', {name})::regclass AND conname = 'aiagents_month';
    IF NOT proof.valid AND proof.high > soon THEN
        ALTER TABLE {schema}.ai_agent_activity_logs_later VALIDATE CONSTRAINT aiagents_month;
        RETURN 'validated ' || made;
    END IF;
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs_later IN SHARE ROW EXCLUSIVE MODE;
    SELECT id INTO newest FROM {schema}.ai_agent_activity_logs WHERE id >= low ORDER BY id DESC LIMIT 1;
    IF newest IS NULL THEN
        high := {schema}.aiagents_log_id(first + interval '1 month');
        PERFORM {schema}.aiagents_make_log_table(made);
    ELSIF proof.high > soon THEN
        high := proof.high;
        PERFORM {schema}.aiagents_make_log_table('ai_agent_activity_logs_next'::text);
    ELSE
        high := {schema}.aiagents_log_id(
            date_trunc('month', greatest({schema}.aiagents_log_time(newest), now()::timestamp)) + interval '2 months'
        );
        ALTER TABLE {schema}.ai_agent_activity_logs_later DROP CONSTRAINT IF EXISTS aiagents_month;
        EXECUTE format('ALTER TABLE %I.ai_agent_activity_logs_later ADD CONSTRAINT aiagents_month'
                       ' CHECK (id >= %L AND id < %L) NOT VALID', {name}, low, high);
        RETURN 'bounded ' || made;
    END IF;
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs_later IN ACCESS EXCLUSIVE MODE NOWAIT;
    ALTER TABLE {schema}.ai_agent_activity_logs DETACH PARTITION {schema}.ai_agent_activity_logs_later;
    IF newest IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I.ai_agent_activity_logs_later RENAME TO %I', {name}, made);
        ALTER TABLE {schema}.ai_agent_activity_logs_next RENAME TO ai_agent_activity_logs_later;
    END IF;
    EXECUTE format('ALTER TABLE %1$I.ai_agent_activity_logs ATTACH PARTITION %1$I.%2$I FOR VALUES FROM (%3$L) TO (%4$L)',
                   {name}, made, low, high);
    EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS aiagents_month', {name}, made);
    ALTER TABLE {schema}.ai_agent_activity_logs_later DROP CONSTRAINT IF EXISTS aiagents_month;
    EXECUTE format('ALTER TABLE %1$I.ai_agent_activity_logs ATTACH PARTITION %1$I.ai_agent_activity_logs_later'
                   ' FOR VALUES FROM (%2$L) TO (MAXVALUE)', {name}, high);
    RETURN 'made ' || made;
END $$;

-- Takes the oldest partition away, if all of it is from before a time; returns where it ended, or NULL when there is none.
-- "earlier", which has no lower bound, then reaches to where the next one begins, so that every id has its place.
-- The caller sees to it that nobody counts or deletes logs meanwhile. What may take its time is done before any lock,
-- and once more when nobody can add to the leaving logs or end one of them, which keeps nobody else waiting; only then
-- the whole is locked, for as long as the catalogue takes.
CREATE OR REPLACE FUNCTION {schema}.aiagents_drop_oldest_log(before timestamptz) RETURNS uuid LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '20ms' SET timezone = 'UTC' SET enable_seqscan = off AS $$
DECLARE
    earlier uuid;
    oldest record;
    bound uuid := {schema}.aiagents_log_id(least(before, now() - interval '1 day')::timestamp);
    leaving uuid;
BEGIN
    PERFORM {schema}.aiagents_require_system();
    SELECT ends INTO STRICT earlier FROM {schema}.aiagents_log_partitions()
    WHERE partition = 'ai_agent_activity_logs_earlier';
    SELECT * INTO oldest FROM {schema}.aiagents_log_partitions() WHERE begins = earlier AND ends <= bound;
    leaving := CASE WHEN earlier <= bound AND EXISTS (SELECT FROM {schema}.ai_agent_activity_logs WHERE id < earlier)
                    THEN earlier ELSE oldest.ends END;
    IF leaving IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM {schema}.aiagents_require_counted(leaving);
    PERFORM {schema}.aiagents_seal_log_days(leaving);
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs_earlier IN SHARE ROW EXCLUSIVE MODE;
    IF leaving > earlier THEN
        EXECUTE format('LOCK TABLE ONLY %I.%I IN SHARE ROW EXCLUSIVE MODE', {name}, oldest.partition);
        PERFORM {schema}.aiagents_make_log_table('ai_agent_activity_logs_next'::text);
    END IF;
    PERFORM {schema}.aiagents_require_counted(leaving);
    PERFORM {schema}.aiagents_seal_log_days(leaving);
    IF leaving = earlier THEN
        TRUNCATE {schema}.ai_agent_activity_logs_earlier;
        RETURN leaving;
    END IF;
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE ONLY {schema}.ai_agent_activity_logs_earlier IN ACCESS EXCLUSIVE MODE NOWAIT;
    EXECUTE format('LOCK TABLE ONLY %I.%I IN ACCESS EXCLUSIVE MODE NOWAIT', {name}, oldest.partition);
    DROP TABLE {schema}.ai_agent_activity_logs_earlier;
    EXECUTE format('DROP TABLE %I.%I', {name}, oldest.partition);
    ALTER TABLE {schema}.ai_agent_activity_logs_next RENAME TO ai_agent_activity_logs_earlier;
    EXECUTE format('ALTER TABLE %1$I.ai_agent_activity_logs ATTACH PARTITION %1$I.ai_agent_activity_logs_earlier'
                   ' FOR VALUES FROM (MINVALUE) TO (%2$L)', {name}, leaving);
    RETURN leaving;
END $$;

REVOKE ALL ON FUNCTION {schema}.aiagents_extend_log(integer), {schema}.aiagents_drop_oldest_log(timestamptz),
    {schema}.aiagents_make_log_table(text), {schema}.aiagents_require_counted(uuid),
    {schema}.aiagents_seal_log_days(uuid) FROM PUBLIC;
