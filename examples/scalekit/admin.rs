//! What a customer's administrator sets up: the page, the portal in it, and what comes back of it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use tower_sso::vendor::scalekit::{
    ConnectionFilter, PortalEvents, PortalFeature, PortalPage, Received,
};
use tower_sso::{BoxError, Decision, Enrichment, Identity, User};

use crate::app::App;
use crate::page;

/// The role that the admin pages ask for.
pub(crate) const ROLE: &str = "admin";

/// How many lines an organization's journal keeps.
const LINES: usize = 20;

/// The people who administer their organization, by subject. An app has them in its database.
#[derive(Clone)]
pub(crate) struct Admins(Arc<[String]>);

impl Admins {
    pub(crate) fn named(subjects: &str) -> Self {
        Self(subjects.split_whitespace().map(str::to_owned).collect())
    }

    /// The hook: the app's own word on what somebody may do here. A provider's word on it would be each customer's.
    pub(crate) async fn role_of(self, identity: Identity) -> Result<Decision, BoxError> {
        let is_admin = self.0.contains(&identity.claims.subject);
        Ok(if is_admin {
            Decision::Enrich(Enrichment::new().add_role(ROLE))
        } else {
            Decision::Accept
        })
    }
}

/// What happened to an organization lately, newest first.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<HashMap<String, VecDeque<String>>>>);

impl Journal {
    fn add(&self, organization: &str, line: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = all.entry(organization.to_owned()).or_default();
        lines.push_front(line);
        lines.truncate(LINES);
    }

    fn of(&self, organization: &str) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = all.get(organization).into_iter().flatten();
        lines.cloned().collect()
    }
}

/// The organization is that of the session, whatever a request names.
pub(crate) async fn overview(State(app): State<App>, user: User) -> Response {
    let Some(organization) = user.organization() else {
        return no_organization(&app);
    };
    let filter = ConnectionFilter::default()
        .organization(organization)
        .also_unfinished();
    match app.management.connections(&filter).await {
        Ok(connections) => {
            let lines = app.journal.of(organization);
            Html(page::admin(&app, organization, &connections, &lines)).into_response()
        }
        Err(error) => app.failed(&error),
    }
}

/// The link opens once, within a minute: it is made while the page is.
pub(crate) async fn portal(State(app): State<App>, user: User) -> Response {
    let Some(organization) = user.organization() else {
        return no_organization(&app);
    };
    let features = [PortalFeature::Sso, PortalFeature::DirectorySync];
    let link = app.management.portal_link(organization, &features).await;
    let page = link.and_then(|link| {
        PortalPage::new(&link)
            .title("Single sign-on")
            .events_to("/admin/sso/events")
    });
    match page {
        Ok(page) => page.render().into_response(),
        Err(error) => app.failed(&error),
    }
}

/// What the portal told the page around it. It is a hint: the page with the connections asks Scalekit anew.
pub(crate) async fn take_event(
    State((app, events)): State<(App, PortalEvents)>,
    user: User,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let origin = headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    match (events.check(origin, &body), user.organization()) {
        (Ok(event), Some(organization)) => {
            let line = format!("portal: {}", event.event_type);
            app.journal.add(organization, line);
            StatusCode::NO_CONTENT
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(crate) async fn webhook(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(webhooks) = &app.webhooks else {
        return StatusCode::NOT_FOUND;
    };
    match webhooks.receive(&headers, &body).await {
        Ok(Received::New { event, .. }) => {
            if let Some(organization) = &event.organization_id {
                let line = format!("webhook: {}", event.event_type);
                app.journal.add(organization, line);
            }
            StatusCode::OK
        }
        Ok(Received::Again { .. }) => StatusCode::OK,
        Err(error) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

fn no_organization(app: &App) -> Response {
    let text = "You did not sign in for an organization.";
    let page = page::message(app, "No organization", text);
    (StatusCode::FORBIDDEN, Html(page)).into_response()
}
