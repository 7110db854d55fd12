-- What is no change, by its kind (the tenth byte of a header): a newcomer begins with the last
-- snapshot. Changes, which are nearly all of a log, stay out of the index.
CREATE INDEX log_by_kind ON log (vault, substr(header, 10, 1), seq)
    WHERE substr(header, 10, 1) <> x'01';
