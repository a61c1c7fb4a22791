//! What users of the crate may rely on of its types.

use axum::Router;
use tower_sso::axum::{AxumService, Refused};
use tower_sso::clock::{Clock, SecondsSinceEpoch, SystemClock, TestClock};
use tower_sso::session::store::{Created, MemoryStore, Replaced, SessionStore};
use tower_sso::test_util::SignedIn;
use tower_sso::vendor::{mosaic, scalekit};
use tower_sso::{
    AccessToken, Action, Auth, BaseUrl, BoxError, ClientSecret, CookieKey, Dangerous, Decision,
    Enrichment, Error, ErrorKind, ForwardedHeaders, Identity, IdentityHook, InvalidCookieKey, Page,
    PageKind, PageRenderer, PeerAddress, Policy, Rejection, RejectionKind, RequireLayer,
    RequireService, Secret, Session, Sso, SsoBody, SsoBuilder, SsoLayer, SsoService, User, Verdict,
};
use tower_sso::{oidc, policy, provider, session, simulator};

fn crosses_threads<T: Send + Sync + ?Sized>() {}

/// A body goes from task to task and is polled by one: as axum's own it is `Send`, no more.
fn can_be_sent<T: Send>() {}

/// A list of types for a function that takes one.
macro_rules! each {
    ($check:ident: $($item:ty),+ $(,)?) => { $($check::<$item>();)+ };
}

#[test]
fn every_type_crosses_threads() {
    each!(crosses_threads:
        AccessToken, Action, Auth, BaseUrl, BoxError, ClientSecret, CookieKey, Dangerous, Decision, Enrichment,
        Error, ErrorKind, ForwardedHeaders, Identity, dyn IdentityHook, InvalidCookieKey, Page, PageKind,
        dyn PageRenderer, PeerAddress, Policy, Rejection, RejectionKind, RequireLayer, RequireService<Router>,
        Secret<String>, Session, Sso, SsoBody<()>, SsoBuilder, SsoLayer, SsoService<Router>, User,
        Verdict,
    );
    each!(crosses_threads: AxumService, dyn Clock, SecondsSinceEpoch, SystemClock, TestClock, SignedIn);
    each!(crosses_threads: policy::Missing, policy::Reason, policy::Requirement, policy::SignInAt);
    each!(crosses_threads:
        session::Lifetime, session::Record, session::ReturnTo, session::SessionKey,
        session::StepUpMark, session::Tokens, Created, MemoryStore, Replaced, dyn SessionStore,
    );
    each!(crosses_threads:
        provider::CodeGrant, dyn provider::HttpClient, provider::HttpError,
        provider::HttpErrorKind, provider::HttpOptions, provider::InProcessClient,
        provider::JwksCache, provider::JwksSource, provider::LogoutRequest, provider::OidcConfig,
        provider::OidcProvider, provider::Origin, dyn provider::Provider, provider::ReqwestClient,
        provider::SignInRequest,
    );
    each!(crosses_threads:
        oidc::Algorithm, oidc::AuthorizationRequest, oidc::AuthorizationResponse, oidc::ClientAuth,
        oidc::ClientAuthChoice, oidc::CompactJwt<'_>, oidc::IdTokenCheck<'_>, oidc::IdTokenClaims,
        oidc::IdTokenFault, oidc::Issuer, oidc::Key, oidc::KeySet, oidc::Prompt,
        oidc::ProviderMetadata, oidc::ResponseMode, oidc::SilentRefusal, oidc::TokenError, oidc::TokenResponse,
        oidc::UserInfoCheck<'_>,
    );
    each!(crosses_threads:
        scalekit::AccessTokenClaims, scalekit::CallbackError, scalekit::DirectSignIn, scalekit::PendingSignIn,
        scalekit::Profile, scalekit::Scalekit, scalekit::ScalekitConfig, scalekit::ScalekitErrorCode,
        scalekit::SignInResult, scalekit::StartedSignIn, scalekit::WinningSelector<'_>,
    );
    each!(crosses_threads:
        simulator::Endpoint, simulator::Fault, simulator::ForgedAlg, simulator::LoginChoice,
        simulator::SigningAlgorithm, simulator::SilentAnswer, simulator::SimulatedClient, simulator::SimulatedUser,
        simulator::Simulator, simulator::SimulatorBuilder, simulator::SimulatorHandle,
    );
    each!(crosses_threads:
        simulator::ScalekitConnection, simulator::ScalekitEndpoint, simulator::ScalekitFault,
        simulator::ScalekitHandle, simulator::ScalekitOrganization, simulator::ScalekitSimulator,
        simulator::ScalekitSimulatorBuilder, simulator::ScalekitUser, simulator::ScalekitWebhook,
    );
    each!(crosses_threads:
        mosaic::Attempt<()>, mosaic::Channel, mosaic::CustomRegion, mosaic::EmailLink, mosaic::Factor,
        mosaic::Identifier, mosaic::Mosaic, mosaic::MosaicConfig, mosaic::Refusal, mosaic::Region,
    );
    each!(crosses_threads:
        scalekit::Connection, scalekit::ConnectionFilter, scalekit::ManagementRefusal,
        scalekit::OrganizationDomain, scalekit::PortalEvent, scalekit::PortalEventType, scalekit::PortalEvents,
        scalekit::PortalFeature, scalekit::PortalLink, scalekit::PortalPage, scalekit::Received,
        scalekit::ScalekitManagement, dyn scalekit::SeenWebhooks, scalekit::Verified, scalekit::WebhookEvent,
        scalekit::WebhookSecret, scalekit::Webhooks,
    );
    each!(can_be_sent: Refused, SsoBody<axum::body::Body>);
}

/// The future of a service is spawned, buffered and boxed.
#[test]
fn every_future_can_be_sent() {
    fn future_of<S: tower::Service<http::Request<axum::body::Body>>>()
    where
        S::Future: Send + 'static,
    {
    }
    each!(future_of: AxumService, SsoService<Router>, RequireService<Router>);
}
