//! Answers to `prompt=none` that a test asks for.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_silent_request_is_answered_as_the_test_wants_it_and_others_are_not() {
    let silent = [("prompt", "none")];
    let mut world = World::new();
    world.sign_in(&[]).await;
    let handle = world.simulator.handle().clone();
    let set = |answer| {
        handle.clear_faults();
        handle.set_fault(Fault::SilentAnswer(answer));
    };
    set(SilentAnswer::Error("consent_required".to_owned()));
    let answer = world.authorize(&silent).await;
    assert_eq!(answer.param("error").unwrap(), "consent_required");
    assert!(answer.param("code").is_none());
    assert!(world.authorize(&[]).await.param("code").is_some());

    set(SilentAnswer::Page);
    let page = world.authorize(&silent).await;
    assert_eq!((page.status, page.location()), (StatusCode::OK, ""));

    set(SilentAnswer::Never);
    let minute = Duration::from_secs(60);
    let waited = tokio::time::timeout(minute, world.authorize(&silent)).await;
    assert!(waited.is_err());

    for before in ["somebody else", "nobody"] {
        if before == "nobody" {
            handle.end_sessions();
        }
        set(SilentAnswer::CodeFor("bob".to_owned()));
        let code = world.authorize(&silent).await.param("code").unwrap();
        let tokens = world.redeem(&code).await.json();
        let claims = part(tokens["id_token"].as_str().unwrap(), 1);
        assert_eq!(claims["sub"], "bob", "{before}");
    }
}
