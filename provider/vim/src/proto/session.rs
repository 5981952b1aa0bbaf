//! The service's entry points, sessions, time and tasks.

use crate::mo_ref::MoRef;
use crate::proto::{El, SoapRequest, returnval};
use crate::secret::Secret;

/// What a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The product, e.g. `VMware vCenter Server`.
    pub name: String,
    /// The product's version, e.g. `8.0.3`.
    pub version: String,
    /// The build number.
    pub build: String,
    /// `VirtualCenter` for a vCenter, `HostAgent` for a single host.
    pub api_type: String,
    /// The newest API version the server speaks, e.g. `8.0.3.0`.
    pub api_version: String,
    /// The vCenter's own UUID; empty on a single host.
    pub instance_uuid: String,
}

/// The entry points of a server (`ServiceContent`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceContent {
    /// The folder that holds the datacenters.
    pub root_folder: MoRef,
    /// The default property collector.
    pub property_collector: MoRef,
    /// Makes views.
    pub view_manager: MoRef,
    /// Makes sessions.
    pub session_manager: MoRef,
    /// Finds objects by path, name, UUID.
    pub search_index: MoRef,
    /// What the server is.
    pub about: About,
}

fn service_instance() -> MoRef {
    MoRef::new("ServiceInstance", "ServiceInstance")
}

/// `RetrieveServiceContent`: the only call that needs no session.
pub fn retrieve_service_content() -> SoapRequest {
    SoapRequest::reading("RetrieveServiceContent", &service_instance(), |_| {})
}

/// Reads the answer to [`retrieve_service_content`].
///
/// # Errors
/// The name of an entry point that is missing.
pub fn parse_service_content(response: &El) -> Result<ServiceContent, String> {
    let content = returnval(response)?;
    let entry = |name: &str| {
        content.child(name).and_then(El::moref).ok_or_else(|| format!("no `{name}` in the service content"))
    };
    let about = content.child("about");
    let text = |name: &str| about.and_then(|el| el.child_text(name)).unwrap_or_default().to_owned();
    Ok(ServiceContent {
        root_folder: entry("rootFolder")?,
        property_collector: entry("propertyCollector")?,
        view_manager: entry("viewManager")?,
        session_manager: entry("sessionManager")?,
        search_index: entry("searchIndex")?,
        about: About {
            name: text("name"),
            version: text("version"),
            build: text("build"),
            api_type: text("apiType"),
            api_version: text("apiVersion"),
            instance_uuid: text("instanceUuid"),
        },
    })
}

/// `CurrentTime` of the server.
pub fn current_time() -> SoapRequest {
    SoapRequest::reading("CurrentTime", &service_instance(), |_| {})
}

/// `Login`. The request holds the password.
pub fn login(session_manager: &MoRef, user: &str, password: &Secret) -> SoapRequest {
    SoapRequest::reading("Login", session_manager, |w| {
        w.field("userName", user);
        w.field("password", password.expose());
    })
}

/// `Logout`: ends the session and all that is bound to it.
pub fn logout(session_manager: &MoRef) -> SoapRequest {
    SoapRequest::reading("Logout", session_manager, |_| {})
}

/// `CancelTask`: asks for the cancellation of a task; the task then ends when and as it will.
pub fn cancel_task(task: &MoRef) -> SoapRequest {
    SoapRequest::mutating("CancelTask", task, |_| {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    #[test]
    fn login_escapes_user_and_password() {
        let request = login(&MoRef::new("SessionManager", "SessionManager"), "a&b", &Secret::new("p<w"));
        assert!(request.body.contains("<userName>a&amp;b</userName><password>p&lt;w</password>"));
    }

    #[test]
    fn the_entry_points_are_read() {
        let xml = r#"<R><returnval><rootFolder type="Folder">group-d1</rootFolder><propertyCollector type="PropertyCollector">pc</propertyCollector><viewManager type="ViewManager">ViewManager</viewManager><about><apiVersion>8.0.3.0</apiVersion></about><sessionManager type="SessionManager">SessionManager</sessionManager><searchIndex type="SearchIndex">SearchIndex</searchIndex></returnval></R>"#;
        let content = parse_service_content(&parse_xml(xml.as_bytes()).unwrap()).unwrap();
        assert_eq!(content.root_folder, MoRef::new("Folder", "group-d1"));
        assert_eq!(content.about.api_version, "8.0.3.0");
        let error = parse_service_content(&parse_xml(b"<R><returnval/></R>").unwrap()).unwrap_err();
        assert!(error.contains("rootFolder"));
    }
}
