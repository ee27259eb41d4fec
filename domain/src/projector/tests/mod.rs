//! Do boards and cursors keep what the page promises? (spec: projector.md)
