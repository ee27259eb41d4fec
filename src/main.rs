#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "not wired yet")]
mod demo;

fn main() {}
