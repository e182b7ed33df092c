//! The OpenAPI document: what the handlers say of themselves, and what holds for all of them.

use protocol::wire::ProblemBody;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{
    Content, ContentBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema, Type,
};
use utoipa::{OpenApi, ToSchema as _};

#[derive(OpenApi)]
#[openapi(info(
    title = "Countersign",
    description = "Sign in to a page by approving it on another computer. The ceremony is described in docs/protocol.md.",
    license(name = "MIT OR Apache-2.0")
))]
struct Document;

/// The document of these calls, as JSON text.
pub(super) fn of(calls: utoipa::openapi::OpenApi) -> String {
    let mut document = Document::openapi();
    document.merge(calls);
    let scheme = ApiKeyValue::with_description(
        "Authorization",
        "`DPoP TOKEN`, with a proof of the device's key for this token in the header `DPoP` (RFC 9449)",
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("device", SecurityScheme::ApiKey(ApiKey::Header(scheme)));
    components.schemas.insert("ScanBody".to_owned(), scan_body());
    for (schema, member) in [("DeviceName", "name"), ("EnrolDevice", "name")] {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(schema)
            && let Some(RefOr::T(Schema::Object(name))) = object.properties.get_mut(member)
        {
            name.pattern = Some(has_a_visible_character());
        }
    }
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            say_what_all_do(operation);
        }
    }
    document.to_json().expect("the document is made of strings and numbers")
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn say_what_all_do(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    responses.entry("4XX".to_owned()).or_insert_with(|| problem("A problem"));
    responses.entry("503".to_owned()).or_insert_with(|| problem("store_unavailable, with Retry-After"));
    // A missing body counts as `{}`, see `json`; where a member is needed that is refused.
    if let Some(RefOr::T(RequestBody { content, required, .. })) = &mut operation.request_body {
        let optional = ["StartBody", "EndSessionBody"].map(|name| format!("#/components/schemas/{name}"));
        let is_optional = content.values().any(|content| match content {
            RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => {
                optional.contains(&schema.ref_location)
            }
            RefOr::T(_) | RefOr::Ref(_) => false,
        });
        if is_optional {
            *required = Some(Required::False);
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "after"
        {
            count_from_0(parameter);
        }
    }
}

fn count_from_0(parameter: &mut Parameter) {
    parameter.schema =
        Some(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX)).into());
}

fn problem(description: &str) -> RefOr<Response> {
    let name = ProblemBody::name();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
        .into()
}

/// Exactly one of the two codes, with a `via` that goes with it.
fn scan_body() -> RefOr<Schema> {
    let text =
        |description: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    let form = |needed: &str, meaning: &str, absent: &str, ways: &[&str]| {
        ObjectBuilder::new()
            .property(needed, text(meaning))
            .property(absent, ObjectBuilder::new().schema_type(Type::Null))
            .property("via", text("How it was read.").enum_values(Some(ways.iter().copied())))
            .required(needed)
            .required("via")
    };
    let ways = ["camera", "screen", "image", "link"];
    let forms = OneOfBuilder::new()
        .description(Some("`POST /api/scans`: exactly one of `code` and `user_code`."))
        .item(form("code", "The 40 characters of a frame.", "user_code", &ways))
        .item(form("user_code", "What the person typed.", "code", &["typed"]));
    RefOr::T(Schema::OneOf(forms.build()))
}

/// A name of nothing but white space and what is taken out of names (`protocol::text::is_unsafe`) is none.
fn has_a_visible_character() -> String {
    let unseen = r"\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB";
    format!("[^\\s{unseen}\u{E0000}-\u{E0FFF}]")
}
