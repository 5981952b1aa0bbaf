//! The rules of a cluster.

use crate::mo_ref::MoRef;
use crate::proto::{SoapRequest, Writer};
use crate::spec::{AntiAffinityRule, RuleChange};

/// `ReconfigureComputeResource_Task` that changes only these rules.
pub fn reconfigure_cluster_rules(cluster: &MoRef, changes: &[RuleChange]) -> SoapRequest {
    SoapRequest::mutating("ReconfigureComputeResource_Task", cluster, |w| {
        w.typed("spec", "ClusterConfigSpecEx", |w| {
            for change in changes {
                w.nest("rulesSpec", |w| rule_change(w, change));
            }
        });
        w.field("modify", true);
    })
}

fn rule_change(w: &mut Writer, change: &RuleChange) {
    match change {
        RuleChange::Add(rule) => {
            w.field("operation", "add");
            anti_affinity(w, rule);
        }
        RuleChange::Edit(rule) => {
            w.field("operation", "edit");
            anti_affinity(w, rule);
        }
        RuleChange::Remove { key } => {
            w.field("operation", "remove");
            w.any("removeKey", "xsd:int", key);
        }
    }
}

/// Every field always: a server replaces a rule wholly, and what is unset becomes a default.
fn anti_affinity(w: &mut Writer, rule: &AntiAffinityRule) {
    let AntiAffinityRule { key, name, enabled, mandatory, vms } = rule;
    w.typed("info", "ClusterAntiAffinityRuleSpec", |w| {
        w.optional("key", *key);
        w.field("enabled", enabled);
        w.field("name", name);
        w.field("mandatory", mandatory);
        w.morefs("vm", vms);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_rule_is_sent_whole_and_a_removed_one_by_key() {
        let vms = vec![MoRef::new("VirtualMachine", "vm-1"), MoRef::new("VirtualMachine", "vm-2")];
        let rule =
            AntiAffinityRule { key: Some(3), name: "apart".into(), enabled: true, mandatory: false, vms };
        let cluster = MoRef::new("ClusterComputeResource", "domain-c1");
        let request =
            reconfigure_cluster_rules(&cluster, &[RuleChange::Edit(rule), RuleChange::Remove { key: 9 }]);
        assert!(request.body.ends_with(concat!(
            r#"<spec xsi:type="ClusterConfigSpecEx"><rulesSpec><operation>edit</operation>"#,
            r#"<info xsi:type="ClusterAntiAffinityRuleSpec"><key>3</key><enabled>true</enabled><name>apart</name>"#,
            r#"<mandatory>false</mandatory><vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm>"#,
            r#"</info></rulesSpec><rulesSpec><operation>remove</operation><removeKey xsi:type="xsd:int">9</removeKey>"#,
            "</rulesSpec></spec><modify>true</modify></ReconfigureComputeResource_Task>"
        )));
    }
}
