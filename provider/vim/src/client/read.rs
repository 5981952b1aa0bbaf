//! Reading.

use tokio::time::sleep;

use super::call::{RENEWALS, pause_before, protocol};
use super::{Client, Inner, Session};
use crate::error::Error;
use crate::property::{ObjectContent, ObjectSpec, PropSpec};
use crate::proto::{self, RetrieveResult, SoapRequest, returnval};

impl Client {
    /// Reads properties of objects: one `RetrievePropertiesEx`, and its further pages if the server cuts the answer.
    ///
    /// A starting object ([`ObjectSpec::obj`]) that does not exist faults the whole call with `ManagedObjectNotFound`
    /// (the fault names it), and so does any path that its type does not have, with `InvalidProperty`. Objects reached by
    /// traversal that vanish meanwhile are merely absent. A property the user may not read is in
    /// [`ObjectContent::missing`].
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn retrieve(
        &self,
        objects: &[ObjectSpec],
        props: &[PropSpec],
    ) -> Result<Vec<ObjectContent>, Error> {
        self.inner.retrieve(objects, props).await
    }

    /// The server's time, as it writes it (ISO 8601).
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn current_time(&self) -> Result<String, Error> {
        let request = proto::current_time();
        let response = self.inner.call(&request).await?;
        returnval(&response).map(|el| el.text.clone()).map_err(|reason| protocol(&request, reason))
    }
}

impl Inner {
    /// See [`Client::retrieve`].
    pub(crate) async fn retrieve(
        &self,
        objects: &[ObjectSpec],
        props: &[PropSpec],
    ) -> Result<Vec<ObjectContent>, Error> {
        let collector = &self.content().await?.property_collector;
        let request = proto::retrieve(collector, objects, props);
        let mut session = self.session().await?;
        for _ in 0..RENEWALS {
            match self.pages(&session, &request).await {
                // A token lives in its session: after a new login the reading starts from its first page.
                Err(error) if error.is_not_authenticated() => session = self.renew(&session).await?,
                other => return other,
            }
        }
        self.pages(&session, &request).await
    }

    /// A token is good for one answer: after a page that was lost the reading starts from its first page.
    async fn pages(&self, session: &Session, first: &SoapRequest) -> Result<Vec<ObjectContent>, Error> {
        let mut next = 2;
        loop {
            let mut page = self.page(session, first).await?;
            let mut all = page.objects;
            let lost = loop {
                let Some(token) = page.token else { return Ok(all) };
                match self.page(session, &proto::continue_retrieve(&first.this, &token)).await {
                    Ok(more) => page = more,
                    Err(error) => break error,
                }
                all.append(&mut page.objects);
            };
            let Some(pause) = pause_before(next, first, &lost) else { return Err(lost) };
            sleep(pause).await;
            next += 1;
        }
    }

    async fn page(&self, session: &Session, request: &SoapRequest) -> Result<RetrieveResult, Error> {
        self.ask_in(session, request, proto::parse_retrieved).await
    }
}
