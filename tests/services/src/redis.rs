//! Redis or Valkey from the system's packages.
