//! What every store must do, as tests: each behaviour runs over the store in memory and over the one in SQLite.

mod care;
mod certified;
mod claim;
mod consent;
mod enqueue;
mod group;
pub(crate) mod harness;
mod inbound;
mod notice;
mod rcs;
mod rcs_inbox;
mod read;
mod receipt;
mod settle;
mod sweep;
mod two_way;

/// Makes a test of each behaviour for each store.
macro_rules! behaviours {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            use super::super::harness::Bench;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&Bench::memory().await).await;
                }
            )+
        }
        mod sqlite {
            use super::super::harness::Bench;
            $(
                #[tokio::test]
                async fn $name() {
                    let bench = Bench::sqlite().await;
                    super::$name(&bench).await;
                    bench.check_file().await;
                }
            )+
        }
    };
}
use behaviours;
