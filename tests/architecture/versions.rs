//! Do the files in `deploy/` name the version that is built?

use std::fs;
use std::path::Path;

/// Where the version stands by hand, and the text before it in each of these lines.
const WRITTEN: &[(&str, &str)] = &[
    ("Dockerfile", "org.opencontainers.image.version=\""),
    ("deploy/kubernetes/autoupdate.yaml", "image: openslides3-autoupdate:"),
];

#[test]
fn the_image_has_the_version_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, before) in WRITTEN {
        let text = fs::read_to_string(root.join(file)).expect("a file of the project");
        let versions: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(before))
            .map(|(_, after)| after.trim_end_matches('"'))
            .collect();
        assert_eq!(versions, [env!("CARGO_PKG_VERSION")], "{file}");
    }
}

/// Both stages of the image are of the same Debian release, or the program might not find its C library.
#[test]
fn the_image_is_built_on_the_release_that_it_runs_on() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).expect("the Dockerfile");
    let bases: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    let [build, run] = bases[..] else { panic!("two stages in {bases:?}") };
    assert!(build.contains("-trixie ") && run.starts_with("debian:13."), "{bases:?}");
}
