//! Device authorization (RFC 8628): what a device without a browser asked for, and what a person said to it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{OAuthError, OAuthErrorCode},
    ids::{ClientId, LoginId},
    ports::Entropy,
    resource::Resources,
    scope::Scopes,
    secret::Digest,
    time::Timestamp,
};

/// How long a person has, from the device's question to their answer (RFC 8628 §3.2: `expires_in`).
pub const EXPIRES_IN: Duration = Duration::from_mins(10);

/// How long a device waits between two questions, and what each impatient one adds (RFC 8628 §3.5).
pub const INTERVAL: Duration = Duration::from_secs(5);

/// No device waits longer than that, however impatient it was: a minute keeps the load away as well as an hour would.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// Networks delay one question more than another; one that comes so little early is no impatience.
const JITTER: Duration = Duration::from_secs(1);

const LENGTH: usize = 8;

/// What a person reads off a device and types: eight of twenty consonants (RFC 8628 §6.1), which make no words and are hard to take for one another.
/// 34.5 bits, so guesses must be counted (§5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

    /// More than anybody types; a bound on what a stranger can make us look at.
    const LONGEST_TYPED: usize = 64;

    /// A new code. Bytes that would make some letters likelier than others are thrown away.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut code = [0; LENGTH];
        for letter in &mut code {
            let mut byte = [u8::MAX];
            while byte[0] >= 240 {
                entropy.fill(&mut byte);
            }
            *letter = Self::LETTERS[usize::from(byte[0] % 20)];
        }
        Self(code)
    }

    /// What was typed, if it can be a code: in any case, with whatever else stands between the letters (RFC 8628 §6.1).
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > Self::LONGEST_TYPED {
            return None;
        }
        let mut letters = typed.bytes().map(|byte| byte.to_ascii_uppercase()).filter(|byte| Self::LETTERS.contains(byte));
        let mut code = [0; LENGTH];
        for letter in &mut code {
            *letter = letters.next()?;
        }
        letters.next().is_none().then_some(Self(code))
    }

    /// The letters alone.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// As it is shown: `WDJB-MJHT`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.0.iter().enumerate() {
            if at == LENGTH / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// Whoever reads it off a log could answer in the person's place.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

impl TryFrom<String> for UserCode {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a user code")
    }
}

impl From<UserCode> for String {
    fn from(code: UserCode) -> Self {
        code.to_string()
    }
}

/// What a device asked for. Kept under the digest of its `device_code`, which only the device has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Whose device it is; nobody else's may ask for the answer.
    pub client: ClientId,
    /// What it asked for.
    pub scopes: Scopes,
    /// For which resources (RFC 8707).
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// When.
    pub asked: Timestamp,
    /// From where; the person is shown the network it lies in.
    pub from: Option<IpAddr>,
    /// When it is too late.
    pub expires: Timestamp,
    /// Ties the audit events together.
    pub login: LoginId,
    /// How far it is.
    pub state: DeviceState,
}

/// How far a device's request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Nobody has answered yet.
    Waiting,
    /// Somebody said yes. The digest is that of a code whose text nobody ever saw: it is redeemed by whoever has the `device_code`, and like any
    /// other it is good once, and only while the session in which it was made stands.
    Allowed(Digest),
    /// Somebody said no.
    Denied,
}

/// Why a device gets no tokens now (RFC 8628 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceFault {
    /// Another client's, or never made.
    Unknown,
    /// Nobody has answered yet.
    Pending,
    /// It asked again too soon.
    TooSoon,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time, or the device did not ask.
    Expired,
}

impl DeviceRequest {
    /// Whether a person can still answer.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == DeviceState::Waiting && now < self.expires
    }

    /// What `client` gets for the device code: the code to redeem, once somebody said yes.
    pub fn answer(&self, client: &ClientId, now: Timestamp) -> Result<Digest, DeviceFault> {
        if self.client != *client {
            return Err(DeviceFault::Unknown);
        }
        match self.state {
            DeviceState::Denied => Err(DeviceFault::Denied),
            _ if now >= self.expires => Err(DeviceFault::Expired),
            DeviceState::Waiting => Err(DeviceFault::Pending),
            DeviceState::Allowed(code) => Ok(code),
        }
    }
}

impl DeviceFault {
    /// What the device is told.
    pub fn to_oauth(self) -> OAuthError {
        use OAuthErrorCode as Code;
        match self {
            Self::Unknown => OAuthError::invalid_grant("this device_code is not known"),
            Self::Pending => OAuthError::new(Code::AuthorizationPending, "the person has not answered yet; ask again after the interval"),
            Self::TooSoon => OAuthError::new(Code::SlowDown, "asked again too soon; wait 5 seconds longer than before from now on"),
            Self::Denied => OAuthError::new(Code::AccessDenied, "the person said no"),
            Self::Expired => OAuthError::new(Code::ExpiredToken, "nobody answered in time; begin anew"),
        }
    }
}

/// How often one device asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    asked: Timestamp,
    interval: Duration,
}

impl Pace {
    /// The pace of a device that asks for the first time.
    pub fn begin(now: Timestamp) -> Self {
        Self { asked: now, interval: INTERVAL }
    }

    /// The pace after one more question, and whether that came in time. Whoever comes too soon waits 5 seconds longer from then on (RFC 8628 §3.5).
    #[must_use]
    pub fn asks(self, now: Timestamp) -> (Self, bool) {
        let in_time = now.since(self.asked) + JITTER >= self.interval;
        let interval = if in_time { self.interval } else { (self.interval + INTERVAL).min(LONGEST_INTERVAL) };
        (Self { asked: now, interval }, in_time)
    }
}

/// The network an address lies in, as a person is shown it: enough to tell one's own from a stranger's, and not where exactly the device stands.
pub fn network_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{}/24", Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(ip) => format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives the same bytes again and again.
    struct Bytes(std::sync::Mutex<Vec<u8>>);

    impl Entropy for Bytes {
        fn fill(&self, bytes: &mut [u8]) {
            let mut given = self.0.lock().unwrap();
            for byte in bytes {
                *byte = given.remove(0);
            }
        }
    }

    proptest! {
        #[test]
        fn rfc_8628_section_6_1_a_code_reads_the_same_however_it_is_typed(
            letters in "[BCDFGHJKLMNPQRSTVWXZ]{8}", junk in proptest::collection::vec("[ -.,/_0-9aeiouyAEIOUY\u{2010}\u{a0}]{0,3}", 9), lower in any::<u8>(),
        ) {
            let code = UserCode::parse(&letters).unwrap();
            let mut typed = junk[0].clone();
            for (at, letter) in letters.chars().enumerate() {
                typed.push(if lower >> at & 1 == 1 { letter.to_ascii_lowercase() } else { letter });
                typed.push_str(&junk[at + 1]);
            }
            prop_assert_eq!(UserCode::parse(&typed), Some(code).filter(|_| typed.len() <= 64));
            prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
            prop_assert_eq!(serde_json::from_str::<UserCode>(&serde_json::to_string(&code).unwrap()).unwrap(), code);
        }

        #[test]
        fn anything_else_that_is_typed_is_no_code_and_no_fault(typed in "\\PC{0,100}") {
            if let Some(code) = UserCode::parse(&typed) {
                prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
            }
        }
    }

    #[test]
    fn rfc_8628_section_6_1_too_few_or_too_many_letters_are_no_code() {
        for typed in ["", "WDJB", "WDJB-MJH", "WDJB-MJHTB", "AEIO-UAEI"] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(" wdjb mjht ").unwrap().to_string(), "WDJB-MJHT");
        assert_eq!(format!("{:?}", UserCode::parse("WDJB-MJHT").unwrap()), "UserCode(..)");
    }

    #[test]
    fn rfc_8628_section_5_1_no_letter_of_a_code_is_likelier_than_another() {
        let bytes = Bytes(std::sync::Mutex::new(vec![255, 0, 240, 1, 19, 20, 239, 38, 39, 40]));
        assert_eq!(UserCode::new(&bytes).to_string(), "BCZB-ZXZB", "255 and 240 are thrown away");
    }

    #[test]
    fn rfc_8628_section_3_5_whoever_asks_too_soon_waits_longer_from_then_on() {
        let now = Timestamp::from_secs(1_800_000_000);
        let at = |seconds| now + Duration::from_secs(seconds);
        let pace = Pace::begin(now);
        let (pace, in_time) = pace.asks(at(5));
        assert!(in_time);
        let (pace, in_time) = pace.asks(at(8));
        assert!(!in_time, "3 of 5 seconds");
        let (pace, in_time) = pace.asks(at(15));
        assert!(!in_time, "7 of 10 seconds");
        let (pace, in_time) = pace.asks(at(30));
        assert!(in_time, "15 of 15 seconds");
        let (mut pace, in_time) = pace.asks(at(44));
        assert!(in_time, "a second is the network's");
        for n in 0..100 {
            pace = pace.asks(at(44 + n)).0;
        }
        assert!(pace.asks(at(143 + 60)).1, "a minute is always enough");
    }

    #[test]
    fn rfc_8628_section_3_5_a_device_hears_how_far_its_request_is() {
        let now = Timestamp::from_secs(1_800_000_000);
        let (own, other) = (ClientId::parse("tv").unwrap(), ClientId::parse("other").unwrap());
        let code = Digest([1; 32]);
        let request = |state| DeviceRequest {
            client: own.clone(),
            scopes: Scopes::default(),
            resources: Resources::default(),
            asked: now,
            from: None,
            expires: now + EXPIRES_IN,
            login: LoginId(uuid::Uuid::nil()),
            state,
        };
        let late = now + EXPIRES_IN;
        assert_eq!(request(DeviceState::Waiting).answer(&own, now), Err(DeviceFault::Pending));
        assert_eq!(request(DeviceState::Waiting).answer(&own, late), Err(DeviceFault::Expired));
        assert_eq!(request(DeviceState::Denied).answer(&own, now), Err(DeviceFault::Denied));
        assert_eq!(request(DeviceState::Denied).answer(&own, late), Err(DeviceFault::Denied));
        assert_eq!(request(DeviceState::Allowed(code)).answer(&own, now), Ok(code));
        assert_eq!(request(DeviceState::Allowed(code)).answer(&own, late), Err(DeviceFault::Expired));
        assert_eq!(request(DeviceState::Allowed(code)).answer(&other, now), Err(DeviceFault::Unknown), "bound to its client");
        assert!(!request(DeviceState::Waiting).is_open(late) && !request(DeviceState::Allowed(code)).is_open(now));
    }

    #[test]
    fn a_network_is_told_and_not_the_house_in_it() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }
}
