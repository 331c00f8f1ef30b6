//! Results to text, tables, pictures and files.
