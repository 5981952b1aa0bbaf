//! The transport zone that a name leads to.

/// A transport zone of NSX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its id.
    pub id: String,
    /// Its name, which several may have.
    pub name: String,
    /// Networks of instances can be in it: it is no VLAN zone.
    pub overlay: bool,
}

/// Why a name leads to no transport zone that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There is none.
    #[error("NSX has no transport zone `{wanted}`; it has: {known}")]
    None {
        /// The name or id.
        wanted: String,
        /// The names of those that there are.
        known: String,
    },
    /// There are several.
    #[error("NSX has {count} transport zones `{wanted}`; give the id of one instead")]
    Several {
        /// The name.
        wanted: String,
        /// How many.
        count: usize,
    },
    /// It is a VLAN zone.
    #[error(
        "the transport zone `{0}` is for VLANs; instances need networks of their own, so name a zone of the type overlay"
    )]
    Vlan(String),
}

/// The zone of a name or id.
///
/// # Errors
/// When there is none, several, or it is of the wrong type.
pub fn find_zone<'a>(zones: &'a [Zone], wanted: &str) -> Result<&'a Zone, ZoneError> {
    let by_id = zones.iter().find(|zone| zone.id == wanted);
    let named: Vec<&Zone> = zones.iter().filter(|zone| zone.name == wanted).collect();
    let zone = match (by_id, named.as_slice()) {
        (Some(zone), _) => zone,
        (None, [zone]) => *zone,
        (None, []) => {
            let mut known: Vec<String> = zones.iter().map(|zone| format!("`{}`", zone.name)).collect();
            known.sort();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ZoneError::None { wanted: wanted.to_owned(), known });
        }
        (None, several) => {
            return Err(ZoneError::Several { wanted: wanted.to_owned(), count: several.len() });
        }
    };
    if zone.overlay { Ok(zone) } else { Err(ZoneError::Vlan(wanted.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str, name: &str, overlay: bool) -> Zone {
        Zone { id: id.to_owned(), name: name.to_owned(), overlay }
    }

    #[test]
    fn a_zone_is_found_by_name_or_id_and_nothing_is_guessed() {
        let zones = [
            zone("1", "overlay", true),
            zone("2", "twin", true),
            zone("3", "twin", true),
            zone("4", "vlan", false),
        ];
        let found = |wanted| find_zone(&zones, wanted).map(|zone| zone.id.as_str());
        assert_eq!((found("overlay"), found("3")), (Ok("1"), Ok("3")));
        assert_eq!(found("twin"), Err(ZoneError::Several { wanted: "twin".to_owned(), count: 2 }));
        assert_eq!(found("vlan"), Err(ZoneError::Vlan("vlan".to_owned())));
        let none = found("gone").unwrap_err().to_string();
        assert_eq!(none, "NSX has no transport zone `gone`; it has: `overlay`, `twin`, `twin`, `vlan`");
        assert!(find_zone(&[], "gone").unwrap_err().to_string().ends_with("it has: none"));
    }
}
