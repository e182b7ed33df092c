//! What must hold in every state, and what must be reached in some.

use protocol::request::{Denied, Outcome, Phase, State};
use stateright::Property;

use crate::Explored;
use crate::world::{END_S, LIVES, Verdict, What, World};

pub(crate) fn promised() -> Vec<Property<Explored>> {
    vec![
        Property::always("at most one session a request", |_, world: &World| {
            world.kept.iter().all(|kept| kept.sessions_made <= 1)
        }),
        Property::always("a session only in the browser that asked", |_, world: &World| {
            world.kept.iter().enumerate().all(|(number, kept)| {
                kept.session.is_none_or(|session| usize::from(session.browser) == number)
            })
        }),
        Property::always("only the device that scanned decides", |_, world: &World| {
            world.kept.iter().all(|kept| {
                kept.decision.is_none_or(|it| kept.scanned.is_some_and(|(device, _)| device == it.sender))
            })
        }),
        Property::always("only the account that scanned is signed in", |_, world: &World| {
            world.kept.iter().all(|kept| {
                kept.session.is_none_or(|it| kept.scanned.is_some_and(|(device, _)| device == it.device))
            })
        }),
        Property::always("no decision after its deadline", |_, world: &World| {
            world.kept.iter().all(|kept| {
                let deadline = kept.scanned.map(|(_, at)| i64::from(at) + LIVES.scanned_s);
                kept.decision.is_none_or(|it| deadline.is_some_and(|deadline| i64::from(it.at) < deadline))
            })
        }),
        Property::always("no session without an approval, or after its deadline", |_, world: &World| {
            world.kept.iter().all(|kept| {
                kept.session.is_none_or(|session| {
                    kept.decision.is_some_and(|it| {
                        it.verdict == Verdict::Approve
                            && i64::from(session.at) < i64::from(it.at) + LIVES.approved_s
                    })
                })
            })
        }),
        Property::always("a revoked device has no session", |_, world: &World| {
            world
                .kept
                .iter()
                .all(|kept| kept.session.is_none_or(|it| !it.lives || world.trusted[usize::from(it.device)]))
        }),
        Property::always("two numbers at most are told to be wrong", |_, world: &World| {
            world.kept.iter().all(|kept| kept.told_wrong <= 2)
        }),
        Property::always("a page sees what was decided and nothing else", |_, world: &World| {
            world.records.iter().flatten().zip(&world.kept).all(|(state, kept)| {
                let decided = kept.decision.map(|it| it.verdict);
                match state {
                    State::Over { outcome: Outcome::Denied(Denied::Check), .. } => {
                        decided == Some(Verdict::WrongNumbers)
                    }
                    State::Over { outcome: Outcome::Denied(Denied::User), .. } => {
                        decided == Some(Verdict::Deny)
                    }
                    state => {
                        !matches!(state.phase(), Phase::Approved | Phase::Redeemed)
                            || decided == Some(Verdict::Approve)
                    }
                }
            })
        }),
        Property::always(
            "where a verified person is asked for, nobody else approves",
            |model: &Explored, world: &World| {
                world.kept.iter().all(|kept| {
                    let approval = kept.decision.filter(|it| it.verdict == Verdict::Approve);
                    !model.asks || approval.is_none_or(|it| it.verified)
                })
            },
        ),
        Property::always("an approval that stands can be redeemed, whatever crashed", stands),
        Property::always("every request ends", |model: &Explored, world: &World| {
            let mut later = world.clone();
            later.now = END_S + 1;
            (0..model.requests).all(|number| {
                let last = model.rules.read(&mut later, number);
                world.now <= END_S || last.is_none_or(|state| state.phase().is_final())
            })
        }),
    ]
}

/// That the exploration comes to the places where something could go wrong.
pub(crate) fn reached(model: &Explored) -> Vec<Property<Explored>> {
    let mut reached = vec![
        Property::sometimes("signed in", |_, world: &World| world.kept[0].sessions_made == 1),
        Property::sometimes("expired", |_, world: &World| {
            ended(world, |it| matches!(it, Outcome::Expired(_)))
        }),
    ];
    if !model.only_logins {
        reached.extend([
            Property::sometimes("denied", |_, world: &World| {
                ended(world, |it| matches!(it, Outcome::Denied(_)))
            }),
            Property::sometimes("cancelled", |_, world: &World| {
                ended(world, |it| matches!(it, Outcome::Cancelled(_)))
            }),
        ]);
    }
    if model.mistypes {
        reached.extend([
            Property::sometimes("denied after three wrong numbers", |_, world: &World| {
                ended(world, |it| matches!(it, Outcome::Denied(Denied::Check)))
            }),
            Property::sometimes("signed in after two wrong numbers", |_, world: &World| {
                world.kept[0].told_wrong == 2 && world.kept[0].session.is_some()
            }),
        ]);
    }
    if model.crashes > 0 {
        reached.push(Property::sometimes("signed in after a crash", |_, world: &World| {
            world.crashes == 1 && world.kept[0].session.is_some_and(|it| it.lives)
        }));
    }
    reached
}

fn ended(world: &World, how: fn(&Outcome) -> bool) -> bool {
    matches!(&world.records[0], Some(State::Over { outcome, .. }) if how(outcome))
}

/// Nothing is lost: while an approval counts and its record is open, the page's next redeem makes the session.
fn stands(model: &Explored, world: &World) -> bool {
    (0..model.requests).all(|number| {
        let kept = world.kept[number];
        let counts = kept.decision.is_some_and(|it| {
            it.verdict == Verdict::Approve
                && !it.is_withdrawn
                && i64::from(world.now) < i64::from(it.at) + LIVES.approved_s
        });
        let is_trusted = kept.scanned.is_some_and(|(device, _)| world.trusted[usize::from(device)]);
        let is_open = world.records[number].as_ref().is_some_and(|state| !state.phase().is_final());
        if !counts || !is_trusted || !is_open {
            return true;
        }
        let mut later = World { under_way: Vec::new(), ..world.clone() };
        let browser = u8::try_from(number).unwrap();
        model.rules.begin(&mut later, number, What::Redeem { browser });
        if !later.under_way.is_empty() {
            model.rules.keep(&mut later, 0);
        }
        later.kept[number].session.is_some()
    })
}
