//! One table of everything the API offers; router and OpenAPI document are made from it.

use axum::routing::{MethodRouter, delete, get, head, patch, post, put};
use comfydock_core::wire::{
    AuditPage, Changes, Contribution, CreatedToken, EnvironmentChange, EnvironmentList, EnvironmentSummary, Found,
    LookupAnswer, LookupRequest, Member, MemberList, NewRole, NewTeam, NewToken, NewUser, ObservationBatch, Receipt,
    StoredBlob, Team, TeamList, TokenList, User, UserList, Whoami,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{account, blobs, catalog, environments, people};
use crate::state::App;

type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A parameter behind the question mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) meaning: &'static str,
}

/// What a parameter can be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    YesOrNo,
    Text,
    /// Between these two.
    Number(i64, i64),
}

/// One operation of the API.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    /// Below `/api`.
    pub(super) path: &'static str,
    /// Its name for generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) handler: MethodRouter<App>,
    pub(super) query: &'static [Asked],
    pub(super) body: Option<Shape>,
    pub(super) status: u16,
    pub(super) answer: Option<Shape>,
    /// Whether it is answered without a token, where anything is public.
    pub(super) is_open: bool,
    /// Whether the body, or the answer, is a file as it is.
    pub(super) sends_bytes: bool,
    pub(super) answers_bytes: bool,
    /// Headers that matter.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Further answers that mean something of their own here.
    pub(super) also: &'static [(u16, &'static str)],
}

impl Endpoint {
    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: MethodRouter<App>,
    ) -> Self {
        let (query, body, answer) = (&[], None, None);
        Self {
            method,
            path,
            id,
            summary,
            handler,
            query,
            body,
            status: 204,
            answer,
            is_open: false,
            sends_bytes: false,
            answers_bytes: false,
            headers: &[],
            also: &[],
        }
    }

    fn asks(mut self, query: &'static [Asked]) -> Self {
        self.query = query;
        self
    }

    fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(|generator| generator.subschema_for::<T>());
        self
    }

    fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(|generator| generator.subschema_for::<T>());
        self.status = 200;
        self
    }

    fn creates<T: JsonSchema>(self) -> Self {
        Self { status: 201, ..self.answers::<T>() }
    }

    fn takes_bytes(self) -> Self {
        Self { sends_bytes: true, ..self }
    }

    fn answers_bytes(self) -> Self {
        Self { answers_bytes: true, status: 200, ..self }
    }

    fn reads(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    fn or(self, also: &'static [(u16, &'static str)]) -> Self {
        Self { also, ..self }
    }

    fn open(self) -> Self {
        Self { is_open: true, ..self }
    }
}

/// Every operation.
pub(super) fn endpoints() -> Vec<Endpoint> {
    use Endpoint as E;
    let environment = "/v1/environments/{owner}/{name}";
    let blob = "/v1/blobs/{key}";
    let member = "/v1/teams/{team}/members/{user}";
    vec![
        E::new("get", "/v1/whoami", "whoami", "Who the token belongs to, and what it may do", get(account::whoami))
            .answers::<Whoami>(),
        E::new("get", "/v1/environments", "list_environments", "The environments one may see", get(environments::list))
            .asks(&[Asked {
                name: "deleted",
                kind: Kind::YesOrNo,
                meaning: "Instead those that are deleted and that one may restore",
            }])
            .answers::<EnvironmentList>()
            .open(),
        E::new("get", environment, "get_environment", "One environment", get(environments::describe))
            .answers::<EnvironmentSummary>()
            .open(),
        E::new(
            "patch",
            environment,
            "change_environment",
            "Rename it, or say who sees it",
            patch(environments::change),
        )
        .takes::<EnvironmentChange>()
        .answers::<EnvironmentSummary>(),
        E::new(
            "delete",
            environment,
            "delete_environment",
            "Delete it; it can be restored for a time",
            delete(environments::delete),
        )
        .answers::<EnvironmentSummary>(),
        E::new(
            "post",
            "/v1/environments/{owner}/{name}/restore",
            "restore_environment",
            "Take its deletion back",
            post(environments::restore),
        )
        .answers::<EnvironmentSummary>(),
        E::new(
            "post",
            "/v1/models/lookup",
            "look_up_models",
            "What is known of up to 1000 models",
            post(catalog::look_up),
        )
        .takes::<LookupRequest>()
        .answers::<LookupAnswer>()
        .open(),
        E::new(
            "post",
            "/v1/models",
            "contribute",
            "Tell sources of models that an environment names",
            post(catalog::contribute),
        )
        .takes::<Contribution>()
        .answers::<Receipt>(),
        E::new(
            "get",
            "/v1/models/changes",
            "list_changes",
            "What of the catalog changed, for those who keep a copy",
            get(catalog::list_changes),
        )
        .asks(&[
            Asked {
                name: "since",
                kind: Kind::Text,
                meaning: "`next` of the answer before; without it, or when it is too old, all is told",
            },
            Asked {
                name: "limit",
                kind: Kind::Number(1, 500),
                meaning: "Environments of an answer, 100 unless told; at most 500",
            },
        ])
        .answers::<Changes>()
        .open(),
        E::new(
            "post",
            "/v1/observations",
            "observe",
            "Tell what sources turned out to be worth",
            post(catalog::observe),
        )
        .takes::<ObservationBatch>()
        .answers::<Receipt>(),
        E::new("get", "/v1/models/{key}", "get_model", "What is known of one model", get(catalog::model))
            .answers::<Found>()
            .open(),
        E::new("get", blob, "get_blob", "A model file that the hub keeps", get(blobs::get))
            .reads(&[("Range", "One range of bytes"), ("If-Range", "The range only if the ETag is still this")])
            .answers_bytes()
            .or(&[
                (206, "The range."),
                (304, "The client has it."),
                (416, "The file has no such range; Content-Range says its size."),
            ])
            .open(),
        E::new("head", blob, "find_blob", "Whether the hub has a model file that one may read", head(blobs::head))
            .answers_bytes()
            .or(&[(304, "The client has it.")])
            .open(),
        E::new("put", blob, "send_blob", "Send a piece of a model file", put(blobs::put))
            .asks(&[Asked {
                name: "environment",
                kind: Kind::Text,
                meaning: "For which environment, as `owner/name`; its history must name the model",
            }])
            .reads(&[("Content-Range", "`bytes FIRST-LAST/SIZE`; `bytes */SIZE` without a body asks where to go on")])
            .takes_bytes()
            .creates::<StoredBlob>()
            .or(&[
                (202, "More is to come: go on at the byte that the header Upload-Offset says."),
                (409, "The piece begins elsewhere: go on at the byte that the header Upload-Offset says. Without that header, as for all."),
                (413, "The file is larger than this hub takes."),
                (422, "The environment names no such model, or the bytes are not the file's: then they were thrown away."),
                (503, "Another request sends this file: come back after Retry-After."),
                (507, "The owner's room for models, or the hub's disk, is used up. What arrived stays."),
            ]),
        E::new("get", "/v1/tokens", "list_tokens", "One's tokens, without their text", get(account::tokens))
            .asks(&[Asked {
                name: "user",
                kind: Kind::Text,
                meaning: "Those of this user instead; for admins of the hub",
            }])
            .answers::<TokenList>(),
        E::new(
            "post",
            "/v1/tokens",
            "create_token",
            "Make a token that may do no more than this one",
            post(account::create_token),
        )
        .takes::<NewToken>()
        .creates::<CreatedToken>(),
        E::new("delete", "/v1/tokens/{id}", "revoke_token", "End a token at once", delete(account::revoke_token)),
        E::new("get", "/v1/teams", "list_teams", "The teams one is in; for admins of the hub all", get(people::teams))
            .answers::<TeamList>(),
        E::new("post", "/v1/teams", "add_team", "Add a team; for admins of the hub", post(people::add_team))
            .takes::<NewTeam>()
            .creates::<Team>(),
        E::new("get", "/v1/teams/{team}/members", "list_members", "Who is in a team", get(people::members))
            .answers::<MemberList>(),
        E::new(
            "put",
            member,
            "set_member",
            "Put a user into a team, or change the role there",
            put(people::set_member),
        )
        .takes::<NewRole>()
        .answers::<Member>(),
        E::new("delete", member, "remove_member", "Take a user out of a team", delete(people::remove_member)),
        E::new("get", "/v1/users", "list_users", "All users; for admins of the hub", get(people::users))
            .answers::<UserList>(),
        E::new("post", "/v1/users", "add_user", "Add a user; for admins of the hub", post(people::add_user))
            .takes::<NewUser>()
            .creates::<User>(),
        E::new(
            "post",
            "/v1/users/{user}/disable",
            "disable_user",
            "Shut a user out; for admins of the hub",
            post(people::disable_user),
        )
        .answers::<User>(),
        E::new(
            "post",
            "/v1/users/{user}/enable",
            "enable_user",
            "Let a user in again; for admins of the hub",
            post(people::enable_user),
        )
        .answers::<User>(),
        E::new(
            "get",
            "/v1/audit",
            "list_audit",
            "What was done, the newest first; for admins of the hub",
            get(people::record),
        )
        .asks(&[
            Asked { name: "subject", kind: Kind::Text, meaning: "Only what was done to this, such as `studio/look`" },
            Asked {
                name: "before",
                kind: Kind::Number(1, i64::MAX),
                meaning: "Only entries before this one: `next` of the page before",
            },
            Asked {
                name: "limit",
                kind: Kind::Number(1, 1000),
                meaning: "Entries of a page, 100 unless told; at most 1000",
            },
        ])
        .answers::<AuditPage>(),
    ]
}
