//! `vestibule doctor`: looks at everything a gateway leans on, from where it runs, and says what to do about what is wrong. It changes nothing.

mod finding;
mod inside;
mod outside;

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};
use vestibule_domain::ports::IdentityProvider;
use vestibule_flows::Gateway;

use self::finding::{Finding, Report};
use crate::{
    cli::OfGateway,
    config::{Config, fault::Faults},
    failure::Failure,
    onlooker::{Found, Onlooker, said},
    wire,
};

/// How long anything may take: what takes longer keeps people waiting, too.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks, and tells.
pub(crate) async fn doctor(options: &OfGateway) -> Result<(), Failure> {
    let report = Report::new(look(&options.config).await);
    report.print(options.json)?;
    match report.failed() {
        0 => Ok(()),
        1 => Err(Failure::Plain("one thing fails".into())),
        many => Err(Failure::Plain(format!("{many} things fail"))),
    }
}

async fn look(path: &Path) -> Vec<Finding> {
    let (config, onlooker, mut findings) = match read(path) {
        Ok(read) => read,
        Err(findings) => return findings,
    };
    let onlooker = Arc::new(onlooker);
    let (inside, (outside, certificate, clock)) = tokio::join!(inside::look(&onlooker), outside::look(&config));
    // What we publish is known only with the keys of the database.
    let gateway = inside.opened.as_ref().map(|opened| opened.gateway.clone());
    findings.extend(outside::as_served(&config, outside, gateway.as_ref()));
    findings.extend([certificate, clock].into_iter().flatten());
    findings.extend(inside.findings);
    findings.extend(providers(&onlooker, gateway.as_ref()).await);
    if let Some(opened) = inside.opened {
        opened.store.close().await;
    }
    findings
}

/// The configuration first: without it nothing else is known.
fn read(path: &Path) -> Result<(Arc<Config>, Onlooker, Vec<Finding>), Vec<Finding>> {
    let name = "configuration";
    let refused = |faults: &Faults| -> Vec<Finding> {
        let told = |fault: &crate::config::fault::Fault| {
            Finding::fail(name, fault.to_string(), "mend it where it stands; `vestibule config check` reads it again")
        };
        faults.0.iter().map(told).collect()
    };
    let config = Config::load(Some(path)).map_err(|faults| refused(&faults))?;
    let (onlooker, faults) = Onlooker::of(config).map_err(|faults| refused(&faults))?;
    let mut findings = vec![Finding::ok(name, format!("{} is good", path.display()))];
    let advice = "everybody else's sign-in goes on without it; mend its file and reload";
    findings.extend(faults.0.iter().map(|fault| Finding::warn(name, fault.to_string(), advice)));
    Ok((onlooker.config.clone(), onlooker, findings))
}

/// Whether what each provider publishes can be had and is good, all of them at once.
async fn providers(onlooker: &Onlooker, gateway: Option<&Gateway>) -> Vec<Finding> {
    let all = match gateway {
        Some(gateway) => match gateway.providers().await {
            Ok(providers) => providers.all().iter().map(|provider| Found::of(provider)).collect(),
            Err(_) => onlooker.fixed(),
        },
        None => onlooker.fixed(),
    };
    if all.is_empty() {
        return vec![Finding::warn(
            "providers",
            "there is none, so nobody can sign in",
            "add [[providers]] to the configuration, or make one by the admin API",
        )];
    }
    let mut looks = JoinSet::new();
    for (number, found) in all.into_iter().enumerate() {
        looks.spawn(async move { (number, provider(&found).await) });
    }
    let mut findings = Vec::new();
    while let Some(looked) = looks.join_next().await {
        findings.extend(looked.ok());
    }
    findings.sort_by_key(|(number, _)| *number);
    findings.into_iter().flat_map(|(_, findings)| findings).collect()
}

async fn provider(found: &Found) -> Vec<Finding> {
    let name = format!("provider {}", found.id);
    let adapter: &Arc<dyn IdentityProvider> = match &found.made {
        Ok(adapter) => adapter,
        Err(faults) => {
            return vec![Finding::fail(name, format!("can't be used: {}", said(faults).join("; ")), "mend its settings where they stand")];
        }
    };
    if found.disabled {
        return vec![Finding::ok(name, "is disabled, and not asked")];
    }
    let checked = match timeout(PATIENCE, adapter.check()).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(error)) => {
            return vec![Finding::fail(name, error.to_string(), format!("`vestibule provider test {}` looks closer", found.id))];
        }
        Err(_) => return vec![Finding::fail(name, "does not answer within two seconds", "look at the network between here and there")],
    };
    let facts: Vec<_> = checked.facts.iter().map(|(what, found)| format!("{what} {found}")).collect();
    let mut findings =
        vec![Finding::ok(&name, if facts.is_empty() { "publishes nothing that could be looked at".into() } else { facts.join(", ") })];
    findings.extend(
        checked
            .warnings
            .iter()
            .map(|warning| Finding::warn(&name, warning, format!("`vestibule provider test {}` looks closer", found.id))),
    );
    let expires = checked.secret_expires.map(|expires| {
        finding::ends(&name, "our secret there", expires, wire::clock().now(), "make another one there and write it into the configuration")
    });
    findings.extend(expires);
    findings
}
