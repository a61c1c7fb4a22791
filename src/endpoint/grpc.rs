//! gRPC and gRPC-Web: which requests are calls, and how a call is told its status without a message.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};

/// What a call is answered with: the media type that its own `Content-Type` belongs to. A gRPC-Web client
/// takes `application/grpc` for something else than an answer. `None` where this is no call.
pub(super) fn answer_type(headers: &HeaderMap) -> Option<&'static str> {
    let sent = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let end = sent.iter().position(|byte| matches!(byte, b';' | b'+'));
    let sent = sent[..end.unwrap_or(sent.len())].trim_ascii();
    // RFC 9110 section 8.3.1: media types are case-insensitive.
    [
        "application/grpc",
        "application/grpc-web",
        "application/grpc-web-text",
    ]
    .into_iter()
    .find(|known| sent.eq_ignore_ascii_case(known.as_bytes()))
}

/// A status in the trailers-only form: all in the header fields of a 200. `asked` are the request's headers.
pub(super) fn status(code: u8, message: &'static str, asked: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    let media_type = answer_type(asked).unwrap_or("application/grpc");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    headers.insert("grpc-message", HeaderValue::from_static(message));
    response
}
