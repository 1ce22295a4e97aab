//! Adapters for the `AuditSink` port: a file, a log server, a web address.
//!
//! Each hands over a batch in its order and comes back when the other side has it, as far as its protocol can tell; what is not certain is an error, and
//! sent again. Where they lie is the operator's word. A web address is reached through [`crate::egress`] as everything else is.

pub mod file;
pub mod syslog;
pub mod webhook;

use http::{Request, Response, StatusCode};
use vestibule_domain::audit::sink::{NotTaken, SinkTrouble};

use crate::egress::{Egress, EgressError};

/// Posts something to a sink by the guarded client. Any answer but one of success is a refusal, or a trouble that may pass.
pub async fn post(egress: &Egress, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, NotTaken> {
    let answer = egress.send(request).await.map_err(|error| NotTaken { trouble: trouble(error), why: error.to_string() })?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        status => Err(NotTaken { trouble: trouble_of(status), why: format!("it answered with status {}", status.as_u16()) }),
    }
}

fn trouble_of(status: StatusCode) -> SinkTrouble {
    let may_pass = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status) || status.is_server_error();
    if may_pass { SinkTrouble::Failing } else { SinkTrouble::Refused }
}

const fn trouble(error: EgressError) -> SinkTrouble {
    match error {
        EgressError::Blocked => SinkTrouble::Blocked,
        EgressError::Name | EgressError::Connect => SinkTrouble::Unreachable,
        EgressError::Timeout => SinkTrouble::Timeout,
        EgressError::Broken | EgressError::TooLarge(_) => SinkTrouble::Failing,
        EgressError::Redirect(_) => SinkTrouble::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        for (status, expected) in
            [(429, SinkTrouble::Failing), (503, SinkTrouble::Failing), (400, SinkTrouble::Refused), (410, SinkTrouble::Refused)]
        {
            assert_eq!(StatusCode::from_u16(status).map(trouble_of).ok(), Some(expected), "{status}");
        }
    }
}
