//! Tokens of upstreams, sealed.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    account::{LinkKey, UpstreamTokens},
    secret::Sealed,
};

use super::moment;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upstream_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) issuer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) subject: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) expires: Option<i64>,
    pub(crate) received: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The tokens of `link`, which is what the row was found by.
    pub(crate) fn into_domain(self, link: LinkKey) -> UpstreamTokens {
        UpstreamTokens { link, sealed: Sealed(self.sealed), expires: self.expires.map(moment), received: moment(self.received) }
    }
}
