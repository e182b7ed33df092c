//! Whole stories in a real browser and the real window.
