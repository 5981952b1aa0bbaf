use crate::release::KindId;

use super::*;

fn holder(run: &str) -> Holder {
    Holder {
        run: run.to_owned(),
        user: "root".to_owned(),
        host: "build-7".to_owned(),
        process: 4711,
        client: "`tofu`, process 4700".to_owned(),
        birth: Some(Birth { machine: "boot".to_owned(), started: 7 }),
        since: "2026-11-23T13:40:05Z".to_owned(),
    }
}

fn held() -> Lease {
    Lease::default().taken_by(holder("first"))
}

fn wish() -> Wish<'static> {
    Wish { run: "second", ..Wish::default() }
}

fn asked(number: u64, is_overdue: bool) -> Wish<'static> {
    Wish { question: Some(Question { run: "first", number, is_overdue }), ..wish() }
}

#[test]
fn a_free_lease_is_taken_and_ones_own_is_kept() {
    assert_eq!(Lease::default().claim(&wish()), Claim::Take);
    assert_eq!(held().claim(&Wish { run: "first", ..Wish::default() }), Claim::Mine);
}

#[test]
fn a_holder_that_nobody_has_asked_is_asked_first() {
    assert_eq!(held().claim(&wish()), Claim::Ask);
    assert_eq!(held().with_question().claim(&asked(1, false)), Claim::Wait);
}

#[test]
fn a_holder_that_does_not_answer_in_time_loses_the_lease() {
    assert_eq!(held().with_question().claim(&asked(1, true)), Claim::Take);
}

#[test]
fn a_holder_that_answers_keeps_the_lease_and_is_asked_again_later() {
    let answered = held().with_question().with_answer();
    assert_eq!(answered.claim(&asked(1, false)), Claim::Wait);
    assert_eq!(answered.claim(&asked(1, true)), Claim::Ask);
    let impatient = Wish { is_impatient: true, ..asked(1, true) };
    assert_eq!(answered.claim(&impatient), Claim::Refuse(holder("first")));
}

#[test]
fn silence_of_one_holder_is_not_held_against_the_next() {
    let next = held().with_question().taken_by(holder("third"));
    assert_eq!((next.asked, next.answered), (0, 0));
    assert_eq!(next.claim(&asked(1, true)), Claim::Ask);
}

#[test]
fn a_process_that_is_known_to_have_ended_is_not_waited_for() {
    assert_eq!(held().claim(&Wish { holder_ended: true, ..wish() }), Claim::Take);
}

#[test]
fn an_answer_to_one_is_an_answer_to_all() {
    let asked_twice = held().with_question().with_question().with_answer();
    assert_eq!(asked_twice.claim(&asked(1, true)), Claim::Ask);
    assert_eq!(asked_twice.claim(&asked(2, true)), Claim::Ask);
}

#[test]
fn a_run_that_ends_in_peace_leaves_no_key() {
    let (database, dhcp) = (ComponentId::of(KindId::Database), ComponentId::of(KindId::Dhcp));
    let lease = held().with_finished(&database).with_finished(&dhcp);
    assert_eq!(lease.released(&[database.clone(), dhcp.clone()].into()).encode(), Ok(String::new()));
    // What a run that died has finished stays in the list whoever comes next.
    let rest = lease.taken_by(holder("second")).released(&[database].into());
    assert_eq!((rest.holder.is_none(), rest.unheard), (true, [dhcp].into()));
}

#[test]
fn a_lease_reads_back_and_its_holder_is_told_as_people_would() {
    let lease = held().with_finished(&ComponentId::compute("dc1", "compute-1"));
    let text = lease.encode().unwrap();
    assert_eq!(Lease::decode("prod", &text), Ok(lease));
    assert_eq!(Lease::decode("prod", ""), Ok(Lease::default()));
    let error = Lease::decode("prod", "[").unwrap_err().to_string();
    assert!(error.contains("`prod`") && error.contains("`vio.lease`"), "{error}");
    let told = holder("first").to_string();
    assert_eq!(
        told,
        "`root@build-7` (provider process 4711, run of `tofu`, process 4700) since 2026-11-23T13:40:05Z"
    );
}

#[test]
fn a_later_layout_may_say_more() {
    let text = r#"{"holder":null,"unheard":["database"],"mood":"calm"}"#;
    assert_eq!(Lease::decode("prod", text).unwrap().unheard, [ComponentId::of(KindId::Database)].into());
}

#[test]
fn no_guest_can_read_it() {
    assert!(!KEY.starts_with("guestinfo."));
}
