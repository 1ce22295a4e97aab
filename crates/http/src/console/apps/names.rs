//! What apps are called, for pages that are about something else.

use std::collections::{BTreeMap, BTreeSet};

use askama::{Template, filters::HtmlSafe};
use vestibule_domain::operator::{AdminArea, Operator};
use vestibule_flows::AdminFault;

use crate::{house::House, pages::visible};

/// What some apps are called, as far as an operator may know.
#[derive(Default)]
pub(crate) struct AppNames(BTreeMap<String, String>);

impl AppNames {
    /// The names of the apps of these ids, each looked up once.
    pub(crate) async fn of(house: &House, operator: &Operator, ids: BTreeSet<String>) -> Result<Self, AdminFault> {
        let mut names = BTreeMap::new();
        if !operator.sees(AdminArea::Clients) {
            return Ok(Self::default());
        }
        for id in ids {
            match house.gateway.client(&id).await {
                Ok(client) => names.insert(id, visible(&client.name, 100)),
                Err(AdminFault::NotFound) => None,
                Err(fault) => return Err(fault),
            };
        }
        Ok(Self(names))
    }

    /// The name of one; nothing for one that is gone.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// One as a page shows it.
    pub(crate) fn shown(&self, id: &str) -> AppName {
        AppName { name: self.name(id).map(str::to_owned), id: visible(id, 300) }
    }

    /// One in the midst of text.
    pub(crate) fn told(&self, id: &str) -> String {
        self.name(id).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
    }
}

/// An app by its name, with its id in small; by its id alone where there is no name.
#[derive(Template)]
#[template(
    source = "{% if let Some(name) = name %}<bdi>{{ name }}</bdi> <span class=\"sub mono\">{{ id }}</span>{% else %}<bdi>{{ id }}</bdi>{% endif %}",
    ext = "html"
)]
pub(crate) struct AppName {
    name: Option<String>,
    id: String,
}

impl HtmlSafe for AppName {}
