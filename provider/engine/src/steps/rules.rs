//! Anti-affinity rules. Changes of one cluster's rules are made one after another: vCenter answers with the whole
//! list, and two at once could each take the other's key.

use deploy::name::NodeName;
use deploy::plan::Action;
use vim::{AntiAffinityRule, MoRef, ObjectSpec, PropSpec, RuleChange};

use super::Context;
use crate::error::Error;
use crate::read::deployment::{RULES, all_rules};

impl Context<'_> {
    pub(super) async fn set_rule(&self, name: &str, members: &[NodeName]) -> Result<(), Error> {
        let action = Action::SetRule { rule: name.to_owned(), members: members.to_vec() };
        let vms: Vec<MoRef> =
            self.refs(|refs| members.iter().filter_map(|m| refs.nodes.get(m).cloned()).collect());
        // A rule of fewer than two is refused by vCenter; the members that are missing come with their own component.
        if vms.len() < 2 {
            return Ok(());
        }
        let _turn = self.rules.lock().await;
        let (cluster, rules) = self.rules_now(&action).await?;
        let old = rules.into_iter().find(|rule| rule.name == name);
        let rule = AntiAffinityRule {
            key: old.as_ref().and_then(|rule| rule.key),
            name: name.to_owned(),
            enabled: true,
            mandatory: false,
            vms,
        };
        let change = if old.is_some() { RuleChange::Edit(rule) } else { RuleChange::Add(rule) };
        self.change_rules(&cluster, change, &action).await
    }

    pub(super) async fn remove_rule(&self, name: &str) -> Result<(), Error> {
        let action = Action::RemoveRule(name.to_owned());
        let _turn = self.rules.lock().await;
        let (cluster, rules) = self.rules_now(&action).await?;
        match rules.into_iter().find(|rule| rule.name == name).and_then(|rule| rule.key) {
            Some(key) => self.change_rules(&cluster, RuleChange::Remove { key }, &action).await,
            None => Ok(()),
        }
    }

    async fn rules_now(&self, action: &Action) -> Result<(MoRef, Vec<AntiAffinityRule>), Error> {
        let pool = self.deployment.inventory.deployment_pool(&self.deployment.name);
        let cluster = match pool {
            Some((cluster, _)) => cluster,
            None => self.place(self.settings()?)?.1,
        };
        let cluster = MoRef::new("ClusterComputeResource", &cluster.entity.moid);
        let (objects, paths) =
            ([ObjectSpec::one(cluster.clone())], [PropSpec::new("ClusterComputeResource", &[RULES])]);
        let objects = self.client.retrieve(&objects, &paths).await.map_err(Error::step(action))?;
        Ok((cluster, objects.first().map(all_rules).unwrap_or_default()))
    }

    async fn change_rules(&self, cluster: &MoRef, change: RuleChange, action: &Action) -> Result<(), Error> {
        let task =
            self.client.reconfigure_cluster_rules(cluster, &[change]).await.map_err(Error::step(action))?;
        self.finish(task, action).await.map(drop)
    }
}
