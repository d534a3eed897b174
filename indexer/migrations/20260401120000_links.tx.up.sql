-- The newest transaction of each of our contracts in the log, which the next one has to name.
CREATE TABLE links (
    account BLOB    PRIMARY KEY,
    lt      INTEGER NOT NULL,
    tx      BLOB    NOT NULL
) STRICT;
INSERT INTO links (account, lt, tx)
    SELECT account, lt, tx FROM events WHERE seq IN (SELECT max(seq) FROM events GROUP BY account);
