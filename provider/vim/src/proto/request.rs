//! A request without I/O, and the reading of its answer.

use crate::fault::Fault;
use crate::mo_ref::MoRef;
use crate::proto::element::parse_xml_without;
use crate::proto::{El, Writer};

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" "#,
    r#"xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">"#,
    "<soapenv:Body>"
);
const TAIL: &str = "</soapenv:Body></soapenv:Envelope>";

/// A call of one vSphere method, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SoapRequest {
    /// The method's name in the API, e.g. `CloneVM_Task`.
    pub method: &'static str,
    /// The object it is called on.
    pub this: MoRef,
    /// Whether the call changes anything: such a call is never sent twice on its own account.
    pub mutates: bool,
    /// The method's element with all its arguments. May hold secrets: never log it.
    pub body: String,
}

impl SoapRequest {
    /// A call that only reads (or makes nothing that outlives the session): it may be repeated.
    pub(crate) fn reading(method: &'static str, this: &MoRef, arguments: impl FnOnce(&mut Writer)) -> Self {
        let mut w = Writer::default();
        w.moref("_this", this);
        arguments(&mut w);
        let body = format!("<{method} xmlns=\"urn:vim25\">{}</{method}>", w.finish());
        Self { method, this: this.clone(), mutates: false, body }
    }

    /// A call that changes something.
    pub(crate) fn mutating(method: &'static str, this: &MoRef, arguments: impl FnOnce(&mut Writer)) -> Self {
        Self { mutates: true, ..Self::reading(method, this, arguments) }
    }

    /// The whole SOAP message.
    pub fn envelope(&self) -> String {
        [HEAD, &self.body, TAIL].concat()
    }
}

/// Why an answer has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// vSphere answered with a fault.
    Fault(Box<Fault>),
    /// The bytes are no SOAP answer to this method.
    Malformed(String),
}

/// Reads the answer to `method`: its `…Response` element, or the fault.
///
/// # Errors
/// [`Refusal`], see there.
pub fn parse_response(method: &str, bytes: &[u8]) -> Result<El, Refusal> {
    parse_response_without(method, bytes, &mut |_, el| Some(el))
}

/// The same without what `take` keeps for itself, see [`parse_xml_without`].
pub(super) fn parse_response_without(
    method: &str,
    bytes: &[u8],
    take: &mut dyn FnMut(&[El], El) -> Option<El>,
) -> Result<El, Refusal> {
    let root = parse_xml_without(bytes, take).map_err(Refusal::Malformed)?;
    let Some(mut body) = root.children.into_iter().find(|el| root.name == "Envelope" && el.name == "Body")
    else {
        return Err(Refusal::Malformed("no SOAP body".to_owned()));
    };
    if body.children.is_empty() {
        return Err(Refusal::Malformed("an empty SOAP body".to_owned()));
    }
    let answer = body.children.remove(0);
    if answer.name == "Fault" {
        return Err(Refusal::Fault(Box::new(soap_fault(&answer))));
    }
    if answer.name.strip_suffix("Response") == Some(method) {
        return Ok(answer);
    }
    Err(Refusal::Malformed(format!("`{}` instead of `{method}Response`", answer.name)))
}

fn soap_fault(fault: &El) -> Fault {
    let message = fault.child_text("faultstring").unwrap_or_default();
    match fault.child("detail").and_then(|detail| detail.children.first()) {
        Some(detail) => Fault::from_element(detail, message),
        None => Fault::from_element(&El { name: "SoapFault".into(), ..El::default() }, message),
    }
}

/// The single result of an answer.
pub(crate) fn returnval(response: &El) -> Result<&El, String> {
    response.child("returnval").ok_or_else(|| "no `returnval`".to_owned())
}

/// The single result of an answer, which is a reference: a task, a folder, a view.
pub(crate) fn returned_moref(response: &El) -> Result<MoRef, String> {
    returnval(response)?.moref().ok_or_else(|| "`returnval` is no reference".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;
    use crate::proto::parse_xml;

    fn envelope(inside: &str) -> Vec<u8> {
        format!(
            r#"<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="x"><soapenv:Body>{inside}</soapenv:Body></soapenv:Envelope>"#
        )
        .into_bytes()
    }

    #[test]
    fn a_request_names_method_namespace_and_object_first() {
        let request =
            SoapRequest::reading("CurrentTime", &MoRef::new("ServiceInstance", "ServiceInstance"), |_| {});
        assert_eq!(
            request.body,
            r#"<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>"#
        );
        assert!(parse_xml(request.envelope().as_bytes()).is_ok());
    }

    #[test]
    fn a_task_is_read_from_the_answer() {
        let bytes = envelope(
            r#"<CloneVM_TaskResponse xmlns="urn:vim25"><returnval type="Task">task-120</returnval></CloneVM_TaskResponse>"#,
        );
        let response = parse_response("CloneVM_Task", &bytes).unwrap();
        assert_eq!(returned_moref(&response), Ok(MoRef::new("Task", "task-120")));
    }

    #[test]
    fn the_answer_to_another_method_is_refused() {
        let bytes = envelope("<CurrentTimeResponse/>");
        assert!(matches!(parse_response("Login", &bytes), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn a_fault_is_known_by_its_type_not_its_text() {
        let bytes = envelope(
            r#"<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Besetzt</faultstring><detail><NotAuthenticatedFault xmlns="urn:vim25" xmlns:q="i" q:type="NotAuthenticated"><privilegeId>System.View</privilegeId></NotAuthenticatedFault></detail></soapenv:Fault>"#,
        );
        let Err(Refusal::Fault(fault)) = parse_response("CurrentTime", &bytes) else { panic!("no fault") };
        assert_eq!(fault.kind, FaultKind::NotAuthenticated);
        assert_eq!(fault.message, "Besetzt");
    }

    #[test]
    fn a_fault_without_a_type_goes_by_its_element() {
        let bytes =
            envelope("<soapenv:Fault><faultstring/><detail><InvalidLoginFault/></detail></soapenv:Fault>");
        let Err(Refusal::Fault(fault)) = parse_response("Login", &bytes) else { panic!("no fault") };
        assert_eq!(fault.kind, FaultKind::InvalidLogin);
    }
}
