//! The command line: one file per verb; the only place with a terminal, a wall clock and an environment.
