//! `vestibule apply`: apps and providers as files describe them.
//!
//! First everything is read and held against what the gateway has, and what can be seen to be wrong is said before anything is done. Then, when the plan is
//! accepted, one thing after the other is done, and the gateway checks each as it checks any other. Whatever ends it in the middle, the next run finds the
//! rest.

mod contract;
mod declared;
mod plan;

use serde_json::{Value, json};

use self::{
    contract::Contract,
    declared::{Declared, Kind, declared},
    plan::{Action, Plan, Step},
};
use crate::{
    cli::ApplyOptions,
    failure::Failure,
    print,
    progress::Progress,
    remote::{Ask, Remote, Secrets, confirm, raced},
};

/// Plans, asks and does.
pub(crate) async fn apply(options: &ApplyOptions) -> Result<(), Failure> {
    let declared = declared(&options.files)?;
    let remote = Remote::new(&options.at)?;
    let mut secrets = Secrets::into(options.secrets_dir.as_deref().filter(|_| !options.dry_run))?;
    let plan = Planner { remote: &remote, options }.plan(declared).await?;
    let json = options.at.json;
    if !json {
        print::text(&plan.text(remote.shown(), &options.managed_by))?;
    }
    let changes = plan.changes();
    if !plan.is_sound() || options.dry_run || changes == 0 {
        if json {
            print::json(&plan.json(false, &secrets.shown()))?;
        }
        return match plan.is_sound() {
            false => Err(Failure::Plain("the files can't be applied as they are; nothing was done".into())),
            true if options.dry_run && options.detailed_exitcode && changes > 0 => Err(Failure::WouldChange),
            true => Ok(()),
        };
    }
    let new = plan.steps.iter().filter(|step| step.kind == Kind::Client && step.action == Action::Create);
    secrets.have_room_for(new.map(|step| step.id.as_str()))?;
    confirm("Do this?", options.sure.yes)?;
    let done = carry_out(&remote, options, &plan, &mut secrets).await;
    // Secrets that were made are given away even if what came after them failed.
    if json {
        print::json(&plan.json(done.is_ok(), &secrets.shown()))?;
    } else {
        secrets.say()?;
        if done.is_ok() {
            print::text(&plan.done())?;
        }
    }
    done
}

/// Holds files against what the gateway has.
struct Planner<'a> {
    remote: &'a Remote,
    options: &'a ApplyOptions,
}

impl Planner<'_> {
    async fn plan(&self, declared: Vec<Declared>) -> Result<Plan, Failure> {
        let contract = Contract::of(self.remote).await?;
        let bar = Progress::of(declared.len() as u64, "planning");
        let (mut steps, mut gone) = (Vec::<Step>::new(), Vec::new());
        for kind in Kind::ALL {
            let present = self.remote.all(Ask::get(&[kind.path()])).await?;
            for one in declared.iter().filter(|one| one.kind == kind) {
                let there = present.iter().any(|each| each[kind.id()].as_str() == Some(one.id.as_str()));
                let step = if there { self.change(one, &contract).await? } else { create(one) };
                steps.push(Step { faults: contract.faults(one).into_iter().chain(step.faults).collect(), ..step });
                bar.one();
            }
            let ours = present.iter().filter(|each| keeper(kind, each) == Some(self.options.managed_by.as_str()));
            let ids =
                ours.filter_map(|each| each[kind.id()].as_str()).filter(|id| declared.iter().all(|one| one.kind != kind || one.id != *id));
            gone.extend(ids.map(|id| (kind, id.to_owned())));
        }
        bar.end();
        let mut left = Vec::new();
        // What refers to something goes before it.
        for (kind, id) in gone.into_iter().rev() {
            if self.options.prune {
                let etag = self.remote.call(Ask::get(&[kind.path(), &id])).await?.etag;
                steps.push(Step { etag, ..Step::new(kind, &id, "", Action::Delete) });
            } else {
                left.push(format!("{} {id}", kind.name()));
            }
        }
        Ok(Plan { steps, left })
    }

    async fn change(&self, one: &Declared, contract: &Contract) -> Result<Step, Failure> {
        let present = self.remote.call(Ask::get(&[one.kind.path(), &one.id])).await?;
        let (one, shut) = one.beside(&present.body);
        let mut step = Step { body: one.body.clone(), etag: present.etag, shut, ..Step::new(one.kind, &one.id, &one.file, Action::Keep) };
        let ours = self.options.managed_by.as_str();
        match keeper(one.kind, &present.body) {
            Some(keeper) if keeper == ours => {}
            Some(keeper) if !self.options.past.force => {
                step.faults.push(format!("the files of {keeper} keep it; --force takes it over"));
            }
            keeper => step.changed("managed_by", keeper.map_or(Value::Null, Value::from), json!(ours)),
        }
        if let Some(file) = present.body["managed_by"]["file"].as_str() {
            step.faults.push(format!("it stands in the gateway's configuration, in {file}, and is changed there"));
        }
        for (field, before, after) in contract.differences(&one, &present.body) {
            step.changed(&field, before, after);
        }
        Ok(step)
    }
}

fn create(one: &Declared) -> Step {
    let step = Step::new(one.kind, &one.id, &one.file, Action::Create).with_fields(&one.body);
    Step { body: one.body.clone(), ..step }
}

/// Which set of files keeps a thing.
fn keeper(kind: Kind, thing: &Value) -> Option<&str> {
    match kind {
        Kind::Client => thing["managed_by"].as_str(),
        Kind::Provider => thing["managed_by"]["name"].as_str(),
    }
}

fn new<'a>(options: &'a ApplyOptions, kind: Kind, id: &'a str, body: &'a Value) -> Ask<'a> {
    Ask::put(&[kind.path(), id], body).if_new().query("managed_by", Some(&options.managed_by))
}

fn put<'a>(options: &'a ApplyOptions, kind: Kind, id: &'a str, body: &'a Value, etag: Option<&'a str>) -> Ask<'a> {
    let ask = Ask::put(&[kind.path(), id], body).if_match(etag).query("managed_by", Some(&options.managed_by));
    ask.query("force", options.past.forced())
}

async fn carry_out(remote: &Remote, options: &ApplyOptions, plan: &Plan, secrets: &mut Secrets) -> Result<(), Failure> {
    let todo: Vec<_> = plan.steps.iter().filter(|step| step.action != Action::Keep).collect();
    let bar = Progress::of(todo.len() as u64, "applying");
    for (at, step) in todo.iter().enumerate() {
        let etag = step.etag.as_deref();
        let ask = match step.action {
            Action::Create => new(options, step.kind, &step.id, &step.body),
            Action::Change | Action::Keep => put(options, step.kind, &step.id, &step.body, etag),
            Action::Delete => Ask::delete(&[step.kind.path(), &step.id]).if_match(etag).query("managed_by", Some(&options.managed_by)),
        };
        let answer = match remote.call(ask).await {
            Ok(answer) => answer,
            Err(failure) => {
                bar.end();
                return Err(stopped(at, todo.len(), step, failure));
            }
        };
        if let Some(secret) = answer.body["client_secret"].as_str() {
            secrets.add(&step.id, secret);
        }
        bar.one();
        bar.aside(&format!("{} {}", step.named(), step.action.done()));
    }
    bar.end();
    Ok(())
}

/// What was done stays done; the next run finds the rest.
fn stopped(done: usize, all: usize, step: &Step, failure: Failure) -> Failure {
    let why = raced(failure).to_string();
    let why = why.trim_start_matches("error: ");
    Failure::Plain(format!("{}: {why}\n{done} of {all} steps were done and stay done; run it again to do the rest", step.named()))
}
