-- What the events add up to. All of it can be made again from the log.
-- seq is that of the contract's birth; doc is the contract's state as JSON.

-- One row: the rules that made the tables below.
CREATE TABLE projections (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

-- One row: nanoTON over all contracts; see market.Money.
CREATE TABLE money (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    received TEXT    NOT NULL,
    paid     TEXT    NOT NULL,
    fees     TEXT    NOT NULL,
    held     TEXT    NOT NULL
) STRICT;

CREATE TABLE balances (
    account  BLOB PRIMARY KEY,
    received TEXT NOT NULL,
    sent     TEXT NOT NULL,
    fees     TEXT NOT NULL
) STRICT;

CREATE TABLE registries (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    doc     TEXT    NOT NULL
) STRICT;

-- kind: 2 models, 3 images, 4 codes. data is a BoC; name what it says, "" where it cannot be read.
CREATE TABLE listings (
    seq       INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL,
    key       BLOB    NOT NULL,
    suspended INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    data      BLOB    NOT NULL,
    UNIQUE (kind, key)
) STRICT;

CREATE TABLE providers (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    doc     TEXT    NOT NULL
) STRICT;

-- seq is that of the event that registered the worker. record is a BoC.
CREATE TABLE workers (
    seq        INTEGER PRIMARY KEY,
    provider   BLOB    NOT NULL,
    key        BLOB    NOT NULL,
    retired_at INTEGER NOT NULL,
    gpus       INTEGER NOT NULL,
    record     BLOB    NOT NULL,
    UNIQUE (provider, key)
) STRICT;

-- status is "" before the job was opened.
CREATE TABLE jobs (
    seq      INTEGER PRIMARY KEY,
    account  BLOB    NOT NULL UNIQUE,
    status   TEXT    NOT NULL,
    client   BLOB    NOT NULL,
    provider BLOB    NOT NULL,
    doc      TEXT    NOT NULL
) STRICT;
CREATE INDEX jobs_status ON jobs (status, seq);
CREATE INDEX jobs_client ON jobs (client, seq);
CREATE INDEX jobs_provider ON jobs (provider, seq);

CREATE TABLE rewards (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    doc     TEXT    NOT NULL
) STRICT;

CREATE TABLE epochs (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    opened  INTEGER NOT NULL,
    rewards BLOB    NOT NULL,
    doc     TEXT    NOT NULL
) STRICT;
CREATE INDEX epochs_rewards ON epochs (rewards, seq);

-- idx is the leaf's place in the epoch whose birth is epoch.
CREATE TABLE leaves (
    epoch    INTEGER NOT NULL,
    idx      INTEGER NOT NULL,
    provider BLOB    NOT NULL,
    amount   TEXT    NOT NULL,
    requests INTEGER NOT NULL,
    tokens   TEXT    NOT NULL,
    failures INTEGER NOT NULL,
    uptime   INTEGER NOT NULL,
    p50      INTEGER NOT NULL,
    claimed  INTEGER NOT NULL, -- paid by a claim
    PRIMARY KEY (epoch, idx)
) STRICT, WITHOUT ROWID;
