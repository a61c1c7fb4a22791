//! The end of a sign-in.

use super::*;

async fn sign_out(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.get(&format!("/oidc/logout?{}", form(fields))).await
}

#[tokio::test]
async fn a_sign_out_leads_to_what_is_registered() {
    let world = World::new();
    let hint = text(&world.tokens().await, "id_token");
    let back = ("post_logout_redirect_uri", "https://app.example/bye");
    let hint = ("id_token_hint", &*hint);
    world.clock.advance(7200 * SECOND);
    let answer = sign_out(&world, &[hint, back, ("state", "s t")]).await;
    assert_eq!(answer.location(), "https://app.example/bye?state=s+t");
    let answer = sign_out(&world, &[hint, back]).await;
    assert_eq!(answer.location(), "https://app.example/bye");
    assert_eq!(sign_out(&world, &[hint]).await.status, 200);
    assert_eq!(world.handle().logouts(), 3);
    for uri in [
        "https://app.example/bye/",
        "https://evil.example/",
        CALLBACK,
    ] {
        let away = ("post_logout_redirect_uri", uri);
        assert_eq!(sign_out(&world, &[hint, away]).await.status, 400, "{uri}");
    }
    assert_eq!(world.handle().logouts(), 3);
}

#[tokio::test]
async fn nobody_is_signed_out_without_a_good_hint() {
    let world = World::new();
    let back = ("post_logout_redirect_uri", "https://app.example/bye");
    assert_eq!(sign_out(&world, &[back]).await.status, 400);
    let other = World::new();
    let hint = text(&other.tokens().await, "id_token");
    let answer = sign_out(&world, &[("id_token_hint", &hint), back]).await;
    assert_eq!(answer.status, 400, "of another environment");
}

#[tokio::test]
async fn refresh_tokens_end_with_their_sign_in() {
    let world = World::with(ScalekitSimulatorBuilder::refresh_tokens);
    let (gone, kept) = (world.tokens().await, world.tokens().await);
    let hint = text(&gone, "id_token");
    assert_eq!(
        sign_out(&world, &[("id_token_hint", &hint)]).await.status,
        200
    );
    for (tokens, status) in [(gone, 400), (kept, 200)] {
        let token = text(&tokens, "refresh_token");
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*token),
            ("client_id", "skc_1"),
            ("client_secret", "s3cr3t"),
        ];
        let answer = world.post("/oauth/token", &fields).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}
