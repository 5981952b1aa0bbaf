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
    /// It is old news for whoever asks for the last one.
    outdated: bool,
}

/// A moment, as looks count time: those that began before it and those that begin after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

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
            Some(known) if !known.outdated => Ok(known.found.clone()),
            Some(_) | None => self.look(&mut last, look).await,
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        Moment(self.begun.load(Ordering::SeqCst))
    }

    /// What a look finds that begins after this is asked. All who ask before it begins share it.
    pub(crate) async fn fresh<E>(&self, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.since(self.now(), look).await
    }

    /// What a look found that began after a moment, or finds that begins now.
    pub(crate) async fn since<E>(
        &self,
        moment: Moment,
        look: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut last = self.last.lock().await;
        match last.as_ref() {
            Some(known) if known.number > moment.0 => Ok(known.found.clone()),
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
        *last = Some(Look { number, found: found.clone(), outdated: false });
        Ok(found)
    }

    /// What the last look found, if there was one.
    pub(crate) async fn known(&self) -> Option<T> {
        self.last.lock().await.as_ref().map(|look| look.found.clone())
    }

    /// What is known without a look. It is as fresh as the last one, if it was made of that.
    pub(crate) async fn know(&self, found: T, is_made_of: impl FnOnce(&T) -> bool) {
        let mut last = self.last.lock().await;
        let source = last.take().filter(|last| is_made_of(&last.found));
        let (number, outdated) = source.map_or((0, false), |source| (source.number, source.outdated));
        *last = Some(Look { number, found, outdated });
    }

    /// Something was added that the last look does not show: it still counts for those who asked before.
    pub(crate) async fn outdate(&self) {
        if let Some(last) = self.last.lock().await.as_mut() {
            last.outdated = true;
        }
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
        let moment = looks.now();
        looks.know(7, |_| false).await;
        assert_eq!(looks.last(look(&count)).await, Ok(7));
        assert_eq!(looks.since(moment, look(&count)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_look_counts_for_who_asked_before_it_began_and_waited_for_something_else() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        let before = looks.now();
        assert_eq!(looks.fresh(look(&count)).await, Ok(1));
        let after = looks.now();
        // What is made of that look is as fresh as it.
        looks.know(7, |last| *last == 1).await;
        assert_eq!(looks.since(before, look(&count)).await, Ok(7));
        assert_eq!(looks.since(after, look(&count)).await, Ok(2));
        // What is made of an older one is not.
        looks.know(8, |last| *last == 1).await;
        assert_eq!(looks.since(after, look(&count)).await, Ok(3));
    }

    #[tokio::test]
    async fn an_outdated_look_counts_only_for_who_asked_before() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        let before = looks.now();
        assert_eq!(looks.fresh(look(&count)).await, Ok(1));
        looks.outdate().await;
        assert_eq!(looks.since(before, look(&count)).await, Ok(1));
        assert_eq!(looks.last(look(&count)).await, Ok(2));
    }

    #[tokio::test]
    async fn a_look_that_failed_is_made_again() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        assert_eq!(looks.fresh(async { Err(()) }).await, Err(()));
        assert_eq!(looks.last(look(&count)).await, Ok(1));
    }
}
