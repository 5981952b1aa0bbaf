//! Looks at something that changes, shared by all who ask.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The looks at one thing. At most one goes on at a time.
pub(crate) struct Looks<T> {
    /// How many have begun.
    begun: AtomicU64,
    /// The last one. Whoever looks holds it meanwhile.
    last: Mutex<Option<Look<T>>>,
}

struct Look<T> {
    /// Its place among those that have begun, from 1; 0 for what nobody saw, which is not fresh for anybody.
    number: u64,
    found: T,
}

impl<T> Default for Looks<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> Looks<T> {
    /// What the last look found; without one, what this one finds.
    pub(crate) async fn last<E>(&self, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut last = self.last.lock().await;
        match last.as_ref() {
            Some(known) => Ok(known.found.clone()),
            None => self.look(&mut last, look).await,
        }
    }

    /// What a look finds that begins after this is asked. All who ask before it begins share it.
    pub(crate) async fn fresh<E>(&self, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        match last.as_ref() {
            Some(known) if known.number > asked => Ok(known.found.clone()),
            Some(_) | None => self.look(&mut last, look).await,
        }
    }

    /// A failure is nobody else's: whoever asks next looks for himself.
    async fn look<E>(
        &self,
        last: &mut Option<Look<T>>,
        look: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        *last = None;
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let found = look.await?;
        *last = Some(Look { number, found: found.clone() });
        Ok(found)
    }

    /// What the last look found, if there was one.
    pub(crate) async fn known(&self) -> Option<T> {
        self.last.lock().await.as_ref().map(|look| look.found.clone())
    }

    /// What is known without a look.
    pub(crate) async fn know(&self, found: T) {
        *self.last.lock().await = Some(Look { number: 0, found });
    }

    /// The last look does not count any more.
    pub(crate) async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A look that takes a moment and finds how many there were.
    async fn look(count: &Cell<u32>) -> Result<u32, ()> {
        count.set(count.get() + 1);
        tokio::task::yield_now().await;
        Ok(count.get())
    }

    #[tokio::test]
    async fn who_asks_during_a_look_shares_the_next() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        let fresh = || looks.fresh(look(&count));
        // The first begins at once; the others ask when it has begun.
        assert_eq!(tokio::join!(fresh(), fresh(), fresh()), (Ok(1), Ok(2), Ok(2)));
        assert_eq!(fresh().await, Ok(3));
    }

    #[tokio::test]
    async fn the_last_look_serves_until_it_is_forgotten() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        let last = || looks.last(look(&count));
        assert_eq!((last().await, last().await), (Ok(1), Ok(1)));
        looks.forget().await;
        assert_eq!(last().await, Ok(2));
    }

    #[tokio::test]
    async fn what_was_not_looked_at_is_shown_but_not_fresh() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        looks.know(7).await;
        assert_eq!(looks.last(look(&count)).await, Ok(7));
        assert_eq!(looks.fresh(look(&count)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_look_that_failed_is_made_again() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        assert_eq!(looks.fresh(async { Err(()) }).await, Err(()));
        assert_eq!(looks.last(look(&count)).await, Ok(1));
    }
}
