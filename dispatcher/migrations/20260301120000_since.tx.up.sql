-- Chain time at which the last epoch was planned, or from which on the first is waited for; 0 before that.
ALTER TABLE cursor ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
