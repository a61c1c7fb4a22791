//! The first request of a tenant, for which the app is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower_sso::Sso;
use tower_sso::simulator::Endpoint;
use tower_sso::tenant::{TenantBy, TenantFrom, from_fn};

use crate::support::{TenantApp, drop_at_each_await};

/// An app whose database of tenants takes a while, and how often that was asked.
fn slow() -> (TenantApp, Arc<AtomicUsize>) {
    let asked: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&asked);
    let tenants = from_fn(move |by| {
        count.fetch_add(1, Ordering::SeqCst);
        let found = matches!(by, TenantBy::Id("acme")).then(|| TenantApp::tenant("acme"));
        Box::pin(async move {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            Ok(found.map(Arc::new))
        })
    });
    let app = TenantApp::from(Sso::for_tenants(tenants), |builder| {
        builder.tenant_from(TenantFrom::path("/t/"))
    });
    (app, asked)
}

/// Whoever hangs up first leaves the next one no tenant that is unknown, half wired, or fetched for twice.
#[tokio::test]
async fn the_first_request_of_a_tenant() {
    for path in ["/t/acme/protected", "/auth/login?tenant=acme"] {
        let points = drop_at_each_await(
            async || slow(),
            async |(app, _)| app.visit(path).no_follow().await,
            async |(app, asked), dropped| {
                let page = app.visit(path).no_follow().await;
                let to = page.location().unwrap();
                assert!(to.as_str().starts_with(TenantApp::ACME), "{path}");
                let asked = asked.load(Ordering::SeqCst);
                assert!(asked <= 2, "{path} {}: {asked}", dropped.polls);
                let idp = app.acme.handle();
                assert_eq!(idp.requests(Endpoint::Discovery), 1, "{path}");
            },
        )
        .await;
        assert!(points > 3, "{path}: {points}");
    }
}
