//! Clouds that live: the real CLIs, the real agent, and the real daemons in guests behind the simulated vCenter.
//!
//! Each test walks one cloud through its life, because making one takes minutes.

mod few;
mod support;
mod whole;

use std::sync::{Mutex, PoisonError};

use acceptance_tests::living::{self, Cloud, Living};
use acceptance_tests::tiers::{self, Outcome, Tier};
use acceptance_tests::{Cli, Deployment, Installation};
use anyhow::Result;

use support::{PASSWORD, figures, who_is_not_ready};

/// What tier 1 shows.
const TOKENS: &str = "tokens are had when apply returns, and whatever one node does";
/// What tier 2 shows.
const WHOLE: &str = "every service works, objects come and go, files are mended, power may fail";

#[test]
fn a_cloud_gives_tokens_whatever_one_node_does() -> Result<()> {
    living(Tier::Tokens, TOKENS, |deployment| {
        few::begin(deployment)?;
        tokens(deployment)
    })
}

#[test]
fn a_whole_cloud_lives() -> Result<()> {
    living(Tier::Whole, WHOLE, |deployment| {
        deployment.copy_example("complete")?;
        Cloud::prepare(deployment, PASSWORD)?;
        whole(deployment)
    })
}

/// Two clouds at once would take each other's processors and memory.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Walks a cloud from nothing to nothing.
fn living(tier: Tier, law: &str, walk: impl FnOnce(&Deployment) -> Result<Outcome>) -> Result<()> {
    let root = match living::root()? {
        Living::Root(root) => root,
        Living::NotHere(why) => return tiers::run(tier, law, || Ok(Outcome::NotRun(why))),
    };
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let options = living::simulator_options(&root);
    let deployment = living::deployment(&Cli::named("tofu")?, Installation::DevOverride, &options)?;
    let before = deployment.vcenter.inventory()?;
    tiers::run(tier, law, || {
        let outcome = walk(&deployment).map_err(|error| error.context(who_is_not_ready(&deployment)))?;
        deployment.destroy()?;
        deployment.vcenter.inventory()?.expect_same_as(&before)?;
        Ok(outcome)
    })
}

fn tokens(deployment: &Deployment) -> Result<Outcome> {
    let cloud = few::tokens_are_had_when_apply_returns(deployment)?;
    few::clusters_are_whole(deployment)?;
    few::one_node_less_is_no_outage(deployment, &cloud)?;
    few::a_broken_configuration_stops_at_the_first_controller(deployment, &cloud)?;
    few::a_roll_of_what_drains_is_not_noticed(deployment, &cloud)?;
    few::a_roll_of_the_databases_is_short(deployment, &cloud)?;
    Ok(Outcome::Ran(figures()))
}

fn whole(deployment: &Deployment) -> Result<Outcome> {
    let cloud = whole::every_service_joins(deployment)?;
    whole::it_works(deployment, &cloud)?;
    whole::objects_come(deployment, &cloud)?;
    whole::other_options_are_taken(deployment, &cloud)?;
    whole::who_has_no_part_in_tokens_comes_back_too(deployment, &cloud)?;
    whole::objects_go(deployment, &cloud)?;
    whole::an_edited_file_is_seen_and_mended_alone(deployment)?;
    whole::a_service_that_hangs_is_restarted(deployment, &cloud)?;
    whole::it_comes_back_when_all_of_it_lost_power(deployment, &cloud)?;
    Ok(Outcome::Ran(figures()))
}
