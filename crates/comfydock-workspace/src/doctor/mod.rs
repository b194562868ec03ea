//! Looking for damage. Each part looks at one thing and changes nothing.

pub mod venv;
