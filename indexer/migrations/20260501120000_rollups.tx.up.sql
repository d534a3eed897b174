-- What happened in an hour or a day. period is in seconds, start a multiple of it; model is '' for the whole market.
-- The row of period 0 holds the levels there are now.
CREATE TABLE rollups (
    period INTEGER NOT NULL,
    model  BLOB    NOT NULL,
    start  INTEGER NOT NULL,
    doc    TEXT    NOT NULL,
    PRIMARY KEY (period, model, start)
) STRICT, WITHOUT ROWID;

-- What open channels declare of a model. seq is that of the event that first named it; tokens are a day.
CREATE TABLE demand (
    seq      INTEGER PRIMARY KEY,
    model    BLOB    NOT NULL UNIQUE,
    channels INTEGER NOT NULL,
    tokens   TEXT    NOT NULL
) STRICT;
