-- Workers of whom an equivocation was reported. The log tells all of it again: projections are made anew.
ALTER TABLE workers ADD COLUMN slashed INTEGER NOT NULL DEFAULT 0;
