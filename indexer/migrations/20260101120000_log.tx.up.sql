-- The log: what happened, in the chain's order. Nothing here depends on when it was read.
CREATE TABLE events (
    seq       INTEGER PRIMARY KEY,
    seqno     INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    lt        INTEGER NOT NULL,
    tx        BLOB    NOT NULL UNIQUE,
    contract  TEXT    NOT NULL,
    account   BLOB    NOT NULL,
    sender    BLOB    NOT NULL,
    name      TEXT    NOT NULL,
    ok        INTEGER NOT NULL,
    exit_code INTEGER NOT NULL,
    value     TEXT    NOT NULL,
    fees      TEXT    NOT NULL,
    body      BLOB    NOT NULL,
    data      TEXT    NOT NULL,
    out       TEXT    NOT NULL
) STRICT;
CREATE INDEX events_account ON events (account, seq);

-- Our contracts, by the transaction that activated them. birth is the data they were born with, a BoC.
CREATE TABLE contracts (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    kind    TEXT    NOT NULL,
    birth   BLOB    NOT NULL
) STRICT;

-- One row: how far the chain has been followed. network, registry and the first block are those of the first run.
CREATE TABLE cursor (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    network  INTEGER NOT NULL,
    registry BLOB    NOT NULL,
    first    INTEGER NOT NULL,
    origin   BLOB    NOT NULL, -- root hash of block first
    seqno    INTEGER NOT NULL,
    root     BLOB    NOT NULL,
    time     INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    tops     TEXT    NOT NULL
) STRICT;
