//! Writes every hosted page as a file, to look at: `cargo run -p vestibule-http --example pages -- OUTDIR`. All are in English; a few, those that hold
//! most texts, in every language too, and one has a brand.

#[path = "pages/samples.rs"]
mod samples;

use std::{env, fs, io, path::PathBuf};

use vestibule_http::pages::{Appearance, Look, texts::LANGUAGES};

const IN_EVERY_LANGUAGE: [&str; 4] = ["account", "chooser-nine", "error-not_allowed", "sign-in-again"];

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("usage: pages OUTDIR"))?;
    fs::create_dir_all(&folder)?;
    let (ours, theirs) = (Appearance::default(), samples::branded());
    for (name, page) in samples::all(&samples::BELIEVABLE) {
        let write = |file: String, look: &Look<'_>| {
            fs::write(folder.join(file).with_added_extension("html"), page.render(look).map_err(io::Error::other)?)
        };
        write(name.clone(), &Look::default())?;
        if name == "chooser" {
            write(format!("{name}-branded"), &theirs.look(LANGUAGES[0]))?;
        }
        for texts in LANGUAGES.iter().skip(1).filter(|_| IN_EVERY_LANGUAGE.contains(&name.as_str())) {
            write(format!("{name}-{}", texts.lang), &ours.look(texts))?;
        }
    }
    Ok(())
}
