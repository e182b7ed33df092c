//! PostgreSQL from the system's packages.
