-- One row: who may write. generation grows with every change of hands; expires is in milliseconds of the database's clock.
CREATE TABLE lease (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    owner      TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;
INSERT INTO lease (id, owner, generation, expires) VALUES (1, '', 0, 0);
