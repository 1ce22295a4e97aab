//! Whether a registration fits the profile that it asks for. What the profile demands and a registration can't contradict is demanded in
//! [`crate::profile`] instead.

use std::collections::BTreeSet;

use super::{Draft, Faults};
use crate::{
    client::{AuthMethod, GrantType},
    profile::{FAPI2_ALGS, FAPI2_METHODS, Profile},
    redirect::RegisteredUri,
};

pub(super) fn check(
    draft: &Draft,
    method: Option<AuthMethod>,
    grant_types: &BTreeSet<GrantType>,
    redirect_uris: &[RegisteredUri],
    faults: &mut Faults,
) -> Option<Profile> {
    let profile = faults.one_of::<Profile>("/profile", draft.profile.as_deref()?, Profile::ALL)?;
    match profile {
        Profile::Fapi2 => fapi2(draft, method, grant_types, redirect_uris, faults),
    }
    Some(profile)
}

/// FAPI 2.0 Security Profile §5.3.2, §5.4.
fn fapi2(
    draft: &Draft,
    method: Option<AuthMethod>,
    grant_types: &BTreeSet<GrantType>,
    redirect_uris: &[RegisteredUri],
    faults: &mut Faults,
) {
    if method.is_some_and(|method| !FAPI2_METHODS.contains(&method)) {
        let message = "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth under the profile fapi2";
        faults.add("/token_endpoint_auth_method", message);
    }
    if !draft.dpop_bound_access_tokens && !draft.certificate_bound_access_tokens {
        let message = "needs dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens: its tokens are bound to their sender";
        faults.add("/profile", message);
    }
    for (pointer, is_on) in [("/legacy_oauth", draft.legacy_oauth), ("/require_pkce", !draft.require_pkce)] {
        if is_on {
            faults.add(pointer, "gives up what the profile fapi2 demands");
        }
    }
    for (at, uri) in redirect_uris.iter().enumerate() {
        if !uri.as_str().starts_with("https://") {
            faults.add(&format!("/redirect_uris/{at}"), "must be an https address under the profile fapi2");
        }
    }
    if grant_types.iter().any(|grant| matches!(grant, GrantType::DeviceCode | GrantType::TokenExchange)) {
        faults.add("/grant_types", "can be authorization_code, refresh_token and client_credentials under the profile fapi2");
    }
    let algs = [
        ("/id_token_signed_response_alg", Some(&draft.id_token_alg)),
        ("/access_token_signed_response_alg", Some(&draft.access_token_alg)),
        ("/userinfo_signed_response_alg", draft.userinfo_alg.as_ref()),
        ("/introspection_signed_response_alg", draft.introspection_alg.as_ref()),
        ("/token_endpoint_auth_signing_alg", draft.assertion_alg.as_ref()),
        ("/request_object_signing_alg", draft.request_object_alg.as_ref()),
    ];
    for (pointer, alg) in algs {
        if alg.is_some_and(|alg| !FAPI2_ALGS.iter().any(|fine| fine.as_str() == alg)) {
            faults.add(pointer, "must be PS256, ES256 or EdDSA under the profile fapi2");
        }
    }
}
