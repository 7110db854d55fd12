//! Who may sign up: nobody, who has a link, everybody.

use offing_core::proto::{Code, OPEN_SIGN_UP, Registration, ServerInfo};
use offing_server::config::RateConfig;

use crate::calls::{Person, Reply};
use crate::harness::{Differs, RECOVERY, World};

async fn with(registration: Registration) -> World {
    World::start_with(Differs { registration, ..Differs::default() }).await
}

async fn joins(world: &World, invite: &str, name: &str) -> Result<Person, Reply> {
    world.try_sign_up(invite, name, "password", RECOVERY).await
}

async fn told(world: &World) -> Registration {
    world.get("/api/v1/info").await.json::<ServerInfo>().registration
}

#[tokio::test]
async fn as_a_rule_a_link_is_wanted() {
    let world = World::start().await;
    assert_eq!(told(&world).await, Registration::Invitation);
    let refused = joins(&world, OPEN_SIGN_UP, "alice").await.unwrap_err();
    assert_eq!(refused.refusal(), (403, Code::InviteUnknown));
}

#[tokio::test]
async fn where_registration_is_closed_nobody_signs_up_with_a_link_neither() {
    let world = with(Registration::Closed).await;
    assert_eq!(told(&world).await, Registration::Closed);
    let invite = world.invite().await;
    for invite in [&invite, OPEN_SIGN_UP, "no such link"] {
        let refused = joins(&world, invite, "alice").await.unwrap_err();
        assert_eq!(refused.refusal(), (403, Code::RegistrationClosed), "{invite}");
    }
    let services = world.state.services();
    assert!(services.first_invite(world.state.now_ms()).await.unwrap().is_none());
}

#[tokio::test]
async fn where_registration_is_open_everybody_signs_up_and_links_go_on_working() {
    let world = with(Registration::Open).await;
    assert_eq!(told(&world).await, Registration::Open);
    joins(&world, OPEN_SIGN_UP, "alice").await.unwrap();
    world.sign_in("alice", "password").await;
    let invite = world.invite().await;
    joins(&world, &invite, "bob").await.unwrap();
    let again = joins(&world, &invite, "carol").await.unwrap_err();
    assert_eq!(again.refusal(), (410, Code::InviteUsed));
    let taken = joins(&world, OPEN_SIGN_UP, "Alice").await.unwrap_err();
    assert_eq!(taken.refusal(), (409, Code::NameTaken));
}

#[tokio::test]
async fn one_address_makes_so_many_accounts_in_an_hour_without_a_link() {
    let rate = RateConfig { sign_ups_per_hour: 2, ..RateConfig::default() };
    let registration = Registration::Open;
    let world =
        World::start_with(Differs { registration, rate: Some(rate), ..Differs::default() }).await;
    joins(&world, OPEN_SIGN_UP, "one").await.unwrap();
    // One that came to nothing does not count.
    assert_eq!(joins(&world, OPEN_SIGN_UP, "one").await.unwrap_err().status, 409);
    joins(&world, OPEN_SIGN_UP, "two").await.unwrap();
    let third = joins(&world, OPEN_SIGN_UP, "three").await.unwrap_err();
    assert_eq!(third.refusal(), (429, Code::RateLimited));
    assert_eq!(third.header("retry-after"), Some("1800"));
    world.sign_up("invited", "password").await;
    world.pass_ms(1_800_000);
    joins(&world, OPEN_SIGN_UP, "three").await.unwrap();
}
