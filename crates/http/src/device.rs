//! `POST /device_authorization`, where devices ask, and `/device`, where people answer (RFC 8628).

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use secrecy::ExposeSecret;
use vestibule_domain::{device::UserCode, error::OAuthError};
use vestibule_flows::{Authorized, DeviceAnswered, DeviceAsked, DeviceEntered, DeviceQuestion, DeviceStarted};
use vestibule_protocol::responses::DeviceAuthorizationResponse;

use crate::{
    authorize,
    halt::{self, moment},
    house::House,
    oauth::{self, ClientRequest},
    pages::{AskDevice, DeviceDone, EnterCode, ErrorKind, Page, PostForm},
    visit::Visit,
};

/// What a device asks.
pub(crate) async fn start(house: Arc<House>, visit: Visit) -> Response {
    match started(&house, &visit).await {
        Ok(started) => oauth::json(
            StatusCode::OK,
            &DeviceAuthorizationResponse {
                device_code: started.device_code.expose_secret().to_owned(),
                user_code: started.user_code.to_string(),
                verification_uri: started.verification_uri,
                verification_uri_complete: started.verification_uri_complete,
                expires_in: started.expires_in.as_secs(),
                interval: started.interval.as_secs(),
            },
        ),
        Err(error) => oauth::error(&error, ClientRequest::used_authorization(&visit)),
    }
}

async fn started(house: &House, visit: &Visit) -> Result<DeviceStarted, OAuthError> {
    let ClientRequest { presented, mut parameters } = ClientRequest::read(house, visit)?;
    let repeated = parameters.repeated(&["scope"]);
    let asked = DeviceAsked { scope: parameters.take("scope"), resources: parameters.take_all("resource"), repeated };
    house.gateway.start_device(&visit.witness, &presented, &asked).await
}

/// The page where the code is typed. One that a link brings stands in the field already, and the person sends it on (RFC 8628 §3.3.1).
pub(crate) async fn enter(house: Arc<House>, visit: Visit) -> Response {
    let parameters = visit.parameters().ok();
    let typed = parameters.as_ref().and_then(|parameters| parameters.get("user_code"));
    if !visit.is_post() {
        let code = typed.and_then(UserCode::parse);
        return form(&house, code.map(|code| code.to_string()), false).respond(&house.look(&visit, None));
    }
    let session = house.cookies.session(visit.headers());
    match house.gateway.enter_user_code(&visit.witness, session.as_deref(), typed.unwrap_or_default()).await {
        Ok(DeviceEntered::Unknown) => form(&house, None, true).respond(&house.look(&visit, None)),
        Ok(DeviceEntered::TooMany(seconds)) => {
            halt::page(&house, &visit, ErrorKind::TooManyRequests { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) })
        }
        Ok(DeviceEntered::SignIn(Authorized::Departed(away))) => authorize::onward(&house, &visit, &away),
        Ok(DeviceEntered::SignIn(authorized)) => authorize::respond(&house, &visit, authorized, false),
        Ok(DeviceEntered::Known(form)) => halt::see_other(&question_at(&house, &form)),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// Where the question stands whether a device may be let in.
pub(crate) fn question_at(house: &House, form: &str) -> String {
    format!("{}/device/answer?form={form}", house.prefix())
}

/// The question, and what was said to it.
pub(crate) async fn answer(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = visit.parameters().ok();
    let [sealed, said] = ["form", "answer"].map(|name| parameters.as_mut().and_then(|sent| sent.take(name)).unwrap_or_default());
    let session = house.cookies.session(visit.headers());
    let look = house.look(&visit, None);
    if !visit.is_post() {
        return match house.gateway.device_question(&visit.witness, session.as_deref(), &sealed).await {
            Ok(Some(asked)) => question(&house, &asked, sealed).respond(&look),
            Ok(None) => form(&house, None, true).respond(&look),
            Err(end) => halt::respond(&house, &visit, &end, None),
        };
    }
    // Whatever is not a clear yes is a no.
    match house.gateway.answer_device(&visit.witness, session.as_deref(), &sealed, said == "allow").await {
        Ok(Some(DeviceAnswered::Allowed { client_name })) => DeviceDone { client_name, allowed: true }.respond(&look),
        Ok(Some(DeviceAnswered::Denied { client_name })) => DeviceDone { client_name, allowed: false }.respond(&look),
        Ok(None) => form(&house, None, true).respond(&look),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

fn form(house: &House, code: Option<String>, unknown: bool) -> EnterCode {
    EnterCode { action: house.href("/device"), code, unknown }
}

fn question(house: &House, asked: &DeviceQuestion, sealed: String) -> AskDevice {
    let profile = &asked.account.profile;
    AskDevice {
        client_name: asked.client_name.clone(),
        person: profile.name.clone().or_else(|| profile.email.clone()),
        user_code: asked.user_code.to_string(),
        scopes: asked.scopes.iter().map(str::to_owned).collect(),
        asked: moment(asked.asked),
        network: asked.network.clone(),
        is_near: asked.is_near,
        form: PostForm { action: house.href("/device/answer"), fields: vec![("form", sealed)] },
    }
}
