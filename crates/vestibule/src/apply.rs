//! `vestibule apply`: apps and providers as files describe them.
//!
//! First everything is read, and the gateway itself tries each thing without doing it: the plan is what it says would change and what it would refuse. Then,
//! when the plan is accepted, one thing after the other is done. Whatever ends it in the middle, the next run finds the rest.

mod contract;
mod declared;
mod plan;

use std::collections::BTreeSet;

use serde_json::Value;

use self::{
    contract::Contract,
    declared::{Declared, Found, Kind, declared},
    plan::{Action, Change, Plan, Step},
};
use crate::{
    cli::ApplyOptions,
    failure::Failure,
    print,
    progress::Progress,
    remote::{Answer, Ask, Problem, Remote, Secrets, confirm, confirm_count, raced},
};

/// Plans, asks and does.
pub(crate) async fn apply(options: &ApplyOptions) -> Result<(), Failure> {
    let found = declared(&options.files)?;
    let remote = Remote::new(&options.at)?;
    let mut secrets = Secrets::into(options.secrets_dir.as_deref().filter(|_| !options.dry_run))?;
    let plan = Planner { remote: &remote, options, coming: BTreeSet::new() }.plan(found).await?;
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
    let removed = plan.count(Action::Delete);
    if let Some(said) = options.removals.filter(|said| *said != removed) {
        return Err(Failure::Plain(format!("{removed} would be removed, and --removals says {said}; nothing was done")));
    }
    if let Some(count) = plan.most_of_it().filter(|_| options.removals.is_none()) {
        confirm_count(&format!("{count} of {} that {} kept would be removed.", plan.kept, options.managed_by), count)?;
    }
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
    /// Providers that files declare and the gateway does not have yet: apps may name them, since they are made first.
    coming: BTreeSet<String>,
}

impl Planner<'_> {
    async fn plan(mut self, found: Found) -> Result<Plan, Failure> {
        let contract = Contract::of(self.remote).await?;
        self.remote.can_rehearse().await?;
        let Found { declared, files } = found;
        let bar = Progress::of(declared.len() as u64, "planning");
        let (mut steps, mut gone, mut kept) = (Vec::<Step>::new(), Vec::new(), 0);
        for kind in Kind::ALL {
            let present = self.remote.all(Ask::get(&[kind.path()])).await?;
            let is_there = |id: &str| present.iter().any(|each| each[kind.id()].as_str() == Some(id));
            if kind == Kind::Provider {
                let coming = declared.iter().filter(|one| one.kind == kind && !is_there(&one.id));
                self.coming = coming.map(|one| one.id.clone()).collect();
            }
            for one in declared.iter().filter(|one| one.kind == kind) {
                let faults = contract.faults(one);
                let step = match (faults.is_empty(), is_there(&one.id)) {
                    // What is no field is told with the one that was meant; the gateway would say less.
                    (false, _) => Step { faults, ..create(one, &contract) },
                    (true, true) => self.change(one).await?,
                    (true, false) => Step { faults: self.rehearse(one, None).await?.err().unwrap_or_default(), ..create(one, &contract) },
                };
                steps.push(step);
                bar.one();
            }
            let ours = present.iter().filter(|each| keeper(kind, each) == Some(self.options.managed_by.as_str()));
            let ours: Vec<_> = ours.filter_map(|each| each[kind.id()].as_str()).collect();
            kept += ours.len();
            let ids = ours.into_iter().filter(|id| declared.iter().all(|one| one.kind != kind || one.id != *id));
            gone.extend(ids.map(|id| (kind, id.to_owned())));
        }
        bar.end();
        if self.options.prune && files == 0 && !gone.is_empty() {
            return Err(Failure::Plain(
                "no file was read, so that --prune would remove everything; is it the right folder? Nothing was done".into(),
            ));
        }
        let mut left = Vec::new();
        // What refers to something goes before it.
        for (kind, id) in gone.into_iter().rev() {
            if self.options.prune {
                steps.push(self.delete(kind, &id).await?);
            } else {
                left.push(format!("{} {id}", kind.name()));
            }
        }
        Ok(Plan { steps, left, kept })
    }

    async fn change(&self, one: &Declared) -> Result<Step, Failure> {
        let present = self.remote.call(Ask::get(&[one.kind.path(), &one.id])).await?;
        let (one, shut) = one.beside(&present.body);
        let step =
            Step { body: one.body.clone(), etag: present.etag.clone(), shut, ..Step::new(one.kind, &one.id, &one.file, Action::Keep) };
        let ours = self.options.managed_by.as_str();
        if let Some(file) = present.body["managed_by"]["file"].as_str() {
            return Ok(step.refused(vec![format!("it stands in the gateway's configuration, in {file}, and is changed there")]));
        }
        if let Some(keeper) = keeper(one.kind, &present.body).filter(|keeper| *keeper != ours && !self.options.past.force) {
            return Ok(step.refused(vec![format!("the files of {keeper} keep it; --force takes it over")]));
        }
        Ok(match self.rehearse(&one, Some(&present)).await? {
            Ok(changes) if changes.is_empty() => step,
            Ok(changes) => Step { action: Action::Change, changes, ..step },
            Err(faults) => step.refused(faults),
        })
    }

    async fn delete(&self, kind: Kind, id: &str) -> Result<Step, Failure> {
        let etag = self.remote.call(Ask::get(&[kind.path(), id])).await?.etag;
        let tried = self.remote.call(delete(self.options, kind, id, etag.as_deref()).query("dry_run", Some("true"))).await;
        let step = Step { etag, ..Step::new(kind, id, "", Action::Delete) };
        Ok(match refusals(tried)? {
            Ok(_) => step,
            Err(problem) => step.refused(problem.sentences()),
        })
    }

    /// What the gateway itself says would change, or why it would refuse.
    async fn rehearse(&self, one: &Declared, present: Option<&Answer>) -> Result<Result<Vec<Change>, Vec<String>>, Failure> {
        let tried = async |body: &Value| {
            let ask = match present {
                None => new(self.options, one.kind, &one.id, body),
                Some(present) => put(self.options, one.kind, &one.id, body, present.etag.as_deref()),
            };
            refusals(self.remote.call(ask.query("dry_run", Some("true"))).await)
        };
        let problem = match tried(&one.body).await? {
            Ok(answer) => return Ok(Ok(plan::changes(&answer.body))),
            Err(problem) => problem,
        };
        let coming = |pointer: &str| one.body.pointer(pointer).and_then(Value::as_str).is_some_and(|id| self.coming.contains(id));
        let places: Vec<_> = problem.pointers().filter(|pointer| coming(pointer)).collect();
        if places.is_empty() || places.len() < problem.pointers().count() {
            return Ok(Err(problem.sentences_but(&places)));
        }
        // Nothing is wrong but that it names what this plan makes before: the rest is tried without those names.
        let rest = without(&one.body, &places);
        Ok(match tried(&rest).await? {
            Ok(answer) => {
                let fields: BTreeSet<_> = places.iter().filter_map(|pointer| pointer.split('/').nth(1)).collect();
                let named = fields.iter().map(|field| {
                    let before = present.map(|present| present.body[*field].clone()).unwrap_or_default();
                    Change::new(field, before, one.body[*field].clone())
                });
                let others = plan::changes(&answer.body).into_iter().filter(|change| !fields.contains(change.top()));
                Ok(others.chain(named).collect())
            }
            Err(problem) => Err(problem.sentences()),
        })
    }
}

/// A refusal of the gateway's is part of the plan; whatever else goes wrong ends it.
fn refusals(answer: Result<Answer, Failure>) -> Result<Result<Answer, Problem>, Failure> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(Failure::Problem(problem)) if problem.is_about_what_was_sent() => Ok(Err(*problem)),
        Err(failure) => Err(failure),
    }
}

/// The same without the items of lists that these pointers lead into.
fn without(body: &Value, pointers: &[&str]) -> Value {
    let mut rest = body.clone();
    let mut places: Vec<(&str, usize)> = Vec::new();
    for pointer in pointers {
        let mut parts = pointer.split('/').skip(1);
        if let (Some(field), Some(at)) = (parts.next(), parts.next().and_then(|at| at.parse().ok())) {
            places.push((field, at));
        }
    }
    places.sort_unstable();
    places.dedup();
    for (field, at) in places.into_iter().rev() {
        if let Some(items) = rest[field].as_array_mut().filter(|items| at < items.len()) {
            items.remove(at);
        }
    }
    rest
}

fn create(one: &Declared, contract: &Contract) -> Step {
    let is_known = |name: &str| contract.knows(one.kind, name);
    let step = Step::new(one.kind, &one.id, &one.file, Action::Create).with_fields(&one.body, is_known);
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

fn delete<'a>(options: &'a ApplyOptions, kind: Kind, id: &'a str, etag: Option<&'a str>) -> Ask<'a> {
    Ask::delete(&[kind.path(), id]).if_match(etag).query("managed_by", Some(&options.managed_by))
}

async fn carry_out(remote: &Remote, options: &ApplyOptions, plan: &Plan, secrets: &mut Secrets) -> Result<(), Failure> {
    let todo: Vec<_> = plan.steps.iter().filter(|step| step.action != Action::Keep).collect();
    let bar = Progress::of(todo.len() as u64, "applying");
    for (at, step) in todo.iter().enumerate() {
        let etag = step.etag.as_deref();
        let ask = match step.action {
            Action::Create => new(options, step.kind, &step.id, &step.body),
            Action::Change | Action::Keep => put(options, step.kind, &step.id, &step.body, etag),
            Action::Delete => delete(options, step.kind, &step.id, etag),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_something_that_is_yet_to_come_is_left_out_item_by_item() {
        let body = json!({ "allowed_providers": ["a", "corp", "b"], "upstream_tokens": [{ "provider": "corp" }], "client_name": "App" });
        let rest = without(&body, &["/allowed_providers/1", "/upstream_tokens/0/provider", "/client_name", "/allowed_providers/9"]);
        assert_eq!(rest, json!({ "allowed_providers": ["a", "b"], "upstream_tokens": [], "client_name": "App" }));
    }
}
