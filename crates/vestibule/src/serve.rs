//! `vestibule serve`: starts the house, and stops it in order.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use sd_notify::NotifyState;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tracing::{error, info, warn};
use vestibule_domain::audit::{Actor, Source, Witness};
use vestibule_http::{
    Doorway, Standing, admin_routes,
    door::{Door, DoorOptions},
    ops_routes, routes,
};
use vestibule_telemetry::LogFilter;

use crate::{
    config::{
        Config, Written,
        fault::{Fault, Faults},
    },
    dev,
    failure::Failure,
    maintenance,
    reload::Reader,
    signals::{Stop, StopSignals, tell_systemd, tell_systemd_of_reload},
    surroundings::Surroundings,
    wire::{self, Built},
};

/// Serves until it is told to stop.
pub(crate) async fn serve(path: &Path) -> Result<(), Failure> {
    let written = Written::read(path)?;
    refuse_leftovers(&written.config)?;
    let mut signals = StopSignals::listen().map_err(|error| Failure::io("signals can't be handled", error))?;
    let telemetry = vestibule_telemetry::init(&written.config.telemetry, wire::clock())?;
    let file = path.to_owned();
    let read: Arc<Reader> = Arc::new(move || Written::read(&file));
    let served = serve_until_stopped(written, read, telemetry.log_filter(), &mut signals).await;
    // The last lines and spans are written on a thread that may wait: sending spans takes a while.
    let _ = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    served
}

async fn serve_until_stopped(written: Written, read: Arc<Reader>, logs: LogFilter, signals: &mut StopSignals) -> Result<(), Failure> {
    let config = &written.config;
    let built = wire::build(&written, read, logs).await?;
    let running = async {
        maintenance::keep_keys(&built.gateway(), &built.metrics).await?;
        built.gateway().seal_audit().await?;
        built.gateway().begin_statistics().await?;
        let refused = |key: &str, address, error| Failure::io(format!("listening on {address} ({key}) is not possible"), error);
        let doors = Doors::bind(config, refused)?;
        let reload = reload_on_hangup(built.standing.clone())?;
        Ok(Running::start(&built, config, doors).beside(reload))
    };
    let running = match running.await {
        Ok(running) => running,
        Err(failure) => {
            built.store.close().await;
            return Err(failure);
        }
    };
    tell_when_nobody_can_sign_in(&built).await?;
    make_room(config.listen.max_connections);
    info!(issuer = %config.settings.issuer, "serving {}", config.settings.issuer);
    if !config.ops.ip().is_loopback() {
        warn!(address = %config.ops, "the operators' listener ({}) can be reached from other machines, and asks nobody who they are", config.ops);
    }
    tell_systemd(NotifyState::Ready);
    // A reload puts another in its place.
    drop(written);
    running.until_stopped(&built, signals).await
}

/// The admin API can make providers, so that none is no reason not to start.
async fn tell_when_nobody_can_sign_in(built: &Built) -> Result<(), Failure> {
    if built.gateway().providers().await?.all().is_empty() {
        warn!("there is no provider yet, so nobody can sign in: add [[providers]] to the configuration, or make one by the admin API");
    }
    Ok(())
}

/// What the database, the upstreams and the house itself need beside the connections of `listen.max_connections`.
const OTHER_DESCRIPTORS: u64 = 200;

/// A connection needs a descriptor. The system's soft limit is raised to its hard one, and where that is not enough the operator hears of it
/// before people do; the door outlives running out, but turns them away.
fn make_room(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHER_DESCRIPTORS);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit < wanted => {
            warn!(limit, wanted, "the system allows {limit} open files, fewer than listen.max_connections needs: {wanted}");
        }
        Ok(_) => {}
        Err(error) => warn!(%error, "the limit on open files can't be raised"),
    }
}

/// The listeners, bound.
#[derive(Debug)]
pub(crate) struct Doors {
    main: Door,
    ops: Door,
    admin: Option<Door>,
}

impl Doors {
    /// Binds them; `refused` says what it means that an address, which stands at a key, can't be had.
    pub(crate) fn bind(config: &Config, refused: impl Fn(&str, SocketAddr, io::Error) -> Failure) -> Result<Self, Failure> {
        let listen = &config.listen;
        let main = DoorOptions {
            tls: listen.tls.clone(),
            asks: listen.asks.clone(),
            max_connections: listen.max_connections,
            drain_timeout: listen.drain_timeout,
            ..DoorOptions::at(listen.address)
        };
        let bind = |key: &str, options: DoorOptions| {
            let address = options.address;
            Door::bind(options).map_err(|error| refused(key, address, error))
        };
        let admin = |address| DoorOptions { tls: listen.tls.clone(), drain_timeout: listen.drain_timeout, ..DoorOptions::at(address) };
        Ok(Self {
            main: bind("listen.address", main)?,
            ops: bind("ops.address", DoorOptions::at(config.ops))?,
            admin: config.admin.map(|address| bind("admin.address", admin(address))).transpose()?,
        })
    }
}

/// What runs beside each other.
#[derive(Debug)]
pub(crate) struct Running {
    main: JoinHandle<io::Result<()>>,
    ops: JoinHandle<io::Result<()>>,
    admin: Option<JoinHandle<io::Result<()>>>,
    helpers: Vec<JoinHandle<()>>,
    refresher: JoinHandle<()>,
    sender: JoinHandle<()>,
    stop_main: Stop,
    stop_ops: Stop,
}

impl Running {
    /// Opens the doors and begins what the house does by itself.
    pub(crate) fn start(built: &Built, config: &Config, doors: Doors) -> Self {
        let (stop_main, stop_ops) = (Stop::new(), Stop::new());
        let standing = &built.standing;
        built.configuration.renews([Some(&doors.main), doors.admin.as_ref()].into_iter().flatten().map(Door::reloader).collect());
        let maintain = tokio::spawn(maintenance::maintain(standing.clone(), built.metrics.clone()));
        let surroundings = tokio::spawn(Surroundings::of(config).watch(built.metrics.clone()));
        let probe = tokio::spawn(maintenance::probe(standing.clone(), stop_main.called()));
        let refresher = tokio::spawn(maintenance::refresh_ahead(standing.clone(), stop_main.called()));
        let (metrics, checkpoints) = (built.metrics.clone(), built.checkpoints.clone());
        let sealer = tokio::spawn(maintenance::seal_audit(standing.clone(), metrics, checkpoints, stop_main.called()));
        let sender = tokio::spawn(maintenance::send_audit_on(standing.clone(), stop_main.called()));
        let teller = tokio::spawn(maintenance::tell_of_logouts(standing.clone(), stop_main.called()));
        Self {
            main: tokio::spawn(doors.main.serve(Doorway::new(standing, routes), stop_main.called())),
            ops: tokio::spawn(doors.ops.serve(Doorway::new(standing, ops_routes), stop_ops.called())),
            admin: doors.admin.map(|door| tokio::spawn(door.serve(Doorway::new(standing, admin_routes), stop_main.called()))),
            helpers: vec![maintain, surroundings, probe, teller, sealer],
            refresher,
            sender,
            stop_main,
            stop_ops,
        }
    }

    /// Another task that runs until the doors are closed.
    fn beside(mut self, helper: JoinHandle<()>) -> Self {
        self.helpers.push(helper);
        self
    }

    /// Waits for a signal, then stops in order: no new traffic, what is under way finishes, operators are answered to the end, and the database
    /// is closed last. A second signal cuts it short.
    pub(crate) async fn until_stopped(mut self, built: &Built, signals: &mut StopSignals) -> Result<(), Failure> {
        let ended = tokio::select! {
            () = signals.next() => Ok(()),
            ended = &mut self.main => Err(ended_early("the main listener", ended)),
            ended = &mut self.ops => Err(ended_early("the operators' listener", ended)),
            ended = ended_of(&mut self.admin) => Err(ended_early("the admin API's listener", ended)),
        };
        info!("stopping: what is under way is finished");
        built.standing.house().set_draining();
        tell_systemd(NotifyState::Stopping);
        self.stop_main.call();
        if ended.is_ok() {
            let stopped = tokio::select! {
                drained = self.drain(built) => drained,
                () = signals.next() => Err(Failure::Plain("told to stop a second time: requests under way were cut off".into())),
            };
            built.store.close().await;
            return stopped.inspect(|()| info!("stopped"));
        }
        built.store.close().await;
        ended
    }

    async fn drain(&mut self, built: &Built) -> Result<(), Failure> {
        let main = (&mut self.main).await;
        let admin = match &mut self.admin {
            Some(admin) => admin.await,
            None => Ok(Ok(())),
        };
        let _ = (&mut self.refresher).await;
        let _ = (&mut self.sender).await;
        self.stop_ops.call();
        let ops = (&mut self.ops).await;
        for helper in &self.helpers {
            helper.abort();
        }
        if let Err(error) = built.gateway().write_uses().await {
            error!(%error, "when keys and secrets were used last could not be written");
        }
        if let Err(error) = built.gateway().write_statistics(true).await {
            error!(%error, "the statistics of the last minute could not be written");
        }
        for (name, ended) in [("the main listener", main), ("the admin API's listener", admin), ("the operators' listener", ops)] {
            if !matches!(ended, Ok(Ok(()))) {
                return Err(ended_early(name, ended));
            }
        }
        Ok(())
    }
}

/// How a listener ended; never, where there is none.
async fn ended_of(listener: &mut Option<JoinHandle<io::Result<()>>>) -> Result<io::Result<()>, tokio::task::JoinError> {
    match listener {
        Some(listener) => listener.await,
        None => std::future::pending().await,
    }
}

fn ended_early(who: &str, ended: Result<io::Result<()>, tokio::task::JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::Plain(format!("{who} ended by itself")),
        Ok(Err(error)) => Failure::io(format!("{who} failed"), error),
        Err(_) => Failure::Plain(format!("{who} broke down; the log says where")),
    }
}

/// `systemctl reload` and `kill -HUP`: the configuration and the certificates are read again.
fn reload_on_hangup(standing: Arc<Standing>) -> Result<JoinHandle<()>, Failure> {
    let mut hangups = signal(SignalKind::hangup()).map_err(|error| Failure::io("signals can't be handled", error))?;
    Ok(tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tell_systemd_of_reload();
            let gateway = standing.house().gateway().clone();
            let witness = Witness { now: gateway.clock().now(), source: Source::default(), trace_id: None };
            // What is wrong was logged where it was found.
            if let Ok(change) = gateway.reload_configuration(&witness, &Actor::System).await {
                for waits in &change.awaiting_restart {
                    warn!(setting = %waits, "{waits} is written differently than it holds, and waits for a restart");
                }
            }
            tell_systemd(NotifyState::Ready);
        }
    }))
}

/// What `vestibule dev` left has a demo app with a secret in plain sight and accounts that nobody proved.
pub(crate) fn refuse_leftovers(config: &Config) -> Result<(), Faults> {
    let made_by_dev = config.store.sqlite_file().and_then(Path::parent).is_some_and(dev::is_data_folder);
    if !made_by_dev {
        return Ok(());
    }
    Err(Fault {
        origin: None,
        key: "store.url".into(),
        message: "is a database that `vestibule dev` made, with a demo app and pretend people in it; begin with another".into(),
        add: vec!["[store]".into(), "url = \"sqlite:///var/lib/vestibule/vestibule.db\"".into()],
    }
    .into())
}
