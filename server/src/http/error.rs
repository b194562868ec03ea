//! Errors as answers: one for each protocol, logged once, here.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use comfydock_core::retry;
use comfydock_core::wire::{ErrorBody, Failure};

use super::caller::CHALLENGE;
use crate::service::Error;
use crate::service::token::{Refusal, Rejection};

/// What goes wrong between a request and its answer, whatever the protocol.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
    /// Seconds after which another try makes sense.
    retry_after: Option<u32>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None, retry_after: None }
    }

    /// The same, with the advice to come back.
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.hint = Some(retry::advice(seconds));
        self.retry_after = Some(seconds);
        self
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    /// The answer with the headers that go with its status.
    pub(super) fn finish(&self, mut response: Response) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::NotFound(_) | Error::Unknown { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Error::SignIn => (StatusCode::UNAUTHORIZED, "token_missing"),
            Error::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            Error::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Error::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Error::WrongBytes { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_bytes"),
            Error::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Error::Quota { .. } => (StatusCode::INSUFFICIENT_STORAGE, "quota"),
            Error::TooOften { seconds } => {
                let message = error.to_string();
                return Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", message).retry_after(*seconds);
            }
            Error::UnderWay => {
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, "under_way", error.to_string()).retry_after(1);
            }
            Error::NoRoom { .. } => (StatusCode::INSUFFICIENT_STORAGE, "no_room"),
            _ => {
                tracing::error!(error = error.chain(), "a request failed");
                // What went wrong inside is for the log, not for the network.
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the hub failed; its log says why");
            }
        };
        Self { status, code, message: error.to_string(), hint: error.hint().map(str::to_owned), retry_after: None }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let rejection = match refusal {
            Refusal::Rejected(rejection) => rejection,
            Refusal::Failed(error) => return error.into(),
            refusal @ Refusal::TooMany { seconds } => {
                let message = refusal.to_string();
                return Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_logins", message).retry_after(seconds);
            }
        };
        let code = match &rejection {
            Rejection::Unknown => "token_unknown",
            Rejection::Expired(_) => "token_expired",
            Rejection::Revoked(_) => "token_revoked",
            Rejection::Disabled(_) => "user_disabled",
        };
        let hint = "get a token from whoever runs the hub, then `comfydock hub login`".to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            code,
            message: rejection.to_string(),
            hint: Some(hint),
            retry_after: None,
        }
    }
}

/// A problem as the API tells it: JSON.
pub(super) struct ApiProblem(Problem);

impl<T: Into<Problem>> From<T> for ApiProblem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let Problem { status, code, message, hint, .. } = &self.0;
        let error = Failure { code: (*code).to_owned(), message: message.clone(), hint: hint.clone() };
        self.0.finish((*status, Json(ErrorBody { error })).into_response())
    }
}

/// A problem as git clients can show it: text, which git prints after `remote:`.
pub(super) struct GitProblem(Problem);

impl<T: Into<Problem>> From<T> for GitProblem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for GitProblem {
    fn into_response(self) -> Response {
        let mut text = format!("error: {}\n", self.0.message);
        if let Some(hint) = &self.0.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        self.0.finish((self.0.status, text).into_response())
    }
}
