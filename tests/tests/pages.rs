//! Every hosted page in a browser: nothing for axe to find, in light and dark, wide and narrow; each leaves a picture to look at.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use vestibule_tests::{binary, browser, screenshots};

/// The pages, written out by the example of the http crate, which `cargo build --all-targets` leaves beside the binary.
fn written_out() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let example = binary().parent().expect("a binary lies in a folder").join("examples/pages");
    let output = Command::new(&example).arg(folder.path()).output().unwrap_or_else(|error| panic!("{}: {error}", example.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    (folder, pages)
}

/// Whether a page is one in another language than English, which is made of the same elements: it is looked at where it is likeliest to break, on a
/// narrow screen, and one that is written from right to left everywhere.
fn only_narrow(page: &Path) -> bool {
    let name = page.file_stem().unwrap_or_default().to_string_lossy();
    ["de", "es", "fr", "ja", "ko", "pt-BR", "zh-CN", "zh-TW"].iter().any(|lang| name.ends_with(&format!("-{lang}")))
}

#[tokio::test]
async fn wcag_2_2_aa_axe_finds_nothing_on_any_page_in_light() {
    finds_nothing("light", 1280, |page| !only_narrow(page)).await;
}

#[tokio::test]
async fn wcag_2_2_aa_axe_finds_nothing_on_any_page_in_the_dark_on_a_phone() {
    finds_nothing("dark", 390, |page| !only_narrow(page)).await;
}

#[tokio::test]
async fn wcag_2_2_aa_axe_finds_nothing_in_any_language_on_a_phone() {
    finds_nothing("dark", 390, only_narrow).await;
}

async fn finds_nothing(screen: &str, width: u32, wanted: impl Fn(&Path) -> bool) {
    let (_folder, pages) = written_out();
    let steps: Vec<Value> = pages
        .iter()
        // The pages that lead into an installed app or to a provider leave at once; there is nothing to stay for.
        .filter(|page| !["return-to-app.html", "form-post.html", "onward.html"].iter().any(|name| page.ends_with(name)))
        .filter(|page| wanted(page))
        .flat_map(|page| {
            let name = page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let picture = screenshots().join(format!("page-{screen}-{name}.png"));
            [json!({ "goto": format!("file://{}", page.display()) }), json!({ "axe": name }), json!({ "screenshot": picture })]
        })
        .collect();
    assert!(steps.len() > 30, "{}", steps.len());
    let seen = browser(json!({ "scheme": screen, "width": width }), json!(steps)).await;
    for (page, found) in seen["axe"].as_object().expect("what axe found") {
        assert_eq!(*found, json!([]), "{page} in {screen}");
    }
    // The apps that one page frames are nowhere.
    let told = |line: &&Value| !line.as_str().is_some_and(|line| line.starts_with("https://") && line.contains(".example.com"));
    let told: Vec<_> = seen["console"].as_array().expect("a list").iter().filter(told).collect();
    assert!(told.is_empty(), "{screen}: {told:#?}");
}
