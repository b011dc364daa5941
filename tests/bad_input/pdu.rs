//! What a carrier sends that it should not: every fixture of `smpp.json`, one after the other, to one daemon.

use serde_json::Value;

use crate::carrier::{Hostile, Peer, Tame};
use crate::daemon::{Daemon, Home};

struct Trial {
    daemon: Daemon,
    hostile: Hostile,
    peer: Peer,
}

#[test]
fn every_fixture_gets_its_answer_and_the_session_or_its_successor_lives() {
    let hostile = Hostile::new();
    let tame = Tame::new();
    let carriers = hostile.table("evil", "") + &tame.table("tame", "") + &crate::carrier::route("tame");
    let daemon = Home::new(&carriers).start();
    let peer = hostile.bound();
    let mut trial = Trial { daemon, hostile, peer };
    let mut wrong = Vec::new();
    let catalogue: Value = serde_json::from_str(include_str!("smpp.json")).unwrap();
    let mut count = 0;
    for row in catalogue["rows"].as_array().unwrap() {
        for fixture in row["fixtures"].as_array().into_iter().flatten() {
            count += 1;
            let what = format!(
                "{} / {}",
                row["row"].as_str().unwrap(),
                fixture["name"].as_str().unwrap()
            );
            if let Err(why) = trial.run(fixture) {
                wrong.push(format!("{what}\n    {why}"));
            }
            trial.daemon.is_well();
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 75, "{count}");
    // All that did not touch the traffic of the other carrier.
    let id = trial.daemon.send_text("meanwhile");
    trial.daemon.until(&id, "submitted");
    assert_eq!(tame.taken.lock().unwrap().len(), 1);
}

impl Trial {
    fn run(&mut self, fixture: &Value) -> Result<(), String> {
        let before = (
            self.log_length(),
            self.quarantined(),
            self.parked(),
            self.newest_inbound(),
        );
        for part in strings(&fixture["send"]) {
            let octets = hex::decode(part).unwrap();
            if fixture["octet_by_octet"] == true {
                for octet in &octets {
                    self.peer.say(&[*octet]);
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            } else {
                self.peer.say(&octets);
            }
        }
        let mut wanted = strings(&fixture["answers"]);
        let mut got = Vec::new();
        if fixture["closes"] == true {
            while let Some(heard) = self.peer.hear_or_end() {
                got.push(hex::encode(&heard.octets));
            }
            self.peer = self.hostile.bound();
        } else {
            // Two probes around: answers come in the order of their commits, so the last of them is waited for.
            while got.len() < wanted.len() {
                match self.peer.hear_or_end() {
                    Some(heard) => got.push(hex::encode(&heard.octets)),
                    None => {
                        self.peer = self.hostile.bound();
                        return Err(format!("the link was closed; came {got:?}"));
                    }
                }
            }
            self.peer.lives("enquire_link after it");
        }
        if fixture["any_order"] == true {
            wanted.sort();
            got.sort();
        }
        if wanted != got {
            return Err(format!("wanted {wanted:?}\n    got    {got:?}"));
        }
        self.effects(fixture, before)
    }

    fn effects(&self, fixture: &Value, before: (usize, usize, u64, Value)) -> Result<(), String> {
        let (log, quarantined, parked, newest) = before;
        if let Some(words) = fixture["log"].as_str()
            && !soon(|| self.daemon.log()[log..].contains(words))
        {
            return Err(format!("the log does not say {words}:\n{}", &self.daemon.log()[log..]));
        }
        if let Some(wanted) = fixture["quarantine"].as_object() {
            if !soon(|| self.quarantined() > quarantined) {
                return Err("nothing was quarantined".to_owned());
            }
            let kept = &self.daemon.admin("/admin/v1/quarantine?limit=1&reveal=true")["data"][0];
            if kept["command_status"] != wanted["command_status"] {
                return Err(format!("quarantined as {kept}"));
            }
            if let Some(reason) = wanted.get("reason").and_then(Value::as_str)
                && !kept["reason"].as_str().unwrap().contains(reason)
            {
                return Err(format!("quarantined as {kept}"));
            }
            let peer = kept["peer"].as_str().unwrap_or_default();
            if (&kept["carrier"], &kept["bind"]) != (&"evil".into(), &0.into()) || !peer.starts_with("127.0.0.1:") {
                return Err(format!("came from elsewhere: {kept}"));
            }
            let sent = fixture["send"][0].as_str().unwrap();
            if !sent.contains(kept["hex"].as_str().unwrap()) {
                return Err(format!("other octets were kept: {kept}"));
            }
        } else if self.quarantined() != quarantined {
            return Err(format!(
                "quarantined: {}",
                self.daemon.admin("/admin/v1/quarantine?limit=1")["data"][0]
            ));
        }
        let more = fixture["parked"].as_u64().unwrap_or(0);
        if self.parked() != parked + more {
            return Err(format!("{} receipts parked, wanted {}", self.parked(), parked + more));
        }
        if let Some(wanted) = fixture["inbound"].as_object() {
            let kept = self.newest_inbound();
            if kept["id"] == newest["id"] {
                return Err("no text was stored".to_owned());
            }
            for (field, wanted) in wanted {
                let got = &kept[field];
                let same = if field == "note" {
                    got.is_string() == (wanted == true)
                } else {
                    got == wanted
                };
                if !same {
                    return Err(format!("{field}: {got}, wanted {wanted}"));
                }
            }
        }
        Ok(())
    }

    fn log_length(&self) -> usize {
        self.daemon.log().len()
    }

    fn quarantined(&self) -> usize {
        self.daemon.admin("/admin/v1/quarantine?limit=1000")["data"]
            .as_array()
            .unwrap()
            .len()
    }

    fn parked(&self) -> u64 {
        self.daemon.admin("/admin/v1/queue")["receipts_parked"]
            .as_u64()
            .unwrap()
    }

    fn newest_inbound(&self) -> Value {
        self.daemon.admin("/admin/v1/inbound?limit=1&reveal=true")["data"][0].clone()
    }
}

/// Whether it comes true within two seconds.
fn soon(mut is: impl FnMut() -> bool) -> bool {
    (0..200).any(|_| is() || (std::thread::sleep(std::time::Duration::from_millis(10)), false).1)
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}
