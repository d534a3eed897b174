-- Whose ledger this is, and what the log need not be read for any more: seq of the last record the tables hold.
CREATE TABLE meta (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    global_id INTEGER NOT NULL,
    rewards   BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    state     TEXT NOT NULL               -- JSON: facts of the rewards contract, number, totals
) STRICT;

CREATE TABLE channels (
    account BLOB PRIMARY KEY,
    state   TEXT NOT NULL                 -- JSON: facts, session, vouchers, agreed, disputed
) STRICT;

-- Requests that nobody has agreed on.
CREATE TABLE requests (
    id    BLOB PRIMARY KEY,
    state TEXT NOT NULL                   -- JSON: size, price, reserve, attempt, receipt
) STRICT;

-- Every receipt, for as long as it is kept. agreed is NULL until the client answered, void says why nobody pays.
CREATE TABLE receipts (
    provider BLOB NOT NULL,
    worker   BLOB NOT NULL,
    boot     BLOB NOT NULL,
    number   INTEGER NOT NULL,
    request  BLOB NOT NULL,
    raw      BLOB NOT NULL,
    void     TEXT NOT NULL,
    agreed   TEXT,
    at       INTEGER NOT NULL,            -- unix seconds of its commit
    PRIMARY KEY (provider, worker, boot, number)
) STRICT;
CREATE INDEX receipts_by_request ON receipts (request);
CREATE INDEX receipts_by_time ON receipts (at);

-- How far each boot of a worker is acknowledged, and its certificate.
CREATE TABLE boots (
    provider    BLOB NOT NULL,
    worker      BLOB NOT NULL,
    boot        BLOB NOT NULL,
    ack         INTEGER NOT NULL,         -- the highest number below which none is missing
    certificate BLOB NOT NULL,
    until       INTEGER NOT NULL,         -- unix seconds at which that ends
    PRIMARY KEY (provider, worker, boot)
) STRICT;

CREATE TABLE workers (
    provider BLOB NOT NULL,
    worker   BLOB NOT NULL,
    state    TEXT NOT NULL,               -- JSON: its day, what is disputed of it
    PRIMARY KEY (provider, worker)
) STRICT;

-- What each provider is owed in a number of epoch, and how much of it was promised by a receipt.
CREATE TABLE claims (
    number   INTEGER NOT NULL,
    provider BLOB NOT NULL,
    payable  TEXT NOT NULL,
    earned   TEXT NOT NULL,
    PRIMARY KEY (number, provider)
) STRICT;

-- Two receipts of one number: what report_equivocation takes.
CREATE TABLE equivocations (
    provider    BLOB NOT NULL,
    worker      BLOB NOT NULL,
    boot        BLOB NOT NULL,
    number      INTEGER NOT NULL,
    certificate BLOB NOT NULL,
    first       BLOB NOT NULL,
    second      BLOB NOT NULL,
    PRIMARY KEY (provider, worker, boot, number)
) STRICT;
