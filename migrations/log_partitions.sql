-- Makes and drops the monthly partitions of the log, for an application's role that may do neither.
-- {schema} is the schema of our tables. One partition a call; no lock is waited for longer than 50 ms, and the
-- caller tries again. Ids are UUIDv7: the first 48 bits are the milliseconds of their time.

CREATE OR REPLACE FUNCTION aiagents_log_id(moment timestamp) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- Where a partition begins and ends; NULL where it has no bound.
CREATE OR REPLACE FUNCTION aiagents_log_partitions()
RETURNS TABLE (partition text, begins uuid, ends uuid) LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
    SELECT relname::text,
           substring(pg_get_expr(relpartbound, oid) FROM 'FROM \(''([0-9a-f-]+)''\)')::uuid,
           substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''([0-9a-f-]+)''\)')::uuid
    FROM pg_class JOIN pg_inherits ON inhrelid = oid
    WHERE inhparent = 'ai_agent_activity_logs'::regclass
$$;

-- An empty partition to be, behind the wall and without a policy: to be read through the whole table alone.
CREATE OR REPLACE FUNCTION aiagents_make_log_table(partition text)
RETURNS void LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE ai_agent_activity_logs INCLUDING ALL)', partition);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
END $$;

CREATE OR REPLACE FUNCTION aiagents_require_system() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('aiagents.scope', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'only the system scope makes and drops partitions of the log';
    END IF;
END $$;

-- Adds the next month, until there are so many months ahead; returns what it did, or NULL when nothing is left to do.
-- Rows may lie in "later" already, where nobody called this for months: then "later" itself becomes the partition,
-- after a constraint has proved, without keeping anybody waiting, what attaching it would otherwise scan it for.
CREATE OR REPLACE FUNCTION aiagents_extend_log(ahead integer) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp SET lock_timeout = '50ms' SET timezone = 'UTC' AS $$
DECLARE
    low uuid;
    high uuid;
    newest uuid;
    first timestamp;
    proof record;
    made text;
BEGIN
    PERFORM aiagents_require_system();
    SELECT begins INTO STRICT low FROM aiagents_log_partitions() WHERE partition = 'ai_agent_activity_logs_later';
    first := to_timestamp(('x' || left(replace(low::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
    IF first > date_trunc('month', now()::timestamp) + make_interval(months => ahead) THEN
        RETURN NULL;
    END IF;
    made := 'ai_agent_activity_logs_' || to_char(first, 'YYYYMM');
    SELECT id INTO newest FROM ai_agent_activity_logs WHERE id >= low ORDER BY id DESC LIMIT 1;
    SELECT convalidated AS valid, substring(pg_get_constraintdef(oid) FROM 'id < ''([0-9a-f-]+)''')::uuid AS high
    INTO proof FROM pg_constraint
    WHERE conrelid = 'ai_agent_activity_logs_later'::regclass AND conname = 'aiagents_month';
    IF newest IS NULL AND proof IS NULL THEN
        high := aiagents_log_id(first + interval '1 month');
        PERFORM aiagents_make_log_table(made);
        ALTER TABLE ai_agent_activity_logs DETACH PARTITION ai_agent_activity_logs_later;
    ELSIF proof IS NULL THEN
        first := to_timestamp(('x' || left(replace(newest::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
        high := aiagents_log_id(date_trunc('month', greatest(first, now()::timestamp)) + interval '1 month');
        EXECUTE format('ALTER TABLE ai_agent_activity_logs_later ADD CONSTRAINT aiagents_month'
                       ' CHECK (id >= %L AND id < %L) NOT VALID', low, high);
        RETURN 'bounded ' || made;
    ELSIF NOT proof.valid THEN
        ALTER TABLE ai_agent_activity_logs_later VALIDATE CONSTRAINT aiagents_month;
        RETURN 'validated ' || made;
    ELSE
        high := proof.high;
        ALTER TABLE ai_agent_activity_logs DETACH PARTITION ai_agent_activity_logs_later;
        EXECUTE format('ALTER TABLE ai_agent_activity_logs_later RENAME TO %I', made);
        PERFORM aiagents_make_log_table('ai_agent_activity_logs_later');
    END IF;
    EXECUTE format('ALTER TABLE ai_agent_activity_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   made, low, high);
    EXECUTE format('ALTER TABLE ai_agent_activity_logs ATTACH PARTITION ai_agent_activity_logs_later'
                   ' FOR VALUES FROM (%L) TO (MAXVALUE)', high);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS aiagents_month', made);
    RETURN 'made ' || made;
END $$;

-- Takes the oldest partition away, if all of it is from before a time; returns where it ended, or NULL when there is none.
-- "earlier", which has no lower bound, then reaches to where the next one begins, so that every id has its place.
CREATE OR REPLACE FUNCTION aiagents_drop_oldest_log(before timestamptz) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp SET lock_timeout = '50ms' SET timezone = 'UTC' AS $$
DECLARE
    earlier uuid;
    oldest record;
    bound uuid := aiagents_log_id(least(before, now() - interval '1 day')::timestamp);
    leaving uuid;
BEGIN
    PERFORM aiagents_require_system();
    LOCK TABLE ONLY ai_agent_activity_logs IN ACCESS EXCLUSIVE MODE;
    SELECT ends INTO STRICT earlier FROM aiagents_log_partitions()
    WHERE partition = 'ai_agent_activity_logs_earlier';
    SELECT * INTO oldest FROM aiagents_log_partitions() WHERE begins = earlier AND ends <= bound;
    leaving := CASE WHEN earlier > bound OR EXISTS (SELECT FROM ai_agent_activity_logs WHERE id < earlier)
                    THEN earlier ELSE oldest.ends END;
    IF leaving IS NULL OR leaving > bound THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM ai_agent_activity_logs WHERE id < leaving AND status = 'running')
            OR EXISTS (SELECT FROM ai_agent_unrolled_logs WHERE log_id < leaving) THEN
        RAISE EXCEPTION 'some of these logs still run or are not rolled up yet' USING ERRCODE = 'object_in_use';
    END IF;
    IF leaving = earlier THEN
        TRUNCATE ai_agent_activity_logs_earlier;
        RETURN leaving;
    END IF;
    DROP TABLE ai_agent_activity_logs_earlier;
    EXECUTE format('DROP TABLE %I', oldest.partition);
    PERFORM aiagents_make_log_table('ai_agent_activity_logs_earlier');
    EXECUTE format('ALTER TABLE ai_agent_activity_logs ATTACH PARTITION ai_agent_activity_logs_earlier'
                   ' FOR VALUES FROM (MINVALUE) TO (%L)', leaving);
    RETURN leaving;
END $$;

REVOKE ALL ON FUNCTION aiagents_extend_log(integer), aiagents_drop_oldest_log(timestamptz),
    aiagents_make_log_table(text) FROM PUBLIC;
