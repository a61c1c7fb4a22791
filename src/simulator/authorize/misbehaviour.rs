//! Answers to `prompt=none` that no sound provider gives.

use axum::response::Response;
use http::StatusCode;

use super::Attempt;
use crate::simulator::answer;
use crate::simulator::fault::SilentAnswer;
use crate::simulator::html::message;

impl Attempt<'_> {
    pub(super) async fn misbehave(mut self, answer: SilentAnswer) -> Response {
        match answer {
            SilentAnswer::Error(code) => {
                answer::with_error(self.shared, &self.request.address, &code, None)
            }
            SilentAnswer::CodeFor(user) => {
                self.authenticate(user, vec!["pwd".to_owned()], None);
                self.finish(self.answer())
            }
            SilentAnswer::Page => message(
                StatusCode::OK,
                "Not without a page",
                "This provider shows one all the same.",
            ),
            SilentAnswer::Never => std::future::pending().await,
        }
    }
}
