//! NSX as a deployment names it: judged before it is used, left before another is named.

use deploy::plan::plan_unregistered;
use deploy::preflight::{Finding, Zone, ZoneError, find_zone};
use deploy::settings::{Backend, Settings};

use super::Engine;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::steps::Deadline;

impl Engine {
    /// What NSX can say against a deployment's networking: one call, and none without NSX.
    pub async fn check_nsx(&self, backend: &Backend) -> Vec<Finding> {
        let Backend::Nsx { transport_zone, .. } = backend else { return Vec::new() };
        match self.zones(backend).await {
            Err(error) => vec![unusable(&error)],
            Ok(zones) => find_zone(&zones, transport_zone).err().map(no_zone).into_iter().collect(),
        }
    }

    async fn zones(&self, backend: &Backend) -> Result<Vec<Zone>, nsx::Error> {
        match self.view.managers.client(backend)? {
            Some(client) => Ok(client.transport_zones().await?.iter().map(zone).collect()),
            None => Ok(Vec::new()),
        }
    }

    /// When the settings to come name another manager, or none, nothing may stay in the present one: who reaches it is
    /// known only until then. True when there was anything to do.
    pub(super) async fn leave_manager(
        &self,
        deployment: &Deployment,
        next: &Settings,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        let now = deployment.record().map(|record| &record.settings.backend);
        let manager = |backend: &Backend| match backend {
            Backend::Nsx { manager, .. } => Some(manager.clone()),
            Backend::Dvs => None,
        };
        if now.and_then(manager).is_none_or(|now| Some(now) == manager(&next.backend)) {
            return Ok(false);
        }
        deployment.refuse_unread_nsx()?;
        self.carry_out(&plan_unregistered(&deployment.observed), None, deployment, deadline).await?;
        Ok(true)
    }
}

/// A zone as the planner sees it.
pub(crate) fn zone(zone: &nsx::TransportZone) -> Zone {
    Zone { id: zone.id.clone(), name: zone.name.clone(), overlay: zone.transport_type != "VLAN" }
}

/// The attribute that the user would mend.
fn unusable(error: &nsx::Error) -> Finding {
    let (attribute, summary) = match error {
        nsx::Error::Config(why) if why.contains("ca_certificate_pem") => {
            ("ca_certificate_pem", "Unusable certificate of an authority")
        }
        nsx::Error::Certificate { .. } => ("ca_certificate_pem", "NSX Manager is not trusted"),
        nsx::Error::Credentials { .. } => ("password_wo", "NSX Manager refuses the password"),
        nsx::Error::Refused { status: 403, .. } => ("user", "NSX Manager refuses the user"),
        nsx::Error::Config(_)
        | nsx::Error::Connect { .. }
        | nsx::Error::Refused { .. }
        | nsx::Error::Broken { .. }
        | nsx::Error::Timeout { .. }
        | nsx::Error::Protocol { .. } => ("manager", "NSX Manager cannot be used"),
    };
    finding(attribute, summary, error)
}

fn no_zone(error: ZoneError) -> Finding {
    finding("transport_zone", "No such transport zone", &error)
}

fn finding(attribute: &'static str, summary: &str, error: &dyn std::error::Error) -> Finding {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    Finding {
        attribute: vec!["networking", "nsx", attribute],
        summary: summary.to_owned(),
        // The CLI points at the block; which of its attributes it is must be said.
        detail: format!(
            "{first}{}. Check `networking.nsx.{attribute}`.",
            letters.as_str().trim_end_matches('.')
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_failing_is_told_on_the_attribute_that_mends_it() {
        let (manager, user, reason) = ("nsx:443".to_owned(), "admin".to_owned(), "why".to_owned());
        let refused = |status| nsx::Error::Refused {
            call: "list".to_owned(),
            status,
            code: 1,
            message: reason.clone(),
        };
        let thumbprint = "AB".to_owned();
        for (error, attribute) in [
            (nsx::Error::Config("`ca_certificate_pem` is no PEM".to_owned()), "ca_certificate_pem"),
            (
                nsx::Error::Certificate { manager: manager.clone(), reason: reason.clone(), thumbprint },
                "ca_certificate_pem",
            ),
            (nsx::Error::Credentials { manager: manager.clone(), user }, "password_wo"),
            (refused(403), "user"),
            (refused(500), "manager"),
            (nsx::Error::Connect { manager, reason: reason.clone() }, "manager"),
        ] {
            let finding = unusable(&error);
            assert_eq!(finding.attribute, ["networking", "nsx", attribute], "{error}");
            assert!(
                finding.detail.ends_with(&format!("Check `networking.nsx.{attribute}`.")),
                "{}",
                finding.detail
            );
        }
    }
}
