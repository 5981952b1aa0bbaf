//! When something is tried again, after what pause, and when no more: the one policy of all clients. No I/O, no clock.

use std::time::Duration;

/// Pauses that double, up to a longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The pause before the second attempt.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Pauses {
    /// For the renewal of a long poll that broke: the server may be back at once, and whoever waits has a deadline.
    pub const POLL: Self = Self { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

    /// The pause before attempt `next`, from 2.
    #[must_use]
    pub fn before(&self, next: u32) -> Duration {
        let doublings = next.saturating_sub(2).min(16);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// What a call does to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only reads, or makes nothing that outlives its session.
    Reads,
    /// It changes something.
    Changes,
}

/// Why an attempt came to nothing, as far as another one is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// Nothing was sent.
    Unreached,
    /// The server, or what stands before it, said that it has no room now (429, 503).
    Busy {
        /// The pause that it asked for.
        asks: Option<Duration>,
    },
    /// Nobody knows whether the call was carried out: the connection broke, or what stands before the server lost it (502,
    /// 504).
    Unknown,
    /// Another attempt would end in the same way.
    Final,
}

impl Setback {
    /// What an HTTP status other than that of an answer means.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            429 | 503 => Self::Busy { asks: None },
            502 | 504 => Self::Unknown,
            _ => Self::Final,
        }
    }
}

/// How the calls of one server are tried again. What may have been carried out is never done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a call is made at most.
    pub attempts: u32,
    /// How often a server that cannot be reached is tried: a firewall that says nothing takes its time each time.
    pub connect_attempts: u32,
    /// The pauses between.
    pub pauses: Pauses,
    /// A busy server has not begun with the call: then changes may be tried again too.
    pub busy_did_nothing: bool,
}

impl Retry {
    /// For a vCenter Server: 3.5 s of pauses, since its proxy answers 503 for moments, not minutes. That proxy says 503 too
    /// when it has lost the service behind it, which may have begun.
    pub const VCENTER: Self = Self {
        attempts: 4,
        connect_attempts: 4,
        pauses: Pauses { first: Duration::from_millis(500), longest: Duration::from_secs(30) },
        busy_did_nothing: false,
    };

    /// For an NSX Manager: 15.5 s of pauses where it asks for none, since its rate limit counts by the second. It says 429
    /// and 503 to what it did not take.
    pub const NSX: Self = Self { attempts: 6, connect_attempts: 3, busy_did_nothing: true, ..Self::VCENTER };

    /// The pause before attempt `next` (from 2); none when the call must not be made again.
    #[must_use]
    pub fn pause_before(&self, next: u32, effect: Effect, setback: Setback) -> Option<Duration> {
        let reads = effect == Effect::Reads;
        let (attempts, again, asks) = match setback {
            Setback::Unreached => (self.connect_attempts, true, None),
            Setback::Busy { asks } => (self.attempts, reads || self.busy_did_nothing, asks),
            Setback::Unknown => (self.attempts, reads, None),
            Setback::Final => return None,
        };
        let pause = asks.map_or_else(|| self.pauses.before(next), |asked| asked.min(self.pauses.longest));
        (again && next <= attempts).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Retry; 2] = [Retry::VCENTER, Retry::NSX];
    const BUSY: Setback = Setback::Busy { asks: None };

    fn pauses(retry: Retry, effect: Effect, setback: Setback) -> Vec<Duration> {
        (2..).map_while(|next| retry.pause_before(next, effect, setback)).collect()
    }

    #[test]
    fn pauses_double_and_end() {
        let ms: Vec<u128> =
            pauses(Retry::VCENTER, Effect::Reads, BUSY).iter().map(Duration::as_millis).collect();
        assert_eq!(ms, [500, 1000, 2000]);
        let ms: Vec<u128> =
            pauses(Retry::NSX, Effect::Changes, BUSY).iter().map(Duration::as_millis).collect();
        assert_eq!(ms, [500, 1000, 2000, 4000, 8000]);
    }

    #[test]
    fn every_policy_is_bounded_whatever_the_server_says() {
        let greedy = Setback::Busy { asks: Some(Duration::from_secs(86_400)) };
        for retry in ALL {
            for setback in [Setback::Unreached, BUSY, greedy, Setback::Unknown, Setback::Final] {
                for effect in [Effect::Reads, Effect::Changes] {
                    let pauses = pauses(retry, effect, setback);
                    assert!(pauses.len() < 6, "{retry:?} {setback:?}: {pauses:?}");
                    assert!(pauses.iter().sum::<Duration>() <= Duration::from_secs(150), "{pauses:?}");
                }
            }
        }
        assert_eq!(Pauses::POLL.before(u32::MAX), Duration::from_secs(5));
        assert_eq!(Pauses::POLL.before(2), Duration::from_millis(100));
    }

    #[test]
    fn what_may_have_been_carried_out_is_never_done_twice() {
        for retry in ALL {
            assert_eq!(retry.pause_before(2, Effect::Changes, Setback::Unknown), None);
            assert!(retry.pause_before(2, Effect::Reads, Setback::Unknown).is_some());
        }
        assert_eq!(Retry::VCENTER.pause_before(2, Effect::Changes, BUSY), None);
        assert!(Retry::NSX.pause_before(2, Effect::Changes, BUSY).is_some());
    }

    #[test]
    fn what_was_not_sent_may_be_sent_again() {
        for retry in ALL {
            for effect in [Effect::Reads, Effect::Changes] {
                assert_eq!(
                    pauses(retry, effect, Setback::Unreached).len() as u32,
                    retry.connect_attempts - 1
                );
            }
        }
    }

    #[test]
    fn the_pause_that_the_server_asks_for_is_kept_within_reason() {
        let pause = |seconds| {
            let asks = Some(Duration::from_secs(seconds));
            Retry::NSX.pause_before(2, Effect::Changes, Setback::Busy { asks })
        };
        assert_eq!(pause(3), Some(Duration::from_secs(3)));
        assert_eq!(pause(3600), Some(Retry::NSX.pauses.longest));
    }

    #[test]
    fn only_statuses_that_pass_are_tried_again() {
        for (status, setback) in [(429, BUSY), (503, BUSY), (502, Setback::Unknown), (504, Setback::Unknown)]
        {
            assert_eq!(Setback::of_status(status), setback);
        }
        for status in [400, 401, 403, 404, 409, 412, 500] {
            assert_eq!(Setback::of_status(status), Setback::Final, "{status}");
        }
    }
}
