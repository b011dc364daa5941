//! What a message says: the text that it brings, or that of a template.

use std::str::FromStr;

use minijinja::value::{Serde, Value};

use super::ApiState;
use crate::accept::{Accepted, Client, Code, Fault, Wish, WithoutRoute, accept, accept_saying};
use crate::domain::{Flag, mask_number};
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
        accepted.flags = accepted.flags.with(Flag::Personal);
        if accepted.needs_certified() {
            certified(state, client, &accepted).await.map_err(|fault| vec![fault])?;
            accepted.flags = accepted.flags.with(Flag::ForCertified);
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

fn rendered(state: &ApiState, wish: &Wish<'_>) -> Result<Rendered, Vec<Fault>> {
    let Some(template) = wish.template.as_deref() else {
        let pointer = if wish.vars.is_some() { "/vars" } else { "/locale" };
        let detail = "goes with a template, and there is none";
        return Err(vec![Fault::new(pointer, Code::Required, detail).hint("`template`")]);
    };
    let beside = [("text", wish.text.is_some()), ("rich", wish.rich.is_some())];
    if let Some((what, _)) = beside.iter().find(|(_, is_there)| *is_there) {
        let detail = format!("stands beside {what}; send one of the two");
        return Err(vec![Fault::new("/template", Code::TextAndTemplate, detail)]);
    }
    let locale = wish.locale.as_deref().map(Locale::from_str).transpose();
    let locale = locale.map_err(|error| vec![Fault::new("/locale", Code::TemplateFailed, error.to_string())])?;
    let vars = wish.vars.as_ref().map_or_else(
        || Value::from_pairs::<[(&str, Value); 0], _, _>([]),
        |vars| Value::from(Serde(vars)),
    );
    let context = vec![("data".into(), vars)];
    state.publisher.templates().render(template, locale.as_ref(), &context)
}
