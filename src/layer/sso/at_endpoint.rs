//! A request to an endpoint: read, and answered here.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::endpoint::tenancy::{Choice, Tenancy};
use crate::endpoint::{Endpoints, LARGEST_BODY, Shared, never_cached};
use crate::forwarded::PeerAddress;

/// How long a client may take to send the body of a request to an endpoint.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where requests to endpoints come in.
pub(super) struct Door {
    pub(super) shared: Arc<Shared>,
    pub(super) tenancy: Option<Arc<Tenancy>>,
    /// Of the connection, where that is known.
    pub(super) peer: Option<PeerAddress>,
}

/// Reads what an endpoint needs of a request, and lets it answer.
pub(super) async fn at_endpoint<B: Body + Send>(
    door: Door,
    request: Request<B>,
) -> Response<Bytes> {
    let peer = PeerAddress::of(request.extensions()).or(door.peer);
    let choice = door.tenancy.as_ref().map_or(Choice::Unnamed, |tenancy| {
        // The path of an endpoint is the app's own.
        tenancy.choice(&request, "/", &door.shared.proxies, peer)
    });
    let (mut parts, body) = request.into_parts();
    // What inner layers of the app put there is not for the endpoints.
    parts.extensions.clear();
    if let Some(peer) = peer {
        parts.extensions.insert(peer);
    }
    let body = if parts.method == Method::POST {
        match tokio::time::timeout(BODY_TIMEOUT, read(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(status)) => return bare(status),
            Err(_) => return bare(StatusCode::REQUEST_TIMEOUT),
        }
    } else {
        Bytes::new()
    };
    let request = Request::from_parts(parts, body);
    let shared = match (choice, &door.tenancy) {
        (Choice::Nowhere(status), _) => return bare(status),
        (Choice::Wired(shared), _) => shared,
        (Choice::Named(names), Some(tenancy)) => match tenancy.find_all(names).await {
            Ok(Ok(shared)) => shared,
            Ok(Err(status)) => return bare(status),
            Err(error) => return door.shared.failed(&error),
        },
        (Choice::Named(_) | Choice::Unnamed, _) => door.shared,
    };
    Endpoints(shared).answer(request).await
}

async fn read<B: Body + Send>(body: B) -> Result<Bytes, StatusCode> {
    let mut body = std::pin::pin!(body);
    let mut read = BytesMut::new();
    while let Some(frame) = body.as_mut().frame().await {
        let Ok(frame) = frame else {
            return Err(StatusCode::BAD_REQUEST);
        };
        if let Ok(mut data) = frame.into_data() {
            use bytes::{Buf as _, BufMut as _};
            if read.len() + data.remaining() > LARGEST_BODY {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            while data.has_remaining() {
                let chunk = data.chunk().len();
                read.put_slice(data.chunk());
                data.advance(chunk);
            }
        }
    }
    Ok(read.freeze())
}

pub(super) fn bare(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    never_cached(response.headers_mut());
    response
}
