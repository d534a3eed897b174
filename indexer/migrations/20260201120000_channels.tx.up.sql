-- Channels, of which the log tells from here on.
CREATE TABLE channels (
    seq     INTEGER PRIMARY KEY,
    account BLOB    NOT NULL UNIQUE,
    client  BLOB    NOT NULL,
    rewards BLOB    NOT NULL,
    closed  INTEGER NOT NULL,
    doc     TEXT    NOT NULL
) STRICT;
CREATE INDEX channels_client ON channels (client, seq);
CREATE INDEX channels_rewards ON channels (rewards, seq);
