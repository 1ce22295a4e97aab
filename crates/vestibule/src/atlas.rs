//! Where addresses are, from a database in MaxMind's format (`.mmdb`) that the operator keeps: GeoLite2, GeoIP2, DB-IP. Nobody is asked about anybody:
//! it is read once, and looked up in memory.

use std::net::IpAddr;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use vestibule_crypto::LocalNotary;
use vestibule_domain::{
    audit::bounded_to,
    detection::{Place, Spot},
    ports::{Atlas, Notary},
    secret::Digest,
    time::Timestamp,
};

/// A database of countries, or of cities.
pub(crate) struct MaxMindAtlas {
    reader: Reader<Vec<u8>>,
    /// Of all of its bytes.
    digest: Digest,
}

/// Why a file is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AtlasFault {
    /// Not in that format.
    #[error("which is no database in MaxMind's format (.mmdb): {0}")]
    Format(#[from] MaxMindDbError),
    /// About something else.
    #[error("which is a database of the kind {0:?}; it must be one of countries or cities")]
    Kind(String),
}

/// What of an entry is read.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    country: Option<Country>,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Country {
    #[serde(default)]
    iso_code: Option<String>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    #[serde(default)]
    accuracy_radius: Option<u16>,
}

/// What is believed of an entry that does not say how exact it is, in kilometres.
const VAGUE: u16 = 100;

impl MaxMindAtlas {
    /// Reads a database.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, AtlasFault> {
        let digest = LocalNotary.hash(&bytes);
        let atlas = Self { reader: Reader::from_source(bytes)?, digest };
        let kind = atlas.kind();
        if ["City", "Country", "Enterprise", "Location"].iter().any(|known| kind.contains(known)) {
            Ok(atlas)
        } else {
            Err(AtlasFault::Kind(kind))
        }
    }

    /// Whether it is the very same database.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Which one it is, for operators: its kind, and when its makers built it.
    pub(crate) fn edition(&self) -> String {
        let built = i64::try_from(self.reader.metadata().build_epoch).unwrap_or_default();
        format!("{}, built {}", self.kind(), Timestamp::from_secs(built))
    }

    fn kind(&self) -> String {
        bounded_to(&self.reader.metadata().database_type, 80)
    }
}

impl Atlas for MaxMindAtlas {
    fn place(&self, ip: IpAddr) -> Option<Place> {
        let entry: Entry = self.reader.lookup(ip.to_canonical()).ok()?.decode().ok()??;
        let country = entry.country.and_then(|country| country.iso_code);
        let country = country.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
        let spot = entry.location.and_then(|location| {
            let (latitude, longitude) = (location.latitude?, location.longitude?);
            let is_on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
            is_on_earth.then(|| Spot { latitude, longitude, radius: location.accuracy_radius.unwrap_or(VAGUE) })
        });
        (country.is_some() || spot.is_some()).then_some(Place { country, spot })
    }
}

impl std::fmt::Debug for MaxMindAtlas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MaxMindAtlas").field(&self.edition()).finish()
    }
}

#[cfg(test)]
mod tests {
    use vestibule_testkit::mmdb;

    use super::*;

    fn place(atlas: &MaxMindAtlas, ip: &str) -> Option<Place> {
        atlas.place(ip.parse().unwrap())
    }

    #[test]
    fn an_address_is_where_the_database_says() {
        let bytes = mmdb::cities(&[("192.0.2.0/24", "DE", 52.5, 13.4), ("2001:db8::/32", "FR", 48.9, 2.4)]);
        let atlas = MaxMindAtlas::read(bytes).unwrap();
        assert_eq!(atlas.edition(), "GeoLite2-City, built 2027-01-15T08:00:00Z");
        let spot = Some(Spot { latitude: 52.5, longitude: 13.4, radius: 20 });
        let berlin = Some(Place { country: Some("DE".into()), spot });
        assert_eq!(place(&atlas, "192.0.2.7"), berlin);
        assert_eq!(place(&atlas, "::ffff:192.0.2.7"), berlin);
        assert_eq!(place(&atlas, "2001:db8:1::1").unwrap().country.as_deref(), Some("FR"));
        assert_eq!(place(&atlas, "198.51.100.7"), None);
    }

    #[test]
    fn what_is_no_place_is_left_out() {
        let atlas =
            MaxMindAtlas::read(mmdb::cities(&[("192.0.2.0/24", "de", 152.5, 13.4), ("198.51.100.0/24", "FR", f64::NAN, 2.4)])).unwrap();
        assert_eq!(place(&atlas, "192.0.2.7"), None);
        assert_eq!(place(&atlas, "198.51.100.7"), Some(Place { country: Some("FR".into()), spot: None }));
    }

    #[test]
    fn another_database_is_refused_and_so_is_none() {
        let asn = MaxMindAtlas::read(mmdb::database("GeoLite2-ASN")).unwrap_err();
        assert_eq!(asn.to_string(), "which is a database of the kind \"GeoLite2-ASN\"; it must be one of countries or cities");
        assert!(MaxMindAtlas::read(b"no such thing".to_vec()).unwrap_err().to_string().starts_with("which is no database"));
    }
}
