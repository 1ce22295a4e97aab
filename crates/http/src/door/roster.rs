//! Who is in the house, what they are doing, and who has been at it for too long.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tracing::debug;

use super::DoorOptions;

/// Nobody is shed who got anywhere within the last half second: the next bytes may be on their way.
const RECENT: u64 = 500;
/// During a drain: how long a connection that waits for a request is left open, so that one that is on its way meets no closed door.
const DRAIN_LINGER: u64 = 1000;
/// How long a client may take to notice that we closed after an answer it didn't expect.
const CLOSING: u64 = 2000;

/// How long is too long, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    header: u64,
    idle: u64,
    stall: u64,
}

impl Limits {
    pub(super) fn of(options: &DoorOptions) -> Self {
        Self {
            header: millis(options.header_timeout),
            idle: millis(options.idle_timeout),
            // The endpoint's own limit runs out first and gives an answer; this one is for a client that doesn't take it.
            stall: millis(options.request_timeout).saturating_add(5000),
        }
    }

    /// Often enough for every limit, rarely enough to cost nothing.
    fn tick(self) -> Duration {
        Duration::from_millis((self.header.min(self.idle).min(self.stall) / 8).clamp(20, 1000))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What a connection does while no request is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It sets up TLS.
    Handshake,
    /// It has not said anything yet.
    Fresh,
    /// It sends the head of a request.
    Head,
    /// It had a request answered and waits for the next.
    Waiting,
    /// We said goodbye and it is still talking.
    Closing,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Handshake, Self::Fresh, Self::Head, Self::Waiting, Self::Closing];
}

/// What a connection was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Order {
    /// Nothing.
    Stay,
    /// To finish what is under way and take nothing new.
    Finish,
    /// To close, whatever is under way.
    Leave,
}

/// One connection, as seen from outside. Written by its own task, read by the watch.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    began: Instant,
    phase: AtomicU8,
    /// Requests whose answer has not been taken whole.
    busy: AtomicU32,
    /// When it last got anywhere, in milliseconds since the roster was made.
    since: AtomicU64,
    order: AtomicU8,
    told: Notify,
    /// The head that was read has both `Content-Length` and `Transfer-Encoding`.
    conflict: AtomicBool,
    /// It speaks HTTP/2, whose clients are told to stop with GOAWAY and not in an answer.
    http2: AtomicBool,
    /// The request had a body, which we may have left unread.
    had_body: AtomicBool,
}

impl Seat {
    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed))]
    }

    pub(super) fn is(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    /// It got somewhere, so its time starts anew.
    pub(super) fn enters(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.progresses();
    }

    /// The first head has its time from the beginning of the connection on, so its clock is not set anew.
    pub(super) fn enters_first_head(&self) {
        self.phase.store(Phase::Head as u8, Relaxed);
    }

    pub(super) fn progresses(&self) {
        self.since.store(self.now(), Relaxed);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Relaxed) > 0
    }

    pub(super) fn speaks_http2(&self) {
        self.http2.store(true, Relaxed);
    }

    pub(super) fn mark_conflict(&self) {
        self.conflict.store(true, Relaxed);
    }

    pub(super) fn take_conflict(&self) -> bool {
        // Nearly every request finds it unset; a plain load spares them the read-modify-write.
        self.conflict.load(Relaxed) && self.conflict.swap(false, Relaxed)
    }

    /// A request has come. It counts until the value is dropped.
    pub(super) fn begins(self: &Arc<Self>, has_body: bool) -> UnderWay {
        self.busy.fetch_add(1, Relaxed);
        self.had_body.store(has_body, Relaxed);
        self.enters(Phase::Waiting);
        UnderWay(self.clone())
    }

    /// Whether bytes may lie unread in the kernel when we close. Closing on them makes it send a reset, which can overtake our last
    /// answer and delete it at the client.
    pub(super) fn may_have_unread(&self) -> bool {
        self.order() == Order::Stay && (self.is(Phase::Head) || self.had_body.load(Relaxed))
    }

    fn order(&self) -> Order {
        match self.order.load(Relaxed) {
            0 => Order::Stay,
            1 => Order::Finish,
            _ => Order::Leave,
        }
    }

    fn tell(&self, order: Order) {
        if self.order.fetch_max(order as u8, Relaxed) < order as u8 {
            self.told.notify_one();
        }
    }

    /// Resolves when it is told this or something stronger.
    pub(super) async fn told(&self, order: Order) -> Order {
        loop {
            if self.order() >= order {
                return self.order();
            }
            self.told.notified().await;
        }
    }
}

/// A request whose answer has not been taken whole.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Seat>);

impl UnderWay {
    pub(super) fn progresses(&self) {
        self.0.progresses();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.progresses();
        self.0.busy.fetch_sub(1, Relaxed);
    }
}

/// Everybody in the house.
#[derive(Debug)]
pub(super) struct Roster {
    began: Instant,
    limits: Limits,
    seats: Mutex<HashMap<u64, Arc<Seat>>>,
    left: Notify,
    next: AtomicU64,
    draining: AtomicBool,
    full: AtomicBool,
}

/// A place on the roster; given up when dropped.
#[derive(Debug)]
pub(super) struct Seated {
    roster: Arc<Roster>,
    pub(super) seat: Arc<Seat>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.roster.lock().remove(&self.seat.number);
        self.roster.left.notify_one();
    }
}

impl Roster {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            began: Instant::now(),
            limits,
            seats: Mutex::default(),
            left: Notify::new(),
            next: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            full: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn take_seat(self: &Arc<Self>) -> Seated {
        let seat = Arc::new(Seat {
            number: self.next.fetch_add(1, Relaxed),
            began: self.began,
            phase: AtomicU8::new(Phase::Fresh as u8),
            busy: AtomicU32::new(0),
            since: AtomicU64::new(millis(self.began.elapsed())),
            order: AtomicU8::new(Order::Stay as u8),
            told: Notify::new(),
            conflict: AtomicBool::new(false),
            had_body: AtomicBool::new(false),
            http2: AtomicBool::new(false),
        });
        self.lock().insert(seat.number, seat.clone());
        Seated { roster: self.clone(), seat }
    }

    /// Resolves when somebody has left since it was last asked. For one waiter.
    pub(super) async fn somebody_left(&self) {
        self.left.notified().await;
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Somebody waits outside, or nobody does any more.
    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, Relaxed);
    }

    /// Whether an answer should be its connection's last. Clients that are told so never send into a closing connection.
    pub(super) fn parts_after_answer(&self) -> bool {
        self.is_draining() || self.full.load(Relaxed)
    }

    /// From now on every answer says that it is the connection's last.
    pub(super) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
        let now = millis(self.began.elapsed());
        for seat in self.lock().values().filter(|seat| !seat.is_busy() && matches!(seat.phase(), Phase::Fresh | Phase::Waiting)) {
            seat.since.fetch_max(now, Relaxed);
        }
    }

    pub(super) fn dismiss_everybody(&self) {
        self.lock().values().for_each(|seat| seat.tell(Order::Leave));
    }

    /// The connections that are missed least, at most `most`: first those that never said anything, then those that have waited longest
    /// for another request, then those that take suspiciously long to say what they want.
    pub(super) fn pick(&self, most: usize) -> Vec<Arc<Seat>> {
        let now = millis(self.began.elapsed());
        let mut seats: Vec<_> = self
            .lock()
            .values()
            .filter_map(|seat| rank(seat, now).map(|rank| ((rank, seat.since.load(Relaxed), seat.number), seat.clone())))
            .collect();
        if seats.len() > most {
            seats.select_nth_unstable_by_key(most, |(key, _)| *key);
            seats.truncate(most);
        }
        seats.sort_unstable_by_key(|(key, _)| *key);
        seats.into_iter().map(|(_, seat)| seat).collect()
    }

    /// Asks a picked connection to leave, unless it has become useful since.
    pub(super) fn ask_to_leave(&self, seat: &Seat) -> bool {
        let Some(_) = rank(seat, millis(self.began.elapsed())) else { return false };
        debug!(phase = ?seat.phase(), "closing a connection to make room for another");
        seat.tell(if seat.is(Phase::Waiting) { Order::Finish } else { Order::Leave });
        true
    }

    /// Looks around, forever.
    pub(super) async fn watch(&self) -> Infallible {
        let mut ticks = tokio::time::interval(self.limits.tick());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = millis(self.began.elapsed());
            self.lock().values().for_each(|seat| self.judge(seat, now));
        }
    }

    fn judge(&self, seat: &Seat, now: u64) {
        let Limits { header, idle, stall } = self.limits;
        let draining = self.is_draining();
        // Not before its first request: GOAWAY in the middle of the opening would lose what came with it.
        if draining && seat.http2.load(Relaxed) && seat.is(Phase::Waiting) {
            seat.tell(Order::Finish);
        }
        let (limit, order) = match seat.phase() {
            _ if seat.is_busy() => (stall, Order::Leave),
            Phase::Fresh if draining => (DRAIN_LINGER.min(header), Order::Finish),
            Phase::Waiting if draining => (DRAIN_LINGER.min(idle), Order::Finish),
            Phase::Handshake | Phase::Fresh | Phase::Head => (header, Order::Leave),
            Phase::Waiting => (idle, Order::Finish),
            Phase::Closing => (CLOSING.min(header), Order::Leave),
        };
        if now.saturating_sub(seat.since.load(Relaxed)) >= limit {
            debug!(phase = ?seat.phase(), busy = seat.is_busy(), "closing a connection that took too long");
            seat.tell(order);
        }
    }
}

/// How gladly a connection is shed; nothing when it must not be.
fn rank(seat: &Seat, now: u64) -> Option<u8> {
    if seat.is_busy() || seat.order() != Order::Stay {
        return None;
    }
    if now.saturating_sub(seat.since.load(Relaxed)) < RECENT {
        return None;
    }
    Some(match seat.phase() {
        Phase::Fresh => 0,
        Phase::Waiting => 1,
        Phase::Handshake | Phase::Head => 2,
        Phase::Closing => 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Arc<Roster> {
        let mut roster = Roster::new(Limits { header: 100, idle: 200, stall: 300 });
        roster.began -= Duration::from_mins(1);
        Arc::new(roster)
    }

    fn seated(roster: &Arc<Roster>, phase: Phase, since: u64) -> Seated {
        let seated = roster.take_seat();
        seated.seat.phase.store(phase as u8, Relaxed);
        seated.seat.since.store(since, Relaxed);
        seated
    }

    #[test]
    fn whoever_waits_longest_is_shed_first_and_whoever_is_being_answered_never() {
        let roster = roster();
        let late = seated(&roster, Phase::Waiting, 20);
        let early = seated(&roster, Phase::Waiting, 10);
        let busy = seated(&roster, Phase::Waiting, 0);
        let _answer = busy.seat.begins(false);
        let asking = seated(&roster, Phase::Head, millis(roster.began.elapsed()));
        let numbers: Vec<_> = roster.pick(9).iter().map(|seat| seat.number).collect();
        assert_eq!(numbers, [early.seat.number, late.seat.number]);
        assert_eq!(roster.pick(1).len(), 1);
        assert!(roster.ask_to_leave(&early.seat) && !roster.ask_to_leave(&early.seat), "it is asked once");
        assert!(!roster.ask_to_leave(&asking.seat));
    }

    #[test]
    fn each_phase_has_its_limit() {
        let roster = roster();
        for (phase, limit, order) in [
            (Phase::Handshake, 100, Order::Leave),
            (Phase::Fresh, 100, Order::Leave),
            (Phase::Head, 100, Order::Leave),
            (Phase::Waiting, 200, Order::Finish),
        ] {
            let seated = seated(&roster, phase, 1000);
            roster.judge(&seated.seat, 1000 + limit - 1);
            assert_eq!(seated.seat.order(), Order::Stay, "{phase:?}");
            roster.judge(&seated.seat, 1000 + limit);
            assert_eq!(seated.seat.order(), order, "{phase:?}");
        }
        let stalled = seated(&roster, Phase::Waiting, 0);
        let _answer = stalled.seat.begins(false);
        let since = stalled.seat.since.load(Relaxed);
        roster.judge(&stalled.seat, since + 299);
        assert_eq!(stalled.seat.order(), Order::Stay);
        roster.judge(&stalled.seat, since + 300);
        assert_eq!(stalled.seat.order(), Order::Leave);
    }

    #[test]
    fn a_seat_is_given_up_when_its_connection_ends() {
        let roster = roster();
        let seated = roster.take_seat();
        assert_eq!(roster.len(), 1);
        drop(seated);
        assert_eq!(roster.len(), 0);
    }
}
