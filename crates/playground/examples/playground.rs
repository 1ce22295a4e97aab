//! The playground by itself: the demo app signs people in at the pretend issuer, without Vestibule between.
//! `cargo run -p vestibule-playground --example playground [issuer port] [app port]`
#![expect(clippy::print_stdout, reason = "somebody has to be told where to look")]

use std::{io, net::SocketAddr, sync::Arc};

use vestibule_crypto::{SystemClock, SystemEntropy};
use vestibule_playground::{DemoApp, DemoClient, PretendIssuer};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut ports = std::env::args().skip(1).map(|port| port.parse().map_err(io::Error::other));
    let mut next = || ports.next().transpose().map(|port| SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(0))));
    let mut issuer = PretendIssuer::bind(next()?, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
    let mut app = DemoApp::bind(next()?)?;
    let (client_id, client_secret) = ("demo".to_owned(), "only-for-show".to_owned());
    issuer.register(client_id.clone(), &client_secret, app.redirect_uri());
    app.configure(DemoClient { issuer: issuer.issuer().to_owned(), client_id, client_secret });
    println!("pretend issuer  {}\ndemo app        {}", issuer.issuer(), app.url());
    tokio::try_join!(issuer.serve(std::future::pending()), app.serve(std::future::pending()))?;
    Ok(())
}
