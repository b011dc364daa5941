//! What a message says: the text that it brings, or that of a template.

use std::str::FromStr;

use minijinja::value::{Serde, Value};

use super::ApiState;
use crate::accept::{Accepted, Client, Code, Fault, Wish, WithoutRoute, accept, accept_saying};
use crate::domain::{Flag, Flags, mask_number};
use crate::notify::{Locale, Rendered};

/// Checks a wish, with its text or its template's. What a personal template says goes to certified numbers alone, but
/// for codes: one of them is how a number becomes certified.
pub(super) async fn accept_wish(state: &ApiState, client: &Client, wish: &Wish<'_>) -> Result<Accepted, Vec<Fault>> {
    if wish.template.is_none() && wish.vars.is_none() && wish.locale.is_none() {
        return accept(&state.intake, client, wish);
    }
    let rendered = rendered(state, wish);
    let said = rendered.as_ref().map(Rendered::body).map_err(Clone::clone);
    let mut accepted = accept_saying(&state.intake, client, wish, said, WithoutRoute::Refused)?;
    if rendered.is_ok_and(|rendered| rendered.personal) {
        accepted.flags = Flags::default().with(Flag::Personal);
        if accepted.needs_certified() {
            certified(state, client, &accepted).await.map_err(|fault| vec![fault])?;
        }
    }
    Ok(accepted)
}

async fn certified(state: &ApiState, client: &Client, accepted: &Accepted) -> Result<(), Fault> {
    let number = accepted.message.to.digits();
    let asked = [(client.name.clone(), number.into())];
    match state.store.are_certified(&asked).await.as_deref() {
        Ok([true]) => Ok(()),
        Ok(_) => {
            let detail = "is not certified, and the template is for certified numbers alone";
            Err(Fault::new("/to", Code::NumberNotCertified, detail)
                .got(mask_number(&format!("+{number}")))
                .hint("certify it with POST /v1/verifications"))
        }
        Err(error) => {
            tracing::warn!(event = "store_unavailable", %error);
            Err(Fault::new("", Code::StoreUnavailable, Code::StoreUnavailable.title()))
        }
    }
}

fn rendered(state: &ApiState, wish: &Wish<'_>) -> Result<Rendered, Fault> {
    let Some(template) = wish.template.as_deref() else {
        let pointer = if wish.vars.is_some() { "/vars" } else { "/locale" };
        return Err(Fault::new(pointer, Code::Required, "goes with a template, and there is none").hint("`template`"));
    };
    if wish.text.is_some() {
        return Err(Fault::new(
            "/template",
            Code::TextAndTemplate,
            "stands beside text; send one of the two",
        ));
    }
    let locale = wish.locale.as_deref().map(Locale::from_str).transpose();
    let locale = locale.map_err(|error| Fault::new("/locale", Code::TemplateFailed, error.to_string()))?;
    let vars = wish.vars.as_ref().map_or_else(
        || Value::from_pairs::<[(&str, Value); 0], _, _>([]),
        |vars| Value::from(Serde(vars)),
    );
    let context = vec![("data".into(), vars)];
    state.publisher.templates().render(template, locale.as_ref(), &context)
}
