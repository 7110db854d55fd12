//! What every store has to hold.
