//! Customers for examples.

use super::tenant::{ScalekitConnection, ScalekitOrganization, ScalekitUser};
use super::{ScalekitSimulator, ScalekitSimulatorBuilder};

/// An environment with three customers; see [`ScalekitSimulator::demo`].
pub(super) fn demo(url: &str, app: &str) -> ScalekitSimulatorBuilder {
    let app = app.trim_end_matches('/');
    let organization = ScalekitOrganization::new;
    let connection = ScalekitConnection::new;
    let builder = ScalekitSimulator::builder(url)
        .client("skc_demo", "demo-secret")
        .redirect_uri(&format!("{app}/auth/callback"))
        .initiate_login_uri(&format!("{app}/auth/login"))
        .post_logout_redirect_uri(&format!("{app}/auth/logged-out"))
        .organization(
            organization("org_example")
                .name("Example Corp")
                .domain("example.com"),
        )
        .organization(
            organization("org_society")
                .name("Example Society")
                .domain("example.org"),
        )
        .organization(
            organization("org_newcomer")
                .name("Newcomer Ltd")
                .domain("example.net"),
        )
        .connection(connection("conn_example_okta", "org_example").provider("OKTA"))
        .connection(
            connection("conn_example_old", "org_example")
                .provider("ADFS")
                .type_("SAML")
                .enabled(false),
        )
        .connection(
            connection("conn_society_entra", "org_society")
                .provider("MICROSOFT_AD")
                .type_("SAML"),
        )
        .connection(
            connection("conn_newcomer_google", "org_newcomer")
                .provider("GOOGLE")
                .status("DRAFT")
                .enabled(false),
        );
    people()
        .into_iter()
        .fold(builder, ScalekitSimulatorBuilder::user)
}

fn people() -> [ScalekitUser; 4] {
    let person = |connection, id, email, given, family| {
        ScalekitUser::new(connection, id)
            .email(email)
            .name(given, family)
            .username(id)
    };
    let okta = "conn_example_okta";
    let entra = "conn_society_entra";
    [
        person(okta, "alice", "alice@example.com", "Alice", "Adams")
            .attribute("department", "payroll"),
        person(okta, "bob", "bob@example.com", "Bob", "Brown"),
        person(entra, "carol", "carol@example.org", "Carol", "Clark"),
        person(entra, "dave", "dave@example.org", "Dave", "Davis"),
    ]
}
