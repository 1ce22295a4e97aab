//! `vestibule dev`: everything on one machine with one command, to be tried and looked at. Nothing here is fit for production, and `serve`
//! refuses what it leaves behind.

mod banner;
mod folder;
mod seeding;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::task::JoinHandle;
use vestibule_domain::{
    audit::{Actor, Source, Witness},
    claims::Claims,
    client::Client,
    operator::AdminScopes,
    redirect::RegisteredUri,
    registration::Draft,
};
use vestibule_flows::{AdminFault, Gateway};
use vestibule_playground::{DemoApp, DemoClient, PretendIssuer};

use self::folder::{Folder, Kept};
pub(crate) use self::folder::{create_private, is_data_folder, sealing_in, store_in};
use crate::{
    cli::DevOptions,
    config::{
        self, Written,
        fault::{Faults, Origin},
        layers::{self, Layered, Source as ProviderSource},
    },
    console_key,
    failure::Failure,
    keygen, maintenance, print,
    serve::{Doors, Running},
    signals::{Stop, StopSignals},
    wire,
};

/// What the demo app and the pretend provider are called.
const DEMO: &str = "demo";
/// Who of the pretend provider's people is an operator, besides whoever has the link.
const OPERATOR: &str = "alice@example.com";
/// How long the link to the console that is printed at the start may be used, once: a day of trying things out.
const CONSOLE_KEY_FOR: Duration = Duration::from_hours(24);
/// How the gateway is registered at the pretend provider.
const OUR_CLIENT_ID: &str = "vestibule";

/// Runs all of it until it is interrupted.
pub(crate) async fn dev(options: &DevOptions) -> Result<(), Failure> {
    let mut signals = StopSignals::listen_in_terminal().map_err(|error| Failure::io("signals can't be handled", error))?;
    let folder = Folder::open(&options.data, options.reset)?;
    let keys = Keys { sealing: folder.keep("sealing.key", keygen::sealing_key)?, admin: folder.keep("admin.key", keygen::bootstrap_key)? };
    let mut pretend = wire::pretend_issuer(options.port + 1).map_err(|error| taken(options.port + 1, "the pretend provider", error))?;
    let mut demo = DemoApp::bind(local(options.port + 2)).map_err(|error| taken(options.port + 2, "the demo app", error))?;

    let upstream_secret = keygen::sealing_key();
    let given = Given {
        file: options.config.clone(),
        verbose: options.verbose,
        port: options.port,
        store: folder.store().url,
        sealing_key: keys.sealing.secret.clone(),
        admin_key: keys.admin.secret.clone(),
        pretend: pretend_provider(&pretend, &upstream_secret),
        pretend_issuer: pretend.issuer().to_owned(),
    };
    let written = given.read()?;
    let config = written.config.clone();
    pretend.register(OUR_CLIENT_ID, upstream_secret.expose_secret(), config.settings.url(&format!("/callback/{DEMO}")));
    let doors = Doors::bind(&config, |key, address, error| {
        taken(address.port(), if key == "listen.address" { "the gateway" } else { "the operators' listener" }, error)
    })?;
    let telemetry = vestibule_telemetry::init(&config.telemetry, wire::clock())?;

    let built = wire::build(&written, Arc::new(move || given.read()), telemetry.log_filter()).await?;
    let started = async {
        maintenance::keep_keys(&built.gateway(), &built.metrics).await?;
        built.gateway().seal_audit().await?;
        if keys.admin.is_new {
            seeding::seed(&built.gateway()).await?;
        }
        let client_secret = register_demo(&built.gateway(), &demo, &folder).await?;
        demo.configure(DemoClient {
            issuer: config.settings.issuer.clone(),
            client_id: DEMO.into(),
            client_secret: client_secret.expose_secret().to_owned(),
        });
        built.gateway().begin_statistics().await?;
        let console = console_key::link(&built.gateway(), CONSOLE_KEY_FOR, AdminScopes::everything()).await?;
        Ok((Running::start(&built, &config, doors), console))
    };
    let (running, console) = match started.await {
        Ok(started) => started,
        Err(failure) => {
            built.store.close().await;
            return Err(failure);
        }
    };
    let stop = Stop::new();
    let demo_url = demo.url().to_owned();
    let beside: [JoinHandle<io::Result<()>>; 2] = [tokio::spawn(pretend.serve(stop.called())), tokio::spawn(demo.serve(stop.called()))];
    print::text(&banner::banner(&config, &demo_url, &console, &folder, &keys))?;
    // A reload puts another in its place.
    drop((written, config));
    let stopped = running.until_stopped(&built, &mut signals).await;
    stop.call();
    for program in beside {
        let _ = program.await;
    }
    let _ = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    stopped
}

/// The keys that the data folder keeps.
struct Keys {
    sealing: Kept,
    admin: Kept,
}

/// Where everything of `dev` listens: on this machine alone.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// What is laid over the configuration.
struct Given {
    file: Option<PathBuf>,
    verbose: u8,
    port: u16,
    store: SecretString,
    sealing_key: SecretString,
    admin_key: SecretString,
    pretend: Claims,
    pretend_issuer: String,
}

impl Given {
    /// Writes the same into what operators are shown.
    fn show(&self, layered: &mut Layered) {
        let Layered { raw, effective, .. } = layered;
        effective["issuer"] = raw.issuer.clone().into();
        effective["listen"]["address"] = raw.listen.address.clone().into();
        effective["ops"]["address"] = raw.ops.address.clone().into();
        effective["store"]["url"] = self.store.expose_secret().into();
        effective["sealing"]["key"] = self.sealing_key.expose_secret().into();
        effective["admin"]["bootstrap_key"] = self.admin_key.expose_secret().into();
        effective["egress"]["allow"] = raw.egress.allow.clone().into();
        effective["log"]["filter"] = raw.log.filter.clone().into();
        effective["console"]["operators"] = Value::Object(raw.console.operators.clone());
        effective["console"]["providers"] = raw.console.providers.clone().into();
        effective["providers"] = raw.providers.iter().cloned().map(Value::Object).collect();
    }

    /// What is built in, the file and the environment, with addresses, keys, the database and the pretend provider set by us.
    fn read(&self) -> Result<Written, Faults> {
        let mut layered = layers::read(self.file.as_deref(), &config::environment())?;
        quieten(&mut layered, self.verbose);
        let raw = &mut layered.raw;
        raw.issuer = Some(format!("http://{}", local(self.port)));
        raw.listen.address = local(self.port).to_string();
        raw.listen.tls.certificate = None;
        raw.listen.tls.key = None;
        raw.ops.address = local(self.port + 3).to_string();
        raw.store.url = Some(self.store.clone());
        raw.store.url_file = None;
        raw.sealing.key = Some(self.sealing_key.clone());
        raw.sealing.key_file = None;
        raw.admin.bootstrap_key = Some(self.admin_key.clone());
        raw.admin.bootstrap_key_file = None;
        raw.admin.address = None;
        raw.egress.allow.push(self.pretend_issuer.trim_start_matches("http://").to_owned());
        if raw.console.operators.is_empty() {
            raw.console.operators.insert("emails".into(), Value::from(vec![OPERATOR]));
            raw.console.providers = vec![DEMO.into()];
        } else if raw.console.providers.is_empty() && raw.providers.len() != 1 {
            // Who names operators of their own has them come by what they wrote, or by the pretend provider where that is nothing or several.
            raw.console.providers = vec![DEMO.into()];
        } else if raw.console.providers.is_empty() {
            let only = raw.providers.iter().filter_map(|provider| provider.get("id")?.as_str());
            raw.console.providers = only.map(str::to_owned).collect();
        }
        raw.providers.push(self.pretend.clone());
        layered.sources.push(ProviderSource { file: "vestibule dev".into(), own: None, fault: None });
        self.show(&mut layered);
        Written::of(layered)
    }
}

fn pretend_provider(pretend: &PretendIssuer, secret: &SecretString) -> Claims {
    let settings = [
        ("preset", Value::from("oidc")),
        ("id", DEMO.into()),
        ("label", "Demo".into()),
        ("issuer", pretend.issuer().into()),
        ("client_id", OUR_CLIENT_ID.into()),
        ("client_secret", secret.expose_secret().into()),
        ("scopes", ["profile", "email", "groups", "offline_access"].as_slice().into()),
    ];
    settings.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// A filter that somebody set holds; otherwise the terminal is for the links.
fn quieten(layered: &mut Layered, verbose: u8) {
    let filter = match verbose {
        0 if layered.origins.of("log.filter") == Origin::Default => "warn",
        0 => return,
        1 => "info",
        _ => "debug",
    };
    filter.clone_into(&mut layered.raw.log.filter);
}

/// Registers the demo app as an operator would, unless it is there as it should be. Its secret is kept in the folder, because the database has a
/// digest only; without it the app is registered anew.
async fn register_demo(gateway: &Gateway, demo: &DemoApp, folder: &Folder) -> Result<SecretString, Failure> {
    const SECRET: &str = "demo.secret";
    let witness = Witness { now: gateway.clock().now(), source: Source::default(), trace_id: None };
    let draft = Draft {
        name: "Demo app".into(),
        redirect_uris: vec![demo.redirect_uri()],
        post_logout_redirect_uris: vec![demo.post_logout_redirect_uri()],
        ..Draft::default()
    };
    match (gateway.client(DEMO).await, folder.read(SECRET)?) {
        (Ok(present), Some(secret)) => {
            if !is_as_drafted(&present, &draft) {
                let replaced = gateway.replace_client(&witness, &Actor::System, DEMO, &draft, Some(present.version)).await;
                replaced.map_err(Failure::Demo)?;
            }
            return Ok(secret);
        }
        (Ok(present), None) => {
            gateway.delete_client(&witness, &Actor::System, DEMO, Some(present.version)).await.map_err(Failure::Demo)?;
        }
        (Err(AdminFault::NotFound), _) => {}
        (Err(fault), _) => return Err(Failure::Demo(fault)),
    }
    let (_, secret) = gateway.create_client(&witness, &Actor::System, Some(DEMO), &draft).await.map_err(Failure::Demo)?;
    let secret = secret.ok_or_else(|| Failure::Plain("the demo app got no secret".into()))?.secret;
    folder.write(SECRET, &secret)?;
    Ok(secret)
}

/// Another port makes another address.
fn is_as_drafted(client: &Client, draft: &Draft) -> bool {
    let parsed = |texts: &[String]| texts.iter().filter_map(|text| RegisteredUri::parse(text).ok()).collect::<Vec<_>>();
    client.redirect_uris == parsed(&draft.redirect_uris)
        && client.post_logout_redirect_uris == parsed(&draft.post_logout_redirect_uris)
        && !client.disabled
}

/// A port that can't be had.
fn taken(port: u16, whose: &str, error: io::Error) -> Failure {
    if error.kind() != io::ErrorKind::AddrInUse {
        return Failure::io(format!("{whose} can't listen on {}", local(port)), error);
    }
    Failure::Plain(format!("port {port}, for {whose}, is taken. Choose others: `vestibule dev --port 9000` takes 9000 to 9003"))
}
