//! What a resource says of itself (RFC 9728 §2): who gives tokens for it, and how they are sent.

use serde::Serialize;

/// Where the metadata of resources lies: inserted before the path of the resource (§3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Metadata of one of our own resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct ResourceMetadata {
    /// The resource's own address, which clients compare as a string (§3.3).
    pub resource: String,
    /// Absent where tokens of an authorization server open nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub scopes_supported: &'static [&'static str],
    pub bearer_methods_supported: &'static [&'static str],
    pub resource_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
}

/// The userinfo endpoint of `issuer`.
pub fn userinfo_metadata(issuer: &str) -> ResourceMetadata {
    ResourceMetadata {
        resource: format!("{}/userinfo", issuer.trim_end_matches('/')),
        authorization_servers: vec![issuer.to_owned()],
        scopes_supported: crate::metadata::SCOPES,
        bearer_methods_supported: &["header", "body"],
        resource_name: "Userinfo",
        resource_documentation: None,
    }
}

/// The admin API of `issuer`. Keys that operators make open it, and no token of an authorization server.
pub fn admin_metadata(issuer: &str) -> ResourceMetadata {
    let resource = format!("{}/api/v1", issuer.trim_end_matches('/'));
    ResourceMetadata {
        authorization_servers: Vec::new(),
        scopes_supported: &[],
        bearer_methods_supported: &["header"],
        resource_name: "Admin API",
        resource_documentation: Some(format!("{resource}/explorer")),
        resource,
    }
}
