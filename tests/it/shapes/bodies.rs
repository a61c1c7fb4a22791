//! Bodies go through as they are, whatever their type.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, RequireLayer};

use crate::support::App;

/// A body that no framework knows: frames that a test made, one at a time, not `Sync`, not `Default`.
pub(super) struct Frames(Vec<Result<Frame<Bytes>, io::Error>>, PhantomData<Cell<u8>>);

impl Frames {
    pub(super) fn new(frames: impl IntoIterator<Item = Result<Frame<Bytes>, io::Error>>) -> Self {
        let mut frames: Vec<_> = frames.into_iter().collect();
        frames.reverse();
        Self(frames, PhantomData)
    }

    pub(super) fn of(text: &'static str) -> Self {
        Self::new([data(text)])
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(self.0.pop())
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(5)
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn broken() -> Result<Frame<Bytes>, io::Error> {
    Err(io::Error::other("the disk is gone"))
}

async fn signed_in(app: &App) -> String {
    app.sso.sign_in(SignedIn::new("ada")).await.unwrap()
}

#[tokio::test]
async fn a_response_keeps_its_frames_its_trailers_its_length_and_its_errors() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(RequireLayer::new(Policy::login()))
        .service(service_fn(|_: Request<Body>| async {
            let mut trailers = HeaderMap::new();
            trailers.insert("checksum", HeaderValue::from_static("7"));
            let frames = [data("one"), Ok(Frame::trailers(trailers)), broken()];
            Ok::<_, Infallible>(Response::new(Frames::new(frames)))
        }));
    let request = Request::get("/").header(header::COOKIE, cookie);
    let request = request.body(Body::empty()).unwrap();
    let mut body = service.oneshot(request).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "one");
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap()["checksum"], "7");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the disk is gone");
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn a_body_of_our_own_says_its_length_and_ends() {
    let app = App::new();
    let service = app.sso.layer().layer(service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Frames::of("in")))
    }));
    let request = Request::get("/auth/session").body(Body::empty()).unwrap();
    let mut body = service.oneshot(request).await.unwrap().into_body();
    let length = body.size_hint().exact().unwrap();
    assert!(!body.is_end_stream());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap().len() as u64, length);
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

/// The handler is called before the body has come, and reads it as it comes.
#[tokio::test]
async fn a_request_streams_through_to_its_handler() {
    for remote in [false, true] {
        let app = match remote {
            true => App::with_remote_store().0,
            false => App::new(),
        };
        let cookie = signed_in(&app).await;
        let (frames, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, io::Error>>(1);
        let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
        let (began, begins) = tokio::sync::oneshot::channel();
        let began = std::sync::Arc::new(std::sync::Mutex::new(Some(began)));
        let service = ServiceBuilder::new()
            .layer(app.sso.layer())
            .layer(RequireLayer::new(Policy::login()))
            .service(service_fn(move |request: Request<Body>| {
                let began = began.lock().unwrap().take().unwrap();
                async move {
                    began.send(()).unwrap();
                    let read = request.into_body().collect().await.unwrap().to_bytes();
                    Ok::<_, Infallible>(Response::new(Body::from(read)))
                }
            }));
        let request = Request::put("/").header(header::COOKIE, cookie);
        let answer = tokio::spawn(service.oneshot(request.body(body).unwrap()));
        begins.await.unwrap();
        for text in ["one ", "two"] {
            frames.send(Ok(text.into())).await.unwrap();
        }
        drop(frames);
        let body = answer.await.unwrap().unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "one two");
    }
}

#[tokio::test]
async fn a_request_body_of_any_type_reaches_its_handler() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(RequireLayer::new(Policy::login()))
        .service(service_fn(|request: Request<Frames>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        }));
    let request = Request::put("/").header(header::COOKIE, cookie);
    let echoed = service.oneshot(request.body(Frames::of("echo")).unwrap());
    let body = echoed.await.unwrap().into_body().collect().await;
    assert_eq!(body.unwrap().to_bytes(), "echo");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_reads_a_body_only_as_far_as_it_is_one() {
    let app = App::new();
    let post = |body: Body| {
        let service = app.sso.into_axum(app.routes());
        let request = Request::post("/auth/logout")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        async move {
            let request = request.body(body).unwrap();
            service.oneshot(request).await.unwrap().status()
        }
    };
    assert_eq!(
        post(Body::new(Frames::of("return_to=/"))).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        post(Body::new(Frames::new([data("return_to=/"), broken()]))).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        post(Body::from(vec![b'a'; 64 * 1024 + 1])).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let never = Body::from_stream(tokio_stream::pending::<Result<Bytes, Infallible>>());
    assert_eq!(post(never).await, StatusCode::REQUEST_TIMEOUT);
}
