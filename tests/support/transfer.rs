//! A back end whose only fact is an executed transfer; the text on the handset says its token.

use std::fs;

use crate::support::carrier::Carrier;
use crate::support::daemon::House;

/// A client that may publish, a rule and its template, one carrier; `more` are further sections.
pub(crate) fn furnish(house: &House, carrier: &Carrier, more: &str) {
    let templates = house.path().join("templates");
    fs::create_dir_all(&templates).unwrap();
    let text = "transaction#{{ data.token }} executed";
    fs::write(templates.join("transfer.en.txt"), text).unwrap();
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n[client.core]\n\
         key = \"core-0123456789abcdefghijklmnopqrstuvwxyz\"\nscopes = [\"events\"]\ndefault_sender = \"MyBank\"\n\
         [event.transfer]\ntype = \"com.bank.transfer.v1\"\nto = \"{{{{ data.msisdn }}}}\"\ntemplate = \"transfer\"\n\
         class = \"transaction\"\n{more}",
        carrier.section("")
    ));
}
