//! Access tokens that were revoked one by one.

use sea_orm::entity::prelude::*;
use uuid::Uuid;
use vestibule_domain::{ids::GrantId, token::TokenId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revoked_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) expires: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The random part, and the grant after it if there is one.
pub(crate) fn key(id: &TokenId) -> Vec<u8> {
    let mut key = id.random.to_be_bytes().to_vec();
    key.extend(id.grant.iter().flat_map(|grant| grant.0.into_bytes()));
    key
}

/// Reads what [`key`] wrote.
pub(crate) fn id(key: &[u8]) -> Option<TokenId> {
    let (random, grant) = key.split_first_chunk::<16>()?;
    let grant = match grant {
        [] => None,
        grant => Some(GrantId(Uuid::from_slice(grant).ok()?)),
    };
    Some(TokenId { grant, random: u128::from_be_bytes(*random) })
}
