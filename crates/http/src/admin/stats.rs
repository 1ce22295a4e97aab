//! What the admin API tells of how often things happen.

mod objects;

use std::sync::Arc;

use poem_openapi::{ApiResponse, OpenApi, param::Query, payload::Json};
use vestibule_domain::{
    ids::{ClientId, ProviderId},
    stats::{Only, Range},
    store::StoreError,
};
use vestibule_flows::AdminFault;

use self::objects::StatsObject;
use super::{answers::refusals, key::Key, operations::Group, problem::Problem, refused::Refused, text::Text};
use crate::house::House;

pub(super) struct Stats {
    pub(super) house: Arc<House>,
}

#[OpenApi]
impl Stats {
    /// Show statistics
    ///
    /// How often people signed in, how it ended, how far it came, how fast providers and the token endpoint answered, and who was here: what the
    /// console's dashboards show. All nodes are added up; what another node counted is at most two minutes late, and so are numbers of people. Providers and
    /// apps that an operator set up are counted by name, a hundred of each; the others together, as `other`. What is not counted of a provider or an app
    /// alone is absent.
    #[oai(path = "/stats", method = "get", operation_id = "show_stats", tag = "Group::Statistics")]
    async fn show(
        &self,
        key: Key,
        /// How far back: `1h` by ten seconds, `6h` by half minutes, `24h` by five minutes, `7d` by hours, `30d` by four hours, `13mo` by days.
        #[oai(default = "usual_range")]
        range: Query<Text<Range>>,
        /// Only of the provider of this id. Not together with `client`.
        provider: Query<Option<String>>,
        /// Only of the app of this id. Not together with `provider`.
        client: Query<Option<String>>,
    ) -> Result<Shown, Refused<Showing>> {
        let range: Range = range.0.0.parse().map_err(|()| Problem::parameter("range", "must be 1h, 6h, 24h, 7d, 30d or 13mo"))?;
        let only = only(provider.0.as_deref(), client.0.as_deref())?;
        let (gateway, witness) = (&self.house.gateway, &key.0.witness);
        let report = gateway.report(witness, range, &only).await.map_err(failed)?;
        let people = if only == Only::Everything { Some(gateway.people_here(witness).await.map_err(failed)?) } else { None };
        Ok(Shown::Told(Json(StatsObject::new(report, people))))
    }
}

fn usual_range() -> Text<Range> {
    Range::Day.into()
}

fn only(provider: Option<&str>, client: Option<&str>) -> Result<Only, Problem> {
    match (provider, client) {
        (None, None) => Ok(Only::Everything),
        (Some(_), Some(_)) => Err(Problem::parameter("client", "can't be asked for together with provider: that is not counted")),
        (Some(id), None) => {
            let id = ProviderId::parse(id).map_err(|_| Problem::parameter("provider", "must be the id of a provider"))?;
            Ok(Only::Provider(id))
        }
        (None, Some(id)) => {
            let id = ClientId::parse(id).map_err(|_| Problem::parameter("client", "must be the id of a client"))?;
            Ok(Only::Client(id))
        }
    }
}

fn failed(error: StoreError) -> Problem {
    AdminFault::Store(error).into()
}

#[derive(ApiResponse)]
enum Shown {
    /// What was counted.
    #[oai(status = 200)]
    Told(Json<StatsObject>),
}

refusals! {
    Showing: [
        400 => "`invalid_parameter`: `range` is none of those, an id can't be one, or both a provider and a client are named.",
    ];
}
