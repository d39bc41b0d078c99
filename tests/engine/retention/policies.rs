//! Policies as people type them.

use holdfast::model::retention::PolicyFault;

use super::*;

fn change(
    current: Option<&RetentionPolicy>,
    settings: &[(&str, &str)],
) -> Result<Option<RetentionPolicy>, PolicyFault> {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let settings: Vec<_> = settings.iter().map(own).collect();
    changed(current, &settings).map_err(|e| e.fault)
}

#[test]
fn a_policy_is_kept_as_the_names_that_are_typed() {
    let simple = policy(&[("strategy", "simple"), ("keep_last", "7")]);
    assert_eq!(
        serde_json::to_value(simple).unwrap(),
        serde_json::json!({"strategy": "simple", "keep_last": 7, "keep_days": null, "floor": 3})
    );
    let text = serde_json::to_string(&simple).unwrap();
    assert_eq!(
        serde_json::from_str::<RetentionPolicy>(&text).unwrap(),
        simple
    );
    let hanoi = policy(&[("strategy", "hanoi"), ("levels", "5"), ("floor", "1")]);
    let text = serde_json::to_string(&hanoi).unwrap();
    assert_eq!(
        serde_json::from_str::<RetentionPolicy>(&text).unwrap(),
        hanoi
    );
}

#[test]
fn the_strategy_of_a_first_policy_follows_from_its_settings() {
    for (key, strategy) in [
        ("keep_last", "simple"),
        ("keep_days", "simple"),
        ("keep_daily", "gfs"),
        ("keep_yearly", "gfs"),
        ("levels", "hanoi"),
    ] {
        let made = policy(&[(key, "4")]);
        assert_eq!(made.settings()[0], ("strategy", strategy.to_owned()));
    }
    assert_eq!(
        change(None, &[("floor", "2")]),
        Err(PolicyFault::NoStrategy)
    );
    assert_eq!(
        change(None, &[("keep_last", "2"), ("levels", "2")]),
        Err(PolicyFault::OtherStrategy {
            of: "hanoi",
            is: "simple"
        })
    );
}

#[test]
fn what_is_not_named_stays_and_another_strategy_begins_anew() {
    let first = policy(&[("keep_last", "7"), ("keep_days", "30"), ("floor", "5")]);
    let second = change(Some(&first), &[("keep_last", "9")])
        .unwrap()
        .unwrap();
    assert_eq!((second.days(), second.floor), (Some(30), 5));
    let third = change(Some(&second), &[("keep_days", "")])
        .unwrap()
        .unwrap();
    assert_eq!(
        third.strategy,
        RetentionStrategy::Simple {
            keep_last: Some(9),
            keep_days: None
        }
    );
    let fourth = change(Some(&third), &[("strategy", "hanoi"), ("levels", "6")]);
    assert_eq!(
        fourth,
        Ok(Some(RetentionPolicy {
            strategy: RetentionStrategy::Hanoi { levels: 6 },
            floor: 5
        }))
    );
    let unset = change(Some(&first), &[("floor", "")]).unwrap().unwrap();
    assert_eq!(unset.floor, 3);
    assert_eq!(change(Some(&first), &[("strategy", "")]), Ok(None));
}

#[test]
fn what_cannot_be_is_refused() {
    let first = policy(&[("keep_last", "7")]);
    let number = |least, most| PolicyFault::Number { least, most };
    let simple_needs = PolicyFault::KeepsNothing {
        strategy: "simple",
        keys: "keep_last or keep_days",
    };
    let table: &[(&[(&str, &str)], PolicyFault)] = &[
        (&[("keep_lost", "7")], PolicyFault::UnknownKey),
        (&[("strategy", "fifo")], PolicyFault::UnknownStrategy),
        (&[("keep_last", "0")], number(1, 100_000)),
        (&[("keep_last", "-1")], number(1, 100_000)),
        (&[("keep_last", "+1")], number(1, 100_000)),
        (&[("keep_last", "many")], number(1, 100_000)),
        (&[("keep_last", "1.5")], number(1, 100_000)),
        (&[("keep_days", "40000")], number(1, 36_525)),
        (&[("floor", "0")], number(1, 100_000)),
        (&[("strategy", "hanoi"), ("levels", "33")], number(1, 32)),
        (
            &[("keep_daily", "7")],
            PolicyFault::OtherStrategy {
                of: "gfs",
                is: "simple",
            },
        ),
        (
            &[("strategy", "gfs"), ("keep_last", "7")],
            PolicyFault::OtherStrategy {
                of: "simple",
                is: "gfs",
            },
        ),
        (&[("keep_last", "")], simple_needs),
        (
            &[("strategy", "hanoi")],
            PolicyFault::KeepsNothing {
                strategy: "hanoi",
                keys: "levels",
            },
        ),
        (
            &[("strategy", ""), ("keep_last", "7")],
            PolicyFault::Removed,
        ),
        (
            &[("keep_last", "7"), ("keep_last", "8")],
            PolicyFault::Twice,
        ),
    ];
    for (settings, fault) in table {
        assert_eq!(
            change(Some(&first), settings).as_ref(),
            Err(fault),
            "{settings:?}"
        );
    }
}
