//! `vestibule provider test`: the documents a provider publishes, then a sign-in there, and what would come of it.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use secrecy::ExposeSecret;
use serde::Serialize;
use vestibule_domain::{
    health::Checked,
    ids::{AttemptId, ProviderId},
    ports::IdentityProvider,
    provider::{Arrival, Callback as Answer, Departure, ProviderError},
};
use vestibule_providers::preset::preset;

use super::{far, returned::Callback};
use crate::{
    cli::{Seat, TestOptions},
    failure::Failure,
    onlooker::Onlooker,
    print,
    rehearsal::Told,
    table::{printable, table},
    wire,
};

/// How long the person may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Everything a trial showed, for a program.
#[derive(Debug, Serialize)]
struct Report {
    provider: ProviderId,
    facts: BTreeMap<&'static str, String>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in: Option<SignedIn>,
}

/// Who came back.
#[derive(Debug, Serialize)]
struct SignedIn {
    issuer: String,
    /// The provider's name for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Which tokens came, and with what scopes.
    tokens: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(flatten)]
    outcome: Told,
}

/// Tries a provider. Neither the gateway nor its database is needed for one of the configuration, and neither is changed.
pub(crate) async fn test(options: &TestOptions) -> Result<(), Failure> {
    let config = match options.of.seat()? {
        Seat::Beside(config) => config,
        Seat::Far(at) => return far::test(&at, options.provider.as_str(), options.no_login).await,
    };
    let onlooker = Onlooker::read(config)?;
    let found = onlooker.find(&options.provider).await?;
    let adapter = found.adapter()?;
    let label = &adapter.card().label;
    eprintln!("Looking at what {} publishes", printable(label));
    let checked = adapter.check().await.map_err(|error| failed(label, &error))?;
    if !options.of.json {
        print::text(&documents(&checked))?;
    }
    let signed_in = if options.no_login { None } else { Some(sign_in(options, &onlooker, &found.id, adapter.as_ref()).await?) };
    if options.of.json {
        let Checked { facts, warnings, secret_expires } = checked;
        let secret_expires = secret_expires.map(|expires| expires.to_string());
        print::json(&Report { provider: found.id, facts: facts.into_iter().collect(), warnings, secret_expires, signed_in })
    } else {
        signed_in.map_or(Ok(()), |signed_in| print::text(&signed_in.text()))
    }
}

fn documents(checked: &Checked) -> String {
    let rows: Vec<_> = checked.facts.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
    let mut text = format!("Documents\n{}", table(&[], &rows));
    if rows.is_empty() {
        text.push_str("  it publishes none\n");
    }
    if let Some(expires) = checked.secret_expires {
        let _ = writeln!(text, "  our secret there expires {expires}");
    }
    for warning in &checked.warnings {
        let _ = writeln!(text, "  warning: {}", printable(warning));
    }
    text
}

async fn sign_in(options: &TestOptions, onlooker: &Onlooker, id: &ProviderId, adapter: &dyn IdentityProvider) -> Result<SignedIn, Failure> {
    let label = &adapter.card().label;
    let (clock, entropy) = (wire::clock(), wire::entropy());
    let attempt = AttemptId::new(entropy.as_ref());
    let back = Callback::bind(options.port, format!("/callback/{id}"), attempt.to_string()).await;
    let back = back.map_err(|error| Failure::io(format!("listening at port {} of this machine is not possible", options.port), error))?;
    let redirect_uri = back.address();
    let departure = Departure {
        attempt,
        redirect_uri: redirect_uri.clone(),
        fresh: false,
        select_account: false,
        max_age: None,
        login_hint: None,
        domain_hint: None,
        acr_values: None,
        ui_locales: None,
    };
    let sent = adapter.begin(&departure).await.map_err(|error| failed(label, &error))?;
    let ours = onlooker.config.settings.callback_of(id);
    let mut text = String::from("\nSign-in\n");
    // What to do there, for whoever has not done it yet.
    if let Some(preset) = preset(&adapter.card().preset) {
        let _ = writeln!(text, "  {}", preset.registration(&ours));
    }
    if redirect_uri != ours {
        let _ = write!(
            text,
            "  Register this callback there for the trial, beside {ours}:\n    {redirect_uri}\n  (with --port it is the same each time)\n"
        );
    }
    let _ = write!(
        text,
        "  Open this in your browser and sign in, within five minutes; Ctrl-C ends it:\n    {}\n\n",
        printable(&sent.location)
    );
    if options.of.json {
        eprint!("{text}");
    } else {
        print::text(&text)?;
    }
    let mut brought = tokio::select! {
        brought = back.wait() => brought.map_err(|error| Failure::io("nobody can come back", error))?,
        () = tokio::time::sleep(PATIENCE) => return Err(Failure::Plain("nobody came back within five minutes".into())),
        _ = tokio::signal::ctrl_c() => return Err(Failure::Plain("ended before anybody came back".into())),
    };
    let repeated = brought.repeated(&["code", "state", "iss", "error", "user"]);
    let answer = Answer {
        code: brought.take("code"),
        iss: brought.take("iss"),
        error: brought.take("error"),
        user: brought.take("user"),
        redirect_uri,
        repeated,
    };
    eprintln!("Asking {} who it was", printable(label));
    let arrival = adapter.complete(answer, sent.kept, clock.now()).await.map_err(|error| failed(label, &error))?;
    let outcome = Told::new(id, adapter.terms(), None, &arrival.claims);
    let outcome = if options.show_values { outcome } else { outcome.redacted() };
    Ok(SignedIn::new(arrival, outcome, options.show_values))
}

impl SignedIn {
    fn new(arrival: Arrival, outcome: Told, show_values: bool) -> Self {
        let given = |token: &Option<secrecy::SecretString>| token.as_ref().is_some_and(|token| !token.expose_secret().is_empty());
        let tokens = [
            ("access token", &arrival.tokens.access_token),
            ("refresh token", &arrival.tokens.refresh_token),
            ("ID token", &arrival.tokens.id_token),
        ];
        Self {
            tokens: tokens.into_iter().filter(|(_, token)| given(token)).map(|(name, _)| name).collect(),
            scope: arrival.tokens.scope,
            issuer: arrival.issuer,
            subject: Some(arrival.subject).filter(|_| show_values),
            outcome,
        }
    }

    fn text(&self) -> String {
        let rows = [
            ("issuer", Some(self.issuer.clone())),
            ("subject", Some(self.subject.clone().unwrap_or_else(|| "(hidden; --show-values shows it)".into()))),
            ("tokens", Some(self.tokens.join(", "))),
            ("scopes", self.scope.clone()),
        ];
        let rows: Vec<_> = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect();
        format!("Signed in\n{}\n{}\nNothing was kept.\n", table(&[], &rows), self.outcome.text())
    }
}

fn failed(label: &str, error: &ProviderError) -> Failure {
    Failure::Plain(printable(&format!("{label}: {error}")))
}
