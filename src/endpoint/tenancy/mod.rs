//! The tenants of an app: which one a request is for, and what is wired for it.
//!
//! 1. What a name leads to is kept: fresh for a minute, and an hour more while the app can't be asked; the first
//!    request after the minute starts the next look. What leads to nobody is kept apart, so that a flood of made-up
//!    names pushes out no tenant.
//! 2. A tenant is wired once, whatever name led to it, and stays so until the app says something else of it: its
//!    metadata and its keys are not fetched again because a minute is over.

mod chosen;
mod host;
mod names;
mod source;
mod wiring;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, StatusCode};
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tracing::Instrument as _;

pub(crate) use self::chosen::AskedFor;
use self::names::{Name, NameRef};
pub(crate) use self::wiring::Wiring;
use super::Shared;
use crate::clock::SecondsSinceEpoch;
use crate::forwarded::{PeerAddress, Proxies};
use crate::tenant::{Named, Tenant, TenantBy, TenantFrom, TenantRequest, Tenants, is_id};
use crate::{Error, Result};

/// How many tenants are wired at a time; the one that was used longest ago goes first.
const MOST_TENANTS: u64 = 10_000;
/// How many names of tenants are kept: a host, an id, a domain.
const MOST_NAMES: u64 = 4 * MOST_TENANTS;
/// How many names that nobody has are kept: as many as a flood has within the time that one is good for, at about 300
/// bytes each, so that no name is asked for again and again.
const MOST_UNKNOWN: u64 = 16_384;
/// How long a name that nobody has is not asked for again: a new tenant is there within that time.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
/// How long what was known serves on while the app can't be asked.
const LONGEST_STALE: Duration = Duration::from_secs(3600);
/// After a look that failed.
const NEXT_TRY: Duration = Duration::from_secs(5);
/// The longest name that the app is asked for, in bytes: a host has 253 and a port.
const LONGEST_NAME: usize = 260;

/// The tenants of one app.
#[derive(Debug)]
pub(crate) struct Tenancy {
    source: Arc<dyn Tenants>,
    from: Vec<TenantFrom>,
    fresh: Duration,
    wiring: Wiring,
    /// What names lead to, for those who have to wait: one look for all of them.
    known: Cache<Name, Arc<Known>>,
    /// The same for those who don't: a tenth of moka's price for each request.
    at_hand: quick_cache::sync::Cache<Name, Arc<Known>>,
    unknown: Cache<Name, SecondsSinceEpoch>,
    wired: Cache<Box<str>, Arc<Wired>>,
    wires: tokio::sync::Mutex<()>,
    this: Weak<Self>,
}

/// What a name leads to.
#[derive(Debug)]
struct Known {
    wired: Arc<Wired>,
    found_at: SecondsSinceEpoch,
    /// When the app is asked again.
    next_look: AtomicU64,
}

#[derive(Debug)]
struct Wired {
    tenant: Arc<Tenant>,
    shared: Arc<Shared>,
}

/// Whose a request is, as far as it says so itself.
#[derive(Debug)]
pub(crate) enum Choice {
    /// Nobody is named: the session, or the sign-in, decides.
    Unnamed,
    /// A tenant that is wired.
    Wired(Arc<Shared>),
    /// Names that may be a tenant's.
    Named(Names),
    /// No tenant and not the app either.
    Nowhere(StatusCode),
}

/// What a request names a tenant by, where that takes a look.
#[derive(Debug, Default)]
pub(crate) struct Names {
    wired: Option<Arc<Shared>>,
    others: Vec<TenantName>,
}

#[derive(Debug)]
enum TenantName {
    Id(String, StatusCode),
    Host(String),
}

impl Names {
    /// Whether nobody else is named.
    fn are_of(&self, shared: &Shared) -> bool {
        let id = |shared: &Shared| shared.context.place.tenant().map(Tenant::shared_id);
        self.wired
            .as_ref()
            .is_none_or(|wired| id(wired) == id(shared))
    }
}

impl TenantName {
    fn of(by: TenantBy<'_>, if_unknown: StatusCode) -> Self {
        match by {
            TenantBy::Host(host) => Self::Host(host.to_owned()),
            by => Self::Id(NameRef::of(&by).text().to_owned(), if_unknown),
        }
    }

    fn by(&self) -> TenantBy<'_> {
        match self {
            Self::Id(id, _) => TenantBy::Id(id),
            Self::Host(host) => TenantBy::Host(host),
        }
    }

    /// The answer where nobody has this name.
    fn if_unknown(&self) -> StatusCode {
        match self {
            Self::Id(_, status) => *status,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
        }
    }
}

impl Tenancy {
    pub(crate) fn new(
        source: Arc<dyn Tenants>,
        from: Vec<TenantFrom>,
        fresh: Duration,
        wiring: impl FnOnce(Weak<Self>) -> Wiring,
    ) -> Arc<Self> {
        let lru = EvictionPolicy::lru;
        Arc::new_cyclic(|this| Self {
            source,
            from,
            fresh,
            wiring: wiring(Weak::clone(this)),
            known: Cache::builder()
                .max_capacity(MOST_NAMES)
                .eviction_policy(lru())
                .build(),
            at_hand: quick_cache::sync::Cache::new(MOST_NAMES as usize),
            unknown: Cache::builder()
                .max_capacity(MOST_UNKNOWN)
                .eviction_policy(lru())
                .build(),
            wired: Cache::builder()
                .max_capacity(MOST_TENANTS)
                .eviction_policy(lru())
                .build(),
            wires: tokio::sync::Mutex::new(()),
            this: Weak::clone(this),
        })
    }

    /// Whose a request says that it is.
    pub(crate) fn choice<B>(
        &self,
        request: &Request<B>,
        path: &str,
        proxies: &Proxies,
        peer: Option<PeerAddress>,
    ) -> Choice {
        // In lower case, and with its port where that is not the app's own.
        let host = host::of_request(request, proxies, peer, |host| {
            self.wiring.without_own_port(host)
        });
        let view = TenantRequest {
            host: host.as_deref(),
            path,
            headers: request.headers(),
            extensions: request.extensions(),
        };
        let mut names = Names::default();
        for from in &self.from {
            let named = from.read(&view, self.wiring.own_host(), self.wiring.own_path());
            let by = match &named {
                Named::Nobody => continue,
                Named::Id(id) => TenantBy::Id(id),
                Named::Host => TenantBy::Host(view.host.unwrap_or_default()),
                Named::Strange => return Choice::Nowhere(from.if_strange()),
            };
            match self.at_hand(by) {
                Some(shared) if names.are_of(&shared) => names.wired = Some(shared),
                Some(_) => return Choice::Nowhere(StatusCode::NOT_FOUND),
                None => names.others.push(TenantName::of(by, from.if_strange())),
            }
        }
        match names {
            names if !names.others.is_empty() => Choice::Named(names),
            Names {
                wired: Some(shared),
                ..
            } => Choice::Wired(shared),
            Names { wired: None, .. } => Choice::Unnamed,
        }
    }

    /// The one tenant that all names lead to.
    ///
    /// # Errors
    /// It can't be told now.
    pub(crate) async fn find_all(&self, names: Names) -> Result<Result<Arc<Shared>, StatusCode>> {
        let nobody = StatusCode::NOT_FOUND;
        let mut all = Names {
            wired: names.wired,
            others: Vec::new(),
        };
        for name in &names.others {
            match self.find(name.by()).await? {
                None => return Ok(Err(name.if_unknown())),
                Some(shared) if all.are_of(&shared) => all.wired = Some(shared),
                Some(_) => return Ok(Err(nobody)),
            }
        }
        Ok(all.wired.ok_or(nobody))
    }

    /// What is wired for a name, if that is known now.
    pub(crate) fn at_hand(&self, by: TenantBy<'_>) -> Option<Arc<Shared>> {
        let now = self.wiring.now();
        let known = self.at_hand.get(NameRef::of(&by).key())?;
        if self.is_too_old(&known, now) {
            return None;
        }
        let due = known.next_look.load(Ordering::Relaxed);
        if now.0 >= due && known.take_the_look(due, now.plus(NEXT_TRY)) {
            self.look_again(by);
        }
        Some(Arc::clone(&known.wired.shared))
    }

    /// The same, with a look where it is not known; `None` where there is no such tenant.
    ///
    /// # Errors
    /// It can't be told now, or what the app says of the tenant can't be used.
    pub(crate) async fn find(&self, by: TenantBy<'_>) -> Result<Option<Arc<Shared>>> {
        if let Some(shared) = self.at_hand(by) {
            return Ok(Some(shared));
        }
        let name = NameRef::of(&by);
        let is_name = match by {
            TenantBy::Id(id) => is_id(id),
            _ => (1..=LONGEST_NAME).contains(&name.text().len()),
        };
        if !is_name || self.is_known_to_be_unknown(&name).await {
            return Ok(None);
        }
        // What is too old to serve must not be what the look finds.
        let now = self.wiring.now();
        if let Some(old) = self.known.get(name.key()).await
            && self.is_too_old(&old, now)
        {
            self.forget(&name).await;
        }
        let look = async {
            match self.look_up(by).await {
                Ok(Some(known)) => Ok(known),
                Ok(None) => Err(None),
                Err(error) => {
                    tracing::warn!(%error, "a tenant could not be looked up");
                    Err(Some(error))
                }
            }
        };
        match self.known.try_get_with(name.owned(), look).await {
            Ok(known) => {
                self.at_hand.insert(name.owned(), Arc::clone(&known));
                Ok(Some(Arc::clone(&known.wired.shared)))
            }
            Err(failed) => match &*failed {
                None => Ok(None),
                Some(error) => Err(error.clone()),
            },
        }
    }

    /// Whether it may not even serve while the app can't be asked. A clock that was set back makes nothing young.
    fn is_too_old(&self, known: &Known, now: SecondsSinceEpoch) -> bool {
        let longest = self.fresh.saturating_add(LONGEST_STALE);
        now < known.found_at || now.since(known.found_at) >= longest
    }

    async fn is_known_to_be_unknown(&self, name: &NameRef<'_>) -> bool {
        let now = self.wiring.now();
        let asked = self.unknown.get(name.key()).await;
        asked.is_some_and(|at| at <= now && now.since(at) < UNKNOWN_FOR)
    }

    async fn look_up(&self, by: TenantBy<'_>) -> Result<Option<Arc<Known>>> {
        let found = source::ask(&*self.source, by).await?;
        let (name, now) = (NameRef::of(&by), self.wiring.now());
        let Some(tenant) = found else {
            self.forget(&name).await;
            self.unknown.insert(name.owned(), now).await;
            return Ok(None);
        };
        Ok(Some(Arc::new(Known {
            wired: self.wire(tenant).await?,
            found_at: now,
            next_look: AtomicU64::new(now.plus(self.fresh).0),
        })))
    }

    /// Wires a tenant, if it is not yet, or not as it is now. One at a time: two names of a tenant that are looked up at
    /// once lead to the same.
    async fn wire(&self, tenant: Arc<Tenant>) -> Result<Arc<Wired>> {
        let _one_at_a_time = self.wires.lock().await;
        if let Some(wired) = self.wired.get(tenant.id()).await
            && wired.tenant.is_as(&tenant)
        {
            return Ok(wired);
        }
        if tenant.own_host().is_some() && !self.from.iter().any(TenantFrom::may_name_any_host) {
            // Sign-ins are sent to its host, which is told for nobody's there, or for the app's own, and sent on again.
            return Err(Error::configuration(format!(
                "the tenant {} has a host, and hosts name no tenants here",
                tenant.id()
            )));
        }
        let subdomain = self.from.iter().find_map(TenantFrom::parent_domain);
        let this = Weak::clone(&self.this);
        let shared = self.wiring.of(Arc::clone(&tenant), subdomain, this)?;
        let wired = Arc::new(Wired { tenant, shared });
        let id = wired.tenant.id().into();
        self.wired.insert(id, Arc::clone(&wired)).await;
        Ok(wired)
    }

    async fn forget(&self, name: &NameRef<'_>) {
        self.at_hand.remove(name.key());
        self.known.invalidate(name.key()).await;
    }

    fn look_again(&self, by: TenantBy<'_>) {
        let (Some(this), name) = (self.this.upgrade(), NameRef::of(&by).owned()) else {
            return;
        };
        let work = async move {
            match this.look_up(name.by()).await {
                Ok(Some(known)) => {
                    this.at_hand.insert(name.clone(), Arc::clone(&known));
                    this.known.insert(name, known).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a tenant could not be looked at again; what was known serves");
                }
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(work.in_current_span());
        }
    }
}

impl Known {
    /// Whether it falls to this request to look again.
    fn take_the_look(&self, due: u64, next: SecondsSinceEpoch) -> bool {
        self.next_look
            .compare_exchange(due, next.0, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}
