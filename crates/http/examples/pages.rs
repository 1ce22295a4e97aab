//! Writes every hosted page as a file, to look at: `cargo run -p vestibule-http --example pages -- OUTDIR`.

#[path = "pages/samples.rs"]
mod samples;

use std::{env, fs, io, path::PathBuf};

use vestibule_http::pages::texts::ENGLISH;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("usage: pages OUTDIR"))?;
    fs::create_dir_all(&folder)?;
    for (name, page) in samples::all(&samples::BELIEVABLE) {
        fs::write(folder.join(name).with_extension("html"), page.render(&ENGLISH).map_err(io::Error::other)?)?;
    }
    Ok(())
}
