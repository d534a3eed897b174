-- Whose events were read, and how far: seq of the last one.
CREATE TABLE cursor (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    global_id INTEGER NOT NULL,
    registry  BLOB NOT NULL,
    seq       INTEGER NOT NULL
) STRICT;

-- Jobs that name us or were registered here. status is '' until the job was seen open on chain.
CREATE TABLE jobs (
    account    BLOB PRIMARY KEY,
    status     TEXT NOT NULL,
    until      INTEGER NOT NULL,          -- chain time that ends the phase
    closed_at  INTEGER NOT NULL,          -- chain time of the end, 0 before
    payload    BLOB NOT NULL,             -- hash
    offer      BLOB NOT NULL,             -- BoC, empty until registered
    result_key BLOB NOT NULL,             -- empty until registered
    token      BLOB NOT NULL,             -- SHA-256 of the client's token, empty until registered
    worker     BLOB NOT NULL,             -- bound on chain, empty before
    accept     BLOB NOT NULL,             -- BoC of the accept_job in flight, empty without
    accept_to  BLOB NOT NULL,             -- its provider
    accept_end INTEGER NOT NULL,          -- its valid_until
    result     BLOB NOT NULL,             -- hash, empty before delivery
    deliver    BLOB NOT NULL,             -- BoC of the deliver to relay, empty before
    swept      INTEGER NOT NULL           -- 1 once the payload was deleted, 2 once the result was
) STRICT;
CREATE INDEX jobs_by_status ON jobs (status, until);

-- Who was asked for a job, and what came of it ('' while it is open).
CREATE TABLE attempts (
    job     BLOB NOT NULL,
    worker  BLOB NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (job, worker)
) STRICT;

-- What was measured of each worker since the last epoch was planned. Seconds are the chain's.
CREATE TABLE service (
    worker   BLOB PRIMARY KEY,
    provider BLOB NOT NULL,
    gpus     INTEGER NOT NULL,
    up       INTEGER NOT NULL,
    total    INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    p50_ms   INTEGER NOT NULL
) STRICT;

-- Epochs as they were planned; leaves is JSON. account is empty while no attempt is known on chain. tried is one
-- more than the attempt that may have been sent with these leaves, 0 where none may.
CREATE TABLE epochs (
    rewards  BLOB NOT NULL,
    number   INTEGER NOT NULL,
    leaves   TEXT NOT NULL,
    account  BLOB NOT NULL,
    tried    INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    PRIMARY KEY (rewards, number)
) STRICT;
