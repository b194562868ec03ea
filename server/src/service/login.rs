//! Signing in, and the bound on how often it may fail.
//!
//! What counts is counted per address and start of the token, and per address. A token that was
//! good from an address a short while ago is let through: behind one address may sit a whole office.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::token::{self, Refusal, Rejection};
use super::visitor::Caller;
use crate::configuration::Access;
use crate::db::Database;
use crate::random;

/// Addresses, token starts and good tokens that are remembered at most, each.
const REMEMBERED: usize = 16 * 1024;
/// How long a good token is remembered.
const GOOD_FOR: Duration = Duration::from_secs(60 * 60);
/// Bytes of a token by which attempts are told apart: too few to be worth anything.
const START: usize = 12;

/// What failed lately.
pub(crate) struct Logins {
    window: Duration,
    per_start: u32,
    per_address: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    starts: Bounded<(IpAddr, String), u32>,
    addresses: Bounded<IpAddr, u32>,
    good: Bounded<(IpAddr, [u8; 32]), ()>,
}

impl Logins {
    pub(crate) fn new(access: &Access) -> Self {
        Self {
            window: access.failed_login_window.duration(),
            per_start: access.failed_logins,
            per_address: access.failed_logins_per_address,
            state: Mutex::default(),
        }
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the address must wait before this token is looked at.
    fn wait(&self, address: IpAddr, presented: &str, now: Instant) -> Option<Duration> {
        let mut state = self.hold();
        if state.good.get(&(address, random::fingerprint(presented)), GOOD_FOR, now).is_some() {
            return None;
        }
        let start = state.starts.get(&(address, start(presented)), self.window, now);
        let by_start = start.filter(|(count, _)| **count >= self.per_start).map(|(_, left)| left);
        let all = state.addresses.get(&address, self.window, now);
        let by_address = all.filter(|(count, _)| **count >= self.per_address).map(|(_, left)| left);
        by_start.max(by_address)
    }

    fn failed(&self, address: IpAddr, presented: &str, now: Instant) {
        let mut state = self.hold();
        state.good.forget(&(address, random::fingerprint(presented)));
        *state.starts.entry((address, start(presented)), self.window, now) += 1;
        *state.addresses.entry(address, self.window, now) += 1;
    }

    fn succeeded(&self, address: IpAddr, presented: &str, now: Instant) {
        let mut state = self.hold();
        let key = (address, random::fingerprint(presented));
        state.good.forget(&key);
        state.good.entry(key, GOOD_FOR, now);
    }
}

fn start(presented: &str) -> String {
    presented.chars().take(START).collect()
}

/// Who counts as one: an IPv4 address, or the network that an IPv6 address is picked from at will.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

/// Who presents this token from this address. Nothing was presented that could be one: none.
pub(crate) fn sign_in(
    database: &Database,
    logins: &Logins,
    address: IpAddr,
    presented: Option<&str>,
) -> Result<Caller, Refusal> {
    let (address, text, now) = (origin(address), presented.unwrap_or_default(), Instant::now());
    if let Some(left) = logins.wait(address, text, now) {
        let seconds = u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        return Err(Refusal::TooMany { seconds });
    }
    let outcome = match presented {
        Some(presented) => token::authenticate(database, presented),
        None => Err(Rejection::Unknown.into()),
    };
    match &outcome {
        Ok(_) => logins.succeeded(address, text, now),
        Err(Refusal::Rejected(rejection)) => {
            tracing::info!(%address, reason = %rejection, "a login failed");
            logins.failed(address, text, now);
        }
        Err(_) => {}
    }
    outcome
}

/// Values that are forgotten after a time, and sooner when there are too many.
struct Bounded<K, V> {
    entries: HashMap<K, (Instant, V)>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, V: Default> Bounded<K, V> {
    /// The value, and how long it is kept yet.
    fn get(&mut self, key: &K, span: Duration, now: Instant) -> Option<(&V, Duration)> {
        let (since, value) = self.entries.get(key)?;
        let left = span.checked_sub(now.duration_since(*since)).filter(|left| !left.is_zero())?;
        Some((value, left))
    }

    /// The value, begun anew when its time is over.
    fn entry(&mut self, key: K, span: Duration, now: Instant) -> &mut V {
        let is_over = |since: &Instant| now.duration_since(*since) >= span;
        if self.entries.len() >= REMEMBERED && !self.entries.contains_key(&key) {
            self.entries.retain(|_, (since, _)| !is_over(since));
        }
        if self.entries.len() >= REMEMBERED && !self.entries.contains_key(&key) {
            // Half of them at once, so that a flood of keys does not search for the oldest each time.
            let mut ages: Vec<Instant> = self.entries.values().map(|(since, _)| *since).collect();
            let (_, middle, _) = ages.select_nth_unstable(REMEMBERED / 2);
            let middle = *middle;
            let mut spare = REMEMBERED / 2;
            self.entries.retain(|_, (since, _)| {
                let stays = *since > middle || (*since == middle && spare > 0);
                spare -= usize::from(stays && *since == middle);
                stays
            });
        }
        let slot = self.entries.entry(key).or_insert_with(|| (now, V::default()));
        if is_over(&slot.0) {
            *slot = (now, V::default());
        }
        &mut slot.1
    }

    fn forget(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins() -> Logins {
        Logins { window: Duration::from_secs(60), per_start: 3, per_address: 5, state: Mutex::default() }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn too_many_failures_make_one_wait_until_the_window_is_over() {
        let (logins, now) = (logins(), Instant::now());
        for _ in 0..3 {
            assert_eq!(logins.wait(HERE, "cdk_one", now), None);
            logins.failed(HERE, "cdk_one", now);
        }
        assert_eq!(logins.wait(HERE, "cdk_one", now), Some(Duration::from_secs(60)));
        assert_eq!(logins.wait(HERE, "cdk_two", now), None, "another token");
        assert_eq!(logins.wait(THERE, "cdk_one", now), None, "another address");
        logins.failed(HERE, "cdk_two", now);
        logins.failed(HERE, "cdk_three", now);
        let later = now + Duration::from_secs(59);
        assert_eq!(logins.wait(HERE, "cdk_four", later), Some(Duration::from_secs(1)), "the address is at its end");
        assert_eq!(logins.wait(HERE, "cdk_one", now + Duration::from_secs(60)), None);
    }

    #[test]
    fn a_token_that_was_good_a_short_while_ago_is_let_through() {
        let (logins, now) = (logins(), Instant::now());
        logins.succeeded(HERE, "cdk_good", now);
        for token in 0..10 {
            logins.failed(HERE, &format!("bad{token}"), now);
        }
        assert!(logins.wait(HERE, "cdk_other", now).is_some());
        assert_eq!(logins.wait(HERE, "cdk_good", now), None);
        assert!(logins.wait(HERE, "cdk_good2", now).is_some(), "the start is not enough");
        for token in 0..10 {
            logins.failed(THERE, &format!("bad{token}"), now);
        }
        assert!(logins.wait(THERE, "cdk_good", now).is_some(), "it was good from another address");
        logins.failed(HERE, "cdk_good", now);
        assert!(logins.wait(HERE, "cdk_good", now).is_some(), "it is good no more");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (logins, now) = (logins(), Instant::now());
        for number in 0..3 * REMEMBERED {
            logins.failed(HERE, &format!("{number}"), now + Duration::from_millis(number as u64));
        }
        assert!(logins.hold().starts.entries.len() <= REMEMBERED);
        assert!(logins.wait(HERE, "x", now + Duration::from_secs(1)).is_some(), "the address is not forgotten by it");
        for number in 0..2 * REMEMBERED {
            logins.succeeded(HERE, &format!("{number}"), now);
        }
        assert!(logins.hold().good.entries.len() <= REMEMBERED);
    }

    #[test]
    fn ipv6_counts_by_network_and_a_mapped_address_as_what_it_is() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(origin(parse("2001:db8::1:2")), origin(parse("2001:db8::ffff")));
        assert_ne!(origin(parse("2001:db8::1")), origin(parse("2001:db8:0:1::1")));
        assert_eq!(origin(parse("::ffff:10.0.0.1")), HERE);
    }
}
