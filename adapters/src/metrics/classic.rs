//! How do metrics look to readers that do not ask for OpenMetrics?

use std::collections::BTreeSet;

/// The content type of the classic text format of Prometheus.
pub const CLASSIC_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns an OpenMetrics text in the classic format: there a counter is described under its whole name, with `_total`,
/// and nothing marks the end.
pub(super) fn classic(text: &str) -> String {
    let counters: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut classic = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let described = ["# HELP ", "# TYPE "].iter().find_map(|start| {
            let (name, rest) = line.strip_prefix(start)?.split_once(' ')?;
            counters.contains(name).then(|| format!("{start}{name}_total {rest}"))
        });
        classic.push_str(described.as_deref().unwrap_or(line));
        classic.push('\n');
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_under_their_whole_name_and_the_end_is_not_marked() {
        let open = "# HELP a A thing.\n# TYPE a counter\na_total 1\n# HELP b Bytes.\n# TYPE b gauge\n# UNIT b bytes\nb{c=\"d\"} 2\n# EOF\n";
        let expected = "# HELP a_total A thing.\n# TYPE a_total counter\na_total 1\n# HELP b Bytes.\n# TYPE b gauge\nb{c=\"d\"} 2\n";
        assert_eq!(classic(open), expected);
    }
}
