//! One call: sending, classifying, repeating as [`https::Retry`] says.

use std::sync::PoisonError;
use std::time::Duration;

use https::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use https::{Answer, Bytes, Effect, Failure, HeaderMap, Method, NotSent, Request, Retry};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::error::Error;

/// How long a manager that could not be reached is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// The `error_code` of refused credentials.
const BAD_CREDENTIALS: i64 = 403;

/// What is asked of the manager. Has no `Debug`: the body may carry a password.
pub(crate) struct Call {
    /// As a verb phrase.
    pub(crate) what: String,
    method: Method,
    path: String,
    body: Option<Value>,
}

/// Why one attempt came to nothing, and the pause that the manager asks for.
struct Setback {
    error: Error,
    retry_after: Option<Duration>,
}

impl From<Error> for Setback {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

impl Call {
    pub(crate) fn new(what: impl Into<String>, method: Method, path: impl Into<String>) -> Self {
        Self { what: what.into(), method, path: path.into(), body: None }
    }

    pub(crate) fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(crate) fn protocol(&self, reason: &str) -> Error {
        Error::Protocol { call: self.what.clone(), reason: reason.to_owned() }
    }

    /// The pause before attempt `next` (from 2); none when the call must not be made again.
    fn pause_before(&self, next: u32, setback: &Setback) -> Option<Duration> {
        let effect = if self.method == Method::GET { Effect::Reads } else { Effect::Changes };
        let kind = match &setback.error {
            Error::Refused { status, .. } => match https::Setback::of_status(*status) {
                https::Setback::Busy { .. } => https::Setback::Busy { asks: setback.retry_after },
                other => other,
            },
            Error::Connect { .. } => https::Setback::Unreached,
            Error::Broken { .. } => https::Setback::Unknown,
            _ => https::Setback::Final,
        };
        Retry::NSX.pause_before(next, effect, kind)
    }
}

impl Client {
    /// Makes a call and reads its answer; null when there is none.
    pub(crate) async fn call(&self, call: &Call) -> Result<Value, Error> {
        let mut next = 2;
        loop {
            if let Some(known) = self.refused.get().cloned().or_else(|| self.left_alone()) {
                return Err(known);
            }
            let setback = match self.once(call).await {
                Ok(value) => return Ok(value),
                Err(setback) => setback,
            };
            if matches!(setback.error, Error::Credentials { .. }) {
                // Whoever comes second says the same.
                let _ = self.refused.set(setback.error.clone());
            }
            let Some(pause) = call.pause_before(next, &setback) else {
                self.leave_alone(&setback.error);
                return Err(setback.error);
            };
            tracing::debug!(call = call.what, attempt = next, error = %setback.error, "will be tried again");
            sleep(pause).await;
            next += 1;
        }
    }

    /// Why the manager could not be reached a moment ago.
    fn left_alone(&self) -> Option<Error> {
        let known = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(since, _)| since.elapsed() < LEFT_ALONE).map(|(_, error)| error.clone())
    }

    fn leave_alone(&self, error: &Error) {
        if matches!(error, Error::Connect { .. }) {
            let now = (Instant::now(), error.clone());
            *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
    }

    async fn once(&self, call: &Call) -> Result<Value, Setback> {
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let headers = [
            (AUTHORIZATION, self.authorization.expose()),
            (ACCEPT, "application/json"),
            (CONTENT_TYPE, "application/json"),
        ];
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_owned())).into();
        let request = Request {
            method: call.method.clone(),
            path: call.path.clone(),
            headers,
            body: Bytes::from(body),
        };
        let answer = self.transport.send(request, self.api_timeout).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        tracing::debug!(call = call.what, method = %call.method, status, "called NSX");
        match answer {
            Ok(answer) => self.read(call, &answer),
            Err(failure) => Err(self.failed(call, failure).into()),
        }
    }

    fn read(&self, call: &Call, answer: &Answer) -> Result<Value, Setback> {
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match answer.status {
            200..=299 if answer.body.is_empty() => Ok(Value::Null),
            200..=299 => Ok(body.ok_or_else(|| call.protocol("it is no JSON"))?),
            status => {
                let error = self.refusal(call, status, body.as_ref().unwrap_or(&Value::Null));
                Err(Setback { error, retry_after: retry_after(&answer.headers) })
            }
        }
    }

    fn refusal(&self, call: &Call, status: u16, body: &Value) -> Error {
        let code = body.get("error_code").and_then(Value::as_i64).unwrap_or_default();
        if status == 401 || (status == 403 && code == BAD_CREDENTIALS) {
            return Error::Credentials { manager: self.transport.authority(), user: self.user.clone() };
        }
        let related = body.get("related_errors").and_then(Value::as_array).into_iter().flatten();
        let messages =
            [body].into_iter().chain(related).filter_map(|error| error.get("error_message")?.as_str());
        let messages: Vec<&str> = messages.collect();
        let message = if messages.is_empty() { "it gave no reason".to_owned() } else { messages.join("; ") };
        Error::Refused { call: call.what.clone(), status, code, message }
    }

    fn failed(&self, call: &Call, failure: Failure) -> Error {
        let manager = self.transport.authority();
        match failure {
            Failure::NotSent(NotSent::Config(why)) => Error::Config(why),
            Failure::NotSent(NotSent::Connect(reason)) => Error::Connect { manager, reason },
            Failure::NotSent(NotSent::Certificate { reason, thumbprint }) => {
                Error::Certificate { manager, reason, thumbprint }
            }
            Failure::Broken(reason) => Error::Broken { manager, call: call.what.clone(), reason },
            Failure::Timeout => Error::Timeout { manager, call: call.what.clone(), after: self.api_timeout },
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Setback {
        Error::Refused { call: String::new(), status, code: 0, message: String::new() }.into()
    }

    fn call(method: Method) -> Call {
        Call::new("test", method, "/")
    }

    #[test]
    fn what_the_manager_did_not_take_is_asked_again_with_doubling_pauses() {
        for method in [Method::GET, Method::POST] {
            let call = call(method);
            let pauses: Vec<_> = (2..=7).map(|next| call.pause_before(next, &refused(429))).collect();
            let ms = |ms| Some(Duration::from_millis(ms));
            assert_eq!(pauses, [ms(500), ms(1000), ms(2000), ms(4000), ms(8000), None]);
        }
    }

    #[test]
    fn the_pause_that_the_manager_asks_for_is_kept_within_reason() {
        let asking = |seconds| Setback { retry_after: Some(Duration::from_secs(seconds)), ..refused(503) };
        let pause = |seconds| call(Method::POST).pause_before(2, &asking(seconds));
        assert_eq!(pause(3), Some(Duration::from_secs(3)));
        assert_eq!(pause(3600), Some(Retry::NSX.pauses.longest));
        let headers = [(RETRY_AFTER, "7".parse().unwrap())].into_iter().collect();
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_change_that_may_have_been_made_is_not_made_again() {
        let broken: Setback =
            Error::Broken { manager: String::new(), call: String::new(), reason: String::new() }.into();
        for setback in [refused(502), refused(504), broken] {
            assert_eq!(call(Method::POST).pause_before(2, &setback), None);
            assert!(call(Method::GET).pause_before(2, &setback).is_some());
        }
    }

    #[test]
    fn a_manager_that_says_nothing_is_tried_less_often() {
        let silent: Setback = Error::Connect { manager: String::new(), reason: String::new() }.into();
        let pauses = (2..=4).map(|next| call(Method::GET).pause_before(next, &silent).is_some());
        assert_eq!(pauses.collect::<Vec<_>>(), [true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_that_could_not_be_reached_is_left_alone_for_a_while() {
        let client = crate::client::test_client();
        let silent = Error::Connect { manager: "nsx:443".to_owned(), reason: "refused".to_owned() };
        client.leave_alone(&refused(500).error);
        assert_eq!(client.left_alone(), None);
        client.leave_alone(&silent);
        assert_eq!(client.call(&call(Method::GET)).await.unwrap_err(), silent);
        sleep(LEFT_ALONE).await;
        assert_eq!(client.left_alone(), None);
    }

    #[tokio::test]
    async fn credentials_that_were_refused_are_not_sent_again() {
        let client = crate::client::test_client();
        let refused = Error::Credentials { manager: "nsx:443".to_owned(), user: "admin".to_owned() };
        client.refused.set(refused.clone()).unwrap();
        assert_eq!(client.call(&call(Method::POST)).await.unwrap_err(), refused);
    }

    #[test]
    fn a_refusal_is_told_with_all_that_the_manager_said() {
        let client = crate::client::test_client();
        let body = serde_json::json!({"error_code": 255, "error_message": "wrong",
            "related_errors": [{"error_message": "os_type"}, {"error_message": "tags"}]});
        let said = client.refusal(&call(Method::POST), 400, &body).to_string();
        assert!(said.contains("status 400 (error code 255): wrong; os_type; tags"), "{said}");
        let bad = |status, code| {
            client.refusal(&call(Method::GET), status, &serde_json::json!({"error_code": code}))
        };
        for (status, code) in [(401, 0), (403, 403)] {
            assert!(matches!(bad(status, code), Error::Credentials { .. }), "{status} {code}");
        }
        assert!(matches!(bad(403, 289), Error::Refused { status: 403, .. }));
    }

    #[test]
    fn refusals_are_not_asked_again() {
        for status in [400, 403, 404, 409, 412, 500] {
            assert_eq!(call(Method::GET).pause_before(2, &refused(status)), None, "{status}");
        }
    }
}
