-- What runs of workers showed of their keys, as it travels: a run that has ended shows none.
CREATE TABLE runs (
    worker BLOB NOT NULL,
    boot   BLOB NOT NULL,
    keys   BLOB NOT NULL,
    at     INTEGER NOT NULL,              -- unix seconds
    PRIMARY KEY (worker, boot)
) STRICT;
CREATE INDEX runs_by_time ON runs (at);
