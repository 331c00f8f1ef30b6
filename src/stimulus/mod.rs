//! Everything that reaches the cluster from outside: traces, generators, faults.
